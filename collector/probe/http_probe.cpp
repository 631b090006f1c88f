// HTTP and HTTPS: one request, redirects followed, and what of the reply a module finds good or bad.
#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <map>

#include "collector/probe/body.h"
#include "collector/probe/http_message.h"
#include "collector/probe/probe_files.h"
#include "collector/probe/tls_facts.h"
#include "core/url.h"
#include "core/version.h"

namespace vedette::collector {
namespace {

constexpr ProbeGauge kDuration{"probe_http_duration_seconds",
                               "Duration of http request by phase, summed over all redirects"};
constexpr ProbeGauge kContentLength{"probe_http_content_length", "Length of http content response"};
constexpr ProbeGauge kBodyLength{"probe_http_uncompressed_body_length", "Length of uncompressed response body"};
constexpr ProbeGauge kRedirects{"probe_http_redirects", "The number of redirects"};
constexpr ProbeGauge kSsl{"probe_http_ssl", "Indicates if SSL was used for the final redirect"};
constexpr ProbeGauge kStatusCode{"probe_http_status_code", "Response HTTP status code"};
constexpr ProbeGauge kVersionGauge{"probe_http_version", "Returns the version of HTTP of the probe response"};
constexpr ProbeGauge kHttpFailedDueToRegex{"probe_failed_due_to_regex", "Indicates if probe failed due to regex"};
constexpr ProbeGauge kLastModified{"probe_http_last_modified_timestamp_seconds",
                                   "Returns the Last-Modified HTTP response header in unixtime"};

/// Of a module without body_size_limit: a target that streams for ever must not fill the memory.
constexpr std::size_t kMaxProbeBody = 64 << 20;
constexpr int kMaxRedirects = 10;

/// "Tue, 15 Nov 1994 12:45:26 GMT".
std::optional<double> ParseHttpDate(const std::string& text) {
  std::tm time{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  if (text.empty() || end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<double>(::timegm(&time));
}

bool HasName(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view name) {
  return std::ranges::any_of(headers, [&](const auto& header) { return EqualsIgnoreCase(header.first, name); });
}

/// The Authorization header that the module asks for; empty: none.
Result<std::string> AuthorizationOf(const HttpConfig& config) {
  if (const auto& basic = config.basic_auth) {
    std::string name = basic->username, password = basic->password.Reveal();
    if (!basic->username_file.empty()) {
      VEDETTE_TRY(name, ReadProbeSecret(basic->username_file));
    }
    if (!basic->password_file.empty()) {
      VEDETTE_TRY(password, ReadProbeSecret(basic->password_file));
    }
    return "Basic " + Base64Encode(name + ":" + password);
  }
  if (const auto& auth = config.authorization) {
    std::string credentials = auth->credentials.Reveal();
    if (!auth->credentials_file.empty()) {
      VEDETTE_TRY(credentials, ReadProbeSecret(auth->credentials_file));
    }
    return (auth->type.empty() ? std::string("Bearer") : auth->type) + " " + credentials;
  }
  return std::string();
}

struct RequestParts {
  std::string body, authorization;
  std::vector<std::pair<std::string, std::string>> headers;  // whose values lie in files
};

/// What a module's requests have in common. Reads the files that it names.
Result<RequestParts> PrepareParts(const HttpProbe& probe) {
  constexpr std::size_t kMaxRequestBody = 16 << 20;
  RequestParts parts{.body = probe.body, .authorization = {}, .headers = {}};
  if (!probe.body_file.empty()) {
    VEDETTE_TRY(parts.body, ReadProbeFile(probe.body_file, kMaxRequestBody));
  }
  VEDETTE_TRY(parts.authorization, AuthorizationOf(probe.client));
  for (const auto& [name, file] : probe.client.header_files) {
    VEDETTE_TRY(std::string value, ReadProbeSecret(file));
    parts.headers.emplace_back(name, std::move(value));
  }
  return parts;
}

bool NamesFiles(const HttpProbe& probe) {
  const auto& basic = probe.client.basic_auth;
  const auto& auth = probe.client.authorization;
  return !probe.body_file.empty() || (basic && !(basic->username_file.empty() && basic->password_file.empty())) ||
         (auth && !auth->credentials_file.empty()) || !probe.client.header_files.empty();
}

class HttpRun {
 public:
  HttpRun(std::shared_ptr<ProbeRun> run, const HttpProbe& probe) : run_(std::move(run)), probe_(probe) {}

  net::awaitable<bool> Go(std::string target) {
    for (const ProbeGauge& gauge :
         {kContentLength, kBodyLength, kRedirects, kSsl, kStatusCode, kVersionGauge, kHttpFailedDueToRegex}) {
      run_->metrics.Set(gauge, 0);
    }
    const auto url = ParseUrl(HasScheme(target) ? target : "http://" + target);
    if (!url) {
      run_->log.Error("Could not parse target URL", {{"err", url.error().message}});
      co_return false;
    }
    url_ = first_ = *url;
    const bool asked = co_await Follow();
    co_return co_await Judge(asked);
  }

 private:
  static bool HasScheme(const std::string& target) {
    const auto starts = [&](std::string_view scheme) {
      return target.size() >= scheme.size() &&
             EqualsIgnoreCase(std::string_view(target).substr(0, scheme.size()), scheme);
    };
    return starts("http://") || starts("https://");
  }

  void AddPhase(std::string_view phase, double seconds) { run_->metrics.Add(kDuration, {{"phase", phase}}, seconds); }

  /// The request and those that redirects lead to. False when there is no reply.
  net::awaitable<bool> Follow() {
    method_ = probe_.method;
    const std::function<Result<RequestParts>()> prepare = [probe = probe_] { return PrepareParts(probe); };
    std::optional<Result<RequestParts>> parts;
    if (NamesFiles(probe_)) {
      parts = co_await run_->Offload(prepare);
    } else {
      parts = PrepareParts(probe_);
    }
    if (!parts || !*parts) {
      const std::string reason = parts ? parts->error().message : std::string("context deadline exceeded");
      run_->log.Error("Error creating request", {{"err", reason}});
      co_return false;
    }
    body_ = std::move((**parts).body);
    authorization_ = std::move((**parts).authorization);
    file_headers_ = std::move((**parts).headers);
    for (;;) {
      if (run_->expired()) {
        run_->log.Error("Error for HTTP request", {{"err", "context deadline exceeded"}});
        co_return false;
      }
      const bool answered = co_await Ask();
      if (!answered) co_return false;
      if (!IsRedirect()) co_return true;
      ++redirects_;
      run_->log.Info("Received redirect", {{"location", WithoutCredentials(reply_.Header("Location"))}});
      if (redirects_ > kMaxRedirects || !probe_.client.follow_redirects) {
        run_->log.Info("Not following redirect");
        stopped_at_redirect_ = true;
        co_return true;
      }
      const auto next = ResolveUrl(url_, reply_.Header("Location"));
      if (!next) {
        run_->log.Error("Error for HTTP request", {{"err", next.error().message}});
        co_return false;
      }
      if (reply_.status != 307 && reply_.status != 308) {
        if (method_ != "HEAD") method_ = "GET";
        body_.clear();
      }
      url_ = *next;
    }
  }

  bool IsRedirect() const {
    static constexpr std::array<int, 5> kStatuses{301, 302, 303, 307, 308};
    return std::ranges::find(kStatuses, reply_.status) != kStatuses.end() && !reply_.Header("Location").empty();
  }

  /// Connects and exchanges one request for one reply, adding up the phases.
  net::awaitable<bool> Ask() {
    reply_ = {};
    run_->memory->GiveBack();
    tls_ = false;
    const SteadyTime start = std::chrono::steady_clock::now();
    net::ip::address address;
    if (url_.host == first_.host && address_) {
      address = *address_;  // redirects to the same host go to the same address
    } else {
      double seconds = 0;
      const auto found = co_await run_->Resolve(url_.host, probe_.ip, seconds);
      AddPhase("resolve", redirects_ == 0 ? seconds : SecondsBetween(start, std::chrono::steady_clock::now()));
      if (!found) co_return false;
      address = *found;
      if (!address_) address_ = address;
    }
    for (const std::string_view phase : {"connect", "tls", "processing", "transfer"}) AddPhase(phase, 0);
    stream_ = ProbeStream::Create(*run_);
    const SteadyTime resolved = std::chrono::steady_clock::now();
    const net::ip::tcp::endpoint endpoint(address, url_.port);
    const std::string any_source;
    Status status = co_await stream_->Connect(endpoint, any_source);
    const SteadyTime connected = std::chrono::steady_clock::now();
    if (status && url_.IsTls()) {
      const std::string host = TlsHost();
      status = co_await stream_->Handshake(*run_, host);
      tls_ = status.has_value();
    }
    const SteadyTime ready = std::chrono::steady_clock::now();
    if (!status) {
      run_->log.Error("Error for HTTP request", {{"err", status.error().message}});
      co_return false;
    }
    AddPhase("connect", SecondsBetween(resolved, connected));
    if (tls_) AddPhase("tls", SecondsBetween(connected, ready));
    run_->log.Info("Making HTTP request", {{"url", url_.ToString()}, {"host", HostHeader()}});
    const ProbeHttpRequest request = MakeRequest();
    const ProbeBodyRules rules{.max_bytes = BodyLimit(), .keep = NeedsBody(), .memory = run_->memory};
    transport_error_ = co_await ExchangeHttp(*stream_, request, rules, reply_);
    if (reply_.first_byte != SteadyTime()) AddPhase("processing", SecondsBetween(ready, reply_.first_byte));
    if (reply_.status == 0) {
      const std::string reason = run_->expired()     ? "context deadline exceeded"
                                 : !transport_error_ ? transport_error_.error().message
                                                     : std::string("no reply");
      run_->log.Error("Error for HTTP request", {{"err", reason}});
      co_return false;
    }
    KeepCookies();
    run_->log.Info("Received HTTP response", {{"status_code", std::to_string(reply_.status)}});
    co_return true;
  }

  /// Of a compressed body this is more than what is accepted afterwards, as compression may make it larger.
  std::size_t BodyLimit() const { return probe_.body_size_limit != 0 ? probe_.body_size_limit + 1024 : kMaxProbeBody; }

  bool IsCompressed() const { return probe_.compression == "gzip" || probe_.compression == "deflate"; }
  bool NeedsBody() const {
    return IsCompressed() || !probe_.fail_if_body_matches.empty() || !probe_.fail_if_body_not_matches.empty();
  }

  std::string TlsHost() const {
    if (url_.host != first_.host) return url_.host;  // what the module names is meant for the first host
    if (!probe_.client.tls.server_name.empty()) return probe_.client.tls.server_name;
    for (const auto& [name, value] : probe_.headers) {
      if (EqualsIgnoreCase(name, "Host")) return value;
    }
    return url_.host;
  }

  std::string HostHeader() const {
    for (const auto& [name, value] : probe_.headers) {
      if (EqualsIgnoreCase(name, "Host") && url_.host == first_.host) return value;
    }
    return url_.HostHeader();
  }

  /// Where the target was, or the same host's usual port after its step up to TLS.
  bool IsFirstHost() const {
    if (url_.host != first_.host) return false;
    constexpr std::uint16_t kHttpPort = 80, kHttpsPort = 443;
    const bool upgraded = !first_.IsTls() && first_.port == kHttpPort && url_.IsTls() && url_.port == kHttpsPort;
    return upgraded || (url_.port == first_.port && url_.scheme == first_.scheme);
  }

  ProbeHttpRequest MakeRequest() const {
    ProbeHttpRequest request{.method = method_, .target = url_.Target(), .headers = {}, .body = body_};
    request.headers.emplace_back("Host", HostHeader());
    if (!HasName(probe_.headers, "User-Agent"))
      request.headers.emplace_back("User-Agent", fmt::format("Vedette/{}", kVersion));
    const bool same_host = IsFirstHost();
    for (const auto& [name, value] : probe_.headers) {
      const bool secret = EqualsIgnoreCase(name, "Authorization") || EqualsIgnoreCase(name, "Cookie");
      if (!EqualsIgnoreCase(name, "Host") && (!secret || same_host)) request.headers.emplace_back(name, value);
    }
    for (const auto& [name, value] : probe_.client.headers) {
      if (same_host) request.headers.emplace_back(name, value.Reveal());
    }
    for (const auto& [name, value] : file_headers_) {
      if (same_host) request.headers.emplace_back(name, value);
    }
    // The module's credentials never go to another host; those in a URL are meant for its own.
    const bool in_url = !url_.username.empty() || !url_.password.empty();
    const std::string authorization = in_url      ? "Basic " + Base64Encode(url_.username + ":" + url_.password)
                                      : same_host ? authorization_
                                                  : std::string();
    if (!authorization.empty() && !HasName(request.headers, "Authorization")) {
      request.headers.emplace_back("Authorization", authorization);
    }
    std::string cookies;
    if (const auto jar = cookies_.find(url_.host); jar != cookies_.end()) {
      for (const auto& [name, value] : jar->second) cookies += (cookies.empty() ? "" : "; ") + name + "=" + value;
    }
    if (!cookies.empty()) request.headers.emplace_back("Cookie", cookies);
    return request;
  }

  /// A login page that redirects wants its cookie back. Kept by host for the length of the probe.
  void KeepCookies() {
    constexpr std::size_t kMaxCookies = 50, kMaxCookieBytes = 4096;
    for (const std::string& cookie : reply_.HeaderValues("Set-Cookie")) {
      const std::string pair = cookie.substr(0, cookie.find(';'));
      const std::size_t equals = pair.find('=');
      auto& jar = cookies_[url_.host];
      if (equals == std::string::npos || pair.size() > kMaxCookieBytes || jar.size() >= kMaxCookies) continue;
      jar[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
  }

  /// What the last reply says, and whether it is good.
  net::awaitable<bool> Judge(bool answered) {
    run_->metrics.Set(kRedirects, redirects_);
    if (!answered) {
      AddTls();
      co_return false;
    }
    bool success = StatusIsGood() && HeadersAreGood();
    if (!stopped_at_redirect_) {
      const bool body_is_good = co_await BodyIsGood(success);
      success = success && body_is_good;
      AddPhase("transfer", SecondsBetween(reply_.first_byte, std::chrono::steady_clock::now()));
      run_->metrics.Set(kBodyLength, body_bytes_);
    }
    if (const auto modified = ParseHttpDate(reply_.Header("Last-Modified"))) {
      run_->metrics.Set(kLastModified, *modified);
    }
    run_->metrics.Set(kVersionGauge, reply_.version / 10.0);
    const std::string protocol = fmt::format("HTTP/{}.{}", reply_.version / 10, reply_.version % 10);
    const auto& versions = probe_.valid_http_versions;
    if (!versions.empty() && std::ranges::find(versions, protocol) == versions.end()) {
      run_->log.Error("Invalid HTTP version number", {{"version", protocol}});
      success = false;
    }
    run_->metrics.Set(kStatusCode, reply_.status);
    run_->metrics.Set(kContentLength, reply_.content_length);
    AddTls();
    if (tls_ && probe_.fail_if_ssl) {
      run_->log.Error("Final request was over SSL");
      co_return false;
    }
    if (!tls_ && probe_.fail_if_not_ssl && success) {
      run_->log.Error("Final request was not over SSL");
      co_return false;
    }
    co_return success;
  }

  void AddTls() {
    if (!tls_ || reply_.status == 0) return;
    run_->metrics.Set(kSsl, 1);
    AddTlsFacts(stream_->ssl(), true, run_->metrics);
  }

  bool StatusIsGood() {
    const auto& valid = probe_.valid_status_codes;
    const bool good = valid.empty() ? reply_.status >= 200 && reply_.status < 300
                                    : std::ranges::find(valid, reply_.status) != valid.end();
    if (!good) {
      run_->log.Error(
          valid.empty() ? "Invalid HTTP response status code, wanted 2xx" : "Invalid HTTP response status code",
          {{"status_code", std::to_string(reply_.status)}});
    }
    return good;
  }

  bool HeadersAreGood() {
    if (probe_.fail_if_header_matches.empty() && probe_.fail_if_header_not_matches.empty()) return true;
    const auto any = [&](const HeaderMatch& match, const std::vector<std::string>& values) {
      return std::ranges::any_of(values, [&](const std::string& value) { return match.regexp.Found(value); });
    };
    const auto fails = [&](const HeaderMatch& match, bool when_found) {
      const std::vector<std::string> values = reply_.HeaderValues(match.header);
      if (values.empty()) {
        if (!match.allow_missing) run_->log.Error("Missing required header", {{"header", match.header}});
        return !match.allow_missing;
      }
      if (any(match, values) != when_found) return false;
      run_->log.Error(when_found ? "Header matched regular expression" : "Header did not match regular expression",
                      {{"header", match.header}, {"regexp", match.regexp.pattern()}});
      return true;
    };
    const bool good =
        std::ranges::none_of(probe_.fail_if_header_matches, [&](const auto& match) { return fails(match, true); }) &&
        std::ranges::none_of(probe_.fail_if_header_not_matches, [&](const auto& match) { return fails(match, false); });
    run_->metrics.Set(kHttpFailedDueToRegex, good ? 0 : 1);
    return good;
  }

  /// Whether the body could be read, in the clear, and is good. `check`: expressions are looked for.
  net::awaitable<bool> BodyIsGood(bool check) {
    const std::size_t limit = probe_.body_size_limit != 0 ? probe_.body_size_limit : kMaxProbeBody;
    BodyVerdict verdict{.status = transport_error_, .bytes = reply_.body_size, .problem = {}, .regexp = {}};
    const bool search = check && (!probe_.fail_if_body_matches.empty() || !probe_.fail_if_body_not_matches.empty());
    if (verdict.status && (search || IsCompressed())) {
      const auto task = std::make_shared<BodyTask>(BodyTask{.body = std::move(reply_.body),
                                                            .compression = probe_.compression,
                                                            .max_bytes = limit,
                                                            .bad = {},
                                                            .wanted = {},
                                                            .memory = run_->memory});
      if (search) {
        task->bad = probe_.fail_if_body_matches;
        task->wanted = probe_.fail_if_body_not_matches;
      }
      const std::function<BodyVerdict()> judge = [task] { return JudgeBody(*task); };
      auto judged = co_await run_->Offload(judge);
      if (judged) {
        verdict = *std::move(judged);
      } else {
        verdict.status = Fail(Code::kTimeout, "context deadline exceeded");
      }
    } else if (verdict.status && reply_.body_size > limit) {
      verdict.status = Fail(Code::kLimit, "http: response body too large");
    }
    body_bytes_ = static_cast<double>(verdict.bytes);
    if (!verdict.status) {
      if (verdict.status.error().code == Code::kLimit) body_bytes_ = static_cast<double>(limit);
      const std::string reason =
          run_->expired() ? std::string("context deadline exceeded") : verdict.status.error().message;
      run_->log.Error("Failed to read HTTP response body", {{"err", reason}});
      co_return false;
    }
    if (search) run_->metrics.Set(kHttpFailedDueToRegex, verdict.problem.empty() ? 0 : 1);
    if (verdict.problem.empty()) co_return true;
    run_->log.Error(verdict.problem, {{"regexp", verdict.regexp}});
    co_return false;
  }

  std::shared_ptr<ProbeRun> run_;
  const HttpProbe& probe_;
  Url first_, url_;
  std::optional<net::ip::address> address_;  // of the first host
  std::string method_, body_, authorization_;
  std::vector<std::pair<std::string, std::string>> file_headers_;
  std::map<std::string, std::map<std::string, std::string>> cookies_;  // by host
  std::shared_ptr<ProbeStream> stream_;
  ProbeHttpReply reply_;
  Status transport_error_;
  double body_bytes_ = 0;  // of the last reply, as far as it was read
  int redirects_ = 0;
  bool tls_ = false, stopped_at_redirect_ = false;
};

}  // namespace

net::awaitable<bool> RunHttpProbe(std::shared_ptr<ProbeRun> run, const HttpProbe& probe, std::string target) {
  HttpRun http(std::move(run), probe);
  co_return co_await http.Go(std::move(target));
}

}  // namespace vedette::collector
