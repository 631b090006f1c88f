// What is said between a client and an OAuth 2.0 token server (RFC 6749, RFC 7523), without sending it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/http_client.h"
#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"

namespace vedette {

/// How the client shows who it is. Servers differ in which they take.
enum class TokenStyle { kHeader, kParameters };

/// The request for a token. `credential`: the client's secret, or the key it signs with. `now` goes into what is
/// signed. Errors: kBadData for parameters that would change what is asked, a key that cannot sign, claims that are no
/// object.
Result<HttpRequest> BuildTokenRequest(const OAuth2& config, const Secret& credential, TokenStyle style, TimeMs now);

struct AccessToken {
  std::string authorization;                       // value of the header: "Bearer abc"
  std::optional<std::chrono::seconds> lifetime{};  // nothing: the server named none, it is good for ever
  /// `expires_on`, which some services of Azure say instead. Go's client for OAuth 2.0 does not know it.
  std::optional<TimeMs> expires{};
};

/// Errors: kUnavailable with the server's status or reason, kBadData for an answer without a token. What the server
/// says goes into the message shortened and quoted, and not at all when it repeats `credential`.
Result<AccessToken> ParseTokenReply(const HttpResponse& reply, const Secret& credential);

}  // namespace vedette
