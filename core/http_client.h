// HTTP/1.1 and HTTPS client: scraping, discovery and notifications go through it.
//
// One HttpClient holds what Prometheus calls http_config (credentials, TLS, redirects) and a few idle connections; it
// is shared by the requests of one job or receiver. Thread-safe. No Beast in this header.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"

namespace boost::asio {
class io_context;
}

namespace vedette {

struct TlsOptions {
  std::string ca_file{}, cert_file{}, key_file{};  // re-read when a connection is made
  std::string ca{}, cert{};                        // inline PEM
  Secret key{};
  std::string server_name{};
  bool insecure_skip_verify = false;
  std::string min_version{}, max_version{};  // "TLS10" ... "TLS13", empty: the library's default
  bool operator==(const TlsOptions&) const = default;
};

struct BasicAuth {
  std::string username{}, username_file{};
  Secret password{};
  std::string password_file{};  // read for each request, so that rotation works
  bool operator==(const BasicAuth&) const = default;
};

struct Authorization {
  std::string type = "Bearer";
  Secret credentials{};
  std::string credentials_file{};
  bool operator==(const Authorization&) const = default;
};

/// Prometheus' http_config.
struct HttpConfig {
  std::optional<BasicAuth> basic_auth{};
  std::optional<Authorization> authorization{};
  TlsOptions tls{};
  bool follow_redirects = true;  // credentials and own headers are never sent on to another host
  std::string proxy_url{};       // http:// only
  std::vector<std::pair<std::string, Secret>> headers{};
  bool operator==(const HttpConfig&) const = default;
};

/// Takes a body as it comes. `piece` is valid until `next` is called: exactly once, from any thread. Nothing is read
/// meanwhile, so a slow reader slows the peer; anything but Ok() ends the request with that error.
using BodyReader = std::function<void(std::string_view piece, std::function<void(Status)> next)>;

struct HttpRequest {
  std::string method = "GET";
  std::string url{};  // absolute; http or https
  /// Not empty: the path of a Unix socket that is connected to, whatever host the URL (or a redirect) names.
  std::string unix_socket{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  Millis timeout = std::chrono::seconds(10);  // from name resolution to the last byte
  /// Of the body after decompression; the transfer is stopped as soon as it is exceeded. 0 = 256 MiB.
  std::size_t max_body_bytes = 0;
  bool accept_gzip = true;
  /// When set, the body of a 2xx answer goes to it piece by piece, decompressed, and is not collected: `max_body_bytes`
  /// is then of all pieces together, and 0 no limit. Not called any more once the request has ended.
  BodyReader body_reader{};
  /// Until the head of the answer is there; 0: only `timeout` counts. For bodies that last.
  Millis head_timeout{0};
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};  // decompressed
  std::size_t wire_bytes = 0;

  /// Value of the first header of that name, case-insensitive; empty when absent.
  std::string_view Header(std::string_view name) const;
};

class HttpClient {
 public:
  /// Errors: kBadData for a proxy URL or TLS version that makes no sense. Files are read later, with each connection.
  static Result<std::unique_ptr<HttpClient>> Create(boost::asio::io_context& io, const HttpConfig& config);
  /// The errors of Create(), without a client.
  static Status Validate(const HttpConfig& config);
  virtual ~HttpClient() = default;

  using Callback = std::function<void(Result<HttpResponse>)>;
  /// Starts a request; `done` is called exactly once, on a thread of the io_context, also when it is stopped early by
  /// destroying the client (kCanceled). Any status is a response, not an error.
  /// Errors: kTimeout, kUnavailable (connect, resolve, reset, TLS; the message says which), kLimit (body too large),
  /// kBadData (URL, malformed reply).
  virtual void Start(HttpRequest request, Callback done) = 0;

  /// The same, waiting. Never call it on a thread of the io_context.
  Result<HttpResponse> Send(HttpRequest request);
};

/// Gzip both ways. Errors: kBadData for a damaged stream, kLimit when the text would exceed `max_bytes`.
Result<std::string> Gunzip(std::string_view compressed, std::size_t max_bytes);
std::string Gzip(std::string_view text, int level = 1);

}  // namespace vedette
