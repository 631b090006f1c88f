#include "core/http_head.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <span>

#include "core/version.h"

namespace vedette::http {
namespace {

constexpr std::size_t kMaxSecretBytes = 1 << 20;

/// What may follow a redirect to another host: says what is wanted, not who asks.
constexpr auto kHarmless = std::to_array<std::string_view>({"Accept", "Accept-Language", "Content-Type", "User-Agent"});
/// The client writes these itself.
constexpr auto kFraming =
    std::to_array<std::string_view>({"Connection", "Content-Length", "Transfer-Encoding", "Proxy-Authorization"});

bool IsOneOf(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view other) { return EqualsIgnoreCase(name, other); });
}

bool IsHeaderValue(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

/// The value itself, or what its file holds now.
Result<std::string> ValueOrFile(const std::string& value, const std::string& file) {
  if (file.empty()) return value;
  return ReadSecretFile("credentials file", file);
}

/// The Authorization header's value; empty when there are no credentials.
Result<std::string> Credentials(const Url& url, const HttpConfig& config) {
  if (config.authorization) {
    const Authorization& auth = *config.authorization;
    VEDETTE_TRY(const std::string secret, ValueOrFile(auth.credentials.Reveal(), auth.credentials_file));
    return auth.type + " " + secret;
  }
  if (config.basic_auth) {
    const BasicAuth& auth = *config.basic_auth;
    VEDETTE_TRY(const std::string user, ValueOrFile(auth.username, auth.username_file));
    VEDETTE_TRY(const std::string password, ValueOrFile(auth.password.Reveal(), auth.password_file));
    return "Basic " + Base64Encode(user + ":" + password);
  }
  if (!url.username.empty()) return "Basic " + Base64Encode(url.username + ":" + url.password);
  return std::string();
}

class HeadWriter {
 public:
  Status Add(std::string_view name, std::string_view value) {
    if (!IsToken(name)) return Fail(Code::kBadData, "'{}' is not a header name", name);
    if (!IsHeaderValue(value)) return Fail(Code::kBadData, "the value of header {} holds control characters", name);
    text_.append(name).append(": ").append(value).append("\r\n");
    return Ok();
  }
  std::string text_;
};

bool Names(const HttpRequest& request, std::string_view header) {
  return std::ranges::any_of(request.headers, [&](const auto& h) { return EqualsIgnoreCase(h.first, header); });
}

Status AddOwnHeaders(const Hop& hop, const HttpRequest& request, const HttpConfig& config, const std::string& token,
                     HeadWriter& head) {
  for (const auto& [name, value] : request.headers) {
    if (IsOneOf(name, kFraming)) continue;
    if (hop.trusted || IsOneOf(name, kHarmless)) VEDETTE_CHECK(head.Add(name, value));
  }
  if (!hop.trusted) return Ok();
  for (const auto& [name, value] : config.headers) {
    if (!IsOneOf(name, kFraming)) VEDETTE_CHECK(head.Add(name, value.Reveal()));
  }
  for (const auto& [name, file] : config.header_files) {
    if (IsOneOf(name, kFraming)) continue;
    VEDETTE_TRY(const std::string value, ReadSecretFile("headers file", file));
    VEDETTE_CHECK(head.Add(name, value));
  }
  if (Names(request, "Authorization")) return Ok();
  if (!token.empty()) return head.Add("Authorization", token);
  VEDETTE_TRY(const std::string credentials, Credentials(hop.url, config));
  if (!credentials.empty()) VEDETTE_CHECK(head.Add("Authorization", credentials));
  return Ok();
}

bool CarriesBody(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace

bool IsToken(std::string_view text) {
  constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSymbols.find(c) != std::string_view::npos;
  });
}

bool IsHeadConstant(const HttpConfig& config) {
  const bool files =
      (config.authorization && !config.authorization->credentials_file.empty()) ||
      (config.basic_auth && (!config.basic_auth->username_file.empty() || !config.basic_auth->password_file.empty())) ||
      !config.header_files.empty();
  return !files;
}

Result<std::string> ReadSecretFile(std::string_view what, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxSecretBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || !in.eof()) return Fail(Code::kIo, "{} {} cannot be read", what, path);
  text.resize(static_cast<std::size_t>(in.gcount()));
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return std::string();
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Result<std::string> HeaderLines(const std::vector<std::pair<std::string, Secret>>& headers) {
  HeadWriter lines;
  for (const auto& [name, value] : headers) VEDETTE_CHECK(lines.Add(name, value.Reveal()));
  return std::move(lines.text_);
}

Result<std::string> BuildHead(const Hop& hop, const HttpRequest& request, const HttpConfig& config,
                              const std::string& token, const std::string& proxy_credentials, bool forwarded) {
  if (!IsToken(hop.method)) return Fail(Code::kBadData, "'{}' is not an HTTP method", hop.method);
  HeadWriter head;
  head.text_ = fmt::format("{} {} HTTP/1.1\r\n", hop.method, forwarded ? hop.url.ToString() : hop.url.Target());
  if (!hop.trusted || !Names(request, "Host")) VEDETTE_CHECK(head.Add("Host", hop.url.HostHeader()));
  if (!Names(request, "User-Agent")) VEDETTE_CHECK(head.Add("User-Agent", fmt::format("vedette/{}", kVersion)));
  if (request.accept_gzip && !Names(request, "Accept-Encoding")) VEDETTE_CHECK(head.Add("Accept-Encoding", "gzip"));
  VEDETTE_CHECK(AddOwnHeaders(hop, request, config, token, head));
  if (forwarded) head.text_ += proxy_credentials;
  const std::size_t size = hop.send_body ? request.body.size() : 0;
  if (size > 0 || CarriesBody(hop.method)) VEDETTE_CHECK(head.Add("Content-Length", std::to_string(size)));
  head.text_ += "\r\n";
  return std::move(head.text_);
}

bool IsRedirect(const HttpResponse& response) {
  switch (response.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return !response.Header("Location").empty();
    default:
      return false;
  }
}

Result<Hop> FollowRedirect(const Hop& hop, const HttpResponse& response) {
  Hop next = hop;
  auto url = ResolveUrl(hop.url, response.Header("Location"));
  if (!url) return Annotate("redirect from " + hop.url.Authority(), url.error());
  next.url = *std::move(url);
  next.redirected = true;
  const bool upgraded = hop.url.port == 80 && next.url.port == 443 && next.url.IsTls();
  const bool same_host = hop.url.host == next.url.host && (hop.url.port == next.url.port || upgraded) &&
                         (next.url.IsTls() || !hop.url.IsTls());
  next.trusted = hop.trusted && same_host;
  if (response.status < 307 && hop.method != "GET" && hop.method != "HEAD") {
    next.method = "GET";
    next.send_body = false;
  }
  return next;
}

}  // namespace vedette::http
