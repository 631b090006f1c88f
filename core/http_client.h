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
#include <stop_token>
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

struct ProxyOptions {
  std::string proxy_url{};  // http:// or https://
  std::string no_proxy{};   // hosts that are asked directly, see NoProxyList
  bool proxy_from_environment = false;
  std::vector<std::pair<std::string, Secret>> proxy_connect_header{};  // for the proxy, where it makes a tunnel
  bool operator==(const ProxyOptions&) const = default;
};

/// Requests carry a token that a server gives out for the client's credentials. Its options for proxies and TLS are
/// those of the requests for tokens.
struct OAuth2 : ProxyOptions {
  static constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

  std::string client_id{};
  Secret client_secret{};
  std::string client_secret_file{};  // a change of it makes the token at hand void
  std::string token_url{};
  std::vector<std::string> scopes{};
  std::vector<std::pair<std::string, std::string>> endpoint_params{};
  TlsOptions tls{};
  std::string grant_type{};  // kJwtBearer, or what else there is: the client's credentials

  // Of kJwtBearer: a statement signed with a key is what the token is given for.
  std::string client_certificate_key_id{};
  Secret client_certificate_key{};  // PEM
  std::string client_certificate_key_file{};
  std::string signature_algorithm{};  // RS256 (also when empty), RS384, RS512
  std::string iss{}, audience{};      // empty: client_id, token_url
  std::string claims_json{};          // an object, or empty: put over the usual claims

  bool operator==(const OAuth2&) const = default;
};

/// Prometheus' http_config.
struct HttpConfig : ProxyOptions {
  std::optional<BasicAuth> basic_auth{};
  std::optional<Authorization> authorization{};
  std::optional<OAuth2> oauth2{};
  TlsOptions tls{};              // of an https:// proxy, too
  bool follow_redirects = true;  // credentials and own headers are never sent on to another host
  std::vector<std::pair<std::string, Secret>> headers{};
  std::vector<std::pair<std::string, std::string>> header_files{};  // read for each request
  bool operator==(const HttpConfig&) const = default;
};

/// Takes a body as it comes; the first piece may be empty: then the head is there. Valid until `next` is called: once,
/// from any thread. Nothing is read meanwhile, so a slow reader slows the peer; anything but Ok() is the request's end.
using BodyReader = std::function<void(std::string_view piece, std::function<void(Status)> next)>;

struct HttpResponse;

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
  /// Called before the first piece goes to `body_reader`, with status and headers.
  std::function<void(const HttpResponse& head)> head_reader{};
  /// Ends the request with kCanceled, from any thread.
  std::stop_token stop{};
  /// Until the head of the answer is there; 0: only `timeout` counts. For bodies that last.
  Millis head_timeout{0};
  /// Whose threads do the work and call back; null: the client's. Connections stay with theirs,
  /// so that it outlives the client.
  boost::asio::io_context* io = nullptr;
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};  // decompressed
  std::size_t wire_bytes = 0;

  /// Value of the first header of that name, case-insensitive; empty when absent.
  std::string_view Header(std::string_view name) const;
};

/// Gives the memory of a body, which is done with, to the next replies of this thread. For pages that come all the
/// time.
void RecycleBody(std::string body);

namespace http {
struct PreparedRequest;
}

class HttpClient {
 public:
  /// Errors: kBadData for the URL of a proxy or of tokens, or a TLS version, that makes no sense. Files are read later,
  /// with each connection.
  static Result<std::unique_ptr<HttpClient>> Create(boost::asio::io_context& io, const HttpConfig& config);
  /// The errors of Create(), without a client.
  static Status Validate(const HttpConfig& config);
  virtual ~HttpClient() = default;

  using Callback = std::function<void(Result<HttpResponse>)>;
  /// Starts a request; `done` is called exactly once, on a thread of its io_context, also when it is stopped early by
  /// destroying the client (kCanceled). Any status is a response, not an error.
  /// Errors: kTimeout, kUnavailable (connect, resolve, reset, TLS; the message says which), kLimit (body too large),
  /// kBadData (URL, malformed reply).
  virtual void Start(HttpRequest request, Callback done) = 0;

  /// For a request that is made again and again: what is the same each time is worked out once. It may outlive the
  /// client. Errors: kBadData for the URL.
  using Prepared = std::shared_ptr<const http::PreparedRequest>;
  virtual Result<Prepared> Prepare(HttpRequest request) = 0;
  /// `request` comes from Prepare() of this client, or of one with the same configuration.
  virtual void Start(Prepared request, Callback done) = 0;

  /// The same, waiting. Never call it on a thread of the io_context.
  Result<HttpResponse> Send(HttpRequest request);
};

/// Gzip both ways. Errors: kBadData for a damaged stream, kLimit when the text would exceed `max_bytes`.
Result<std::string> Gunzip(std::string_view compressed, std::size_t max_bytes);
std::string Gzip(std::string_view text, int level = 1);

}  // namespace vedette
