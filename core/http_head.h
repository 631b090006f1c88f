// The head of an outgoing request: request line, credentials and headers, checked and put together.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/http_client.h"
#include "core/result.h"
#include "core/secret.h"
#include "core/url.h"

namespace vedette::http {

/// One hop of a request: redirects make further ones.
struct Hop {
  Url url;
  std::string method;
  bool trusted = true;  // still the host that was asked first: credentials and own headers may go there
  bool send_body = true;
  bool redirected = false;  // not the first
};

/// A method, or the name of a header (RFC 9110).
bool IsToken(std::string_view text);

/// Whether the head of a request says the same each time, as far as the configuration goes: it names no files.
bool IsHeadConstant(const HttpConfig& config);

/// Errors: kBadData for a method or header that would break the framing, kIo for a credentials file that cannot be
/// read. `token`: for the Authorization header, when not empty. `forwarded`: the head goes to a proxy, which needs the
/// whole URL.
Result<std::string> BuildHead(const Hop& hop, const HttpRequest& request, const HttpConfig& config,
                              const std::string& token, const std::string& proxy_credentials, bool forwarded);

/// Header lines as they are sent, each with its line break. Errors: kBadData for what would break the framing.
Result<std::string> HeaderLines(const std::vector<std::pair<std::string, Secret>>& headers);

/// What the file holds now, without surrounding white space: editors and `echo` add a line break. Errors: kIo, which
/// begins with `what`.
Result<std::string> ReadSecretFile(std::string_view what, const std::string& path);

/// The next hop when `response` is a redirect that is to be followed: 301, 302 and 303 turn into GET, 307 and 308
/// repeat the request. Errors: kBadData for a Location that makes no sense.
Result<Hop> FollowRedirect(const Hop& hop, const HttpResponse& response);
bool IsRedirect(const HttpResponse& response);

}  // namespace vedette::http
