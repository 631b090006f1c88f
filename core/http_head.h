// The head of an outgoing request: request line, credentials and headers, checked and put together.
#pragma once

#include <string>

#include "core/http_client.h"
#include "core/url.h"

namespace vedette::http {

/// One hop of a request: redirects make further ones.
struct Hop {
  Url url;
  std::string method;
  bool trusted = true;  // still the host that was asked first: credentials and own headers may go there
  bool send_body = true;
};

/// Errors: kBadData for a method or header that would break the framing, kIo for a credentials file that cannot be
/// read. `forwarded`: the head goes to a proxy, which needs the whole URL.
Result<std::string> BuildHead(const Hop& hop, const HttpRequest& request, const HttpConfig& config,
                              const std::string& proxy_credentials, bool forwarded);

/// The next hop when `response` is a redirect that is to be followed: 301, 302 and 303 turn into GET, 307 and 308
/// repeat the request. Errors: kBadData for a Location that makes no sense.
Result<Hop> FollowRedirect(const Hop& hop, const HttpResponse& response);
bool IsRedirect(const HttpResponse& response);

}  // namespace vedette::http
