#include "core/url.h"

#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address_v6.hpp>

namespace vedette {
namespace {

constexpr std::size_t kMaxUrlBytes = 64 << 10;
constexpr std::size_t kMaxHostBytes = 255;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), Lower);
  return out;
}

bool IsUnreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::uint16_t DefaultPort(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

/// Host characters that cannot change the meaning of a request line, a header or a log line.
bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= kMaxHostBytes &&
         std::ranges::all_of(host, [](char c) { return IsUnreserved(c) || static_cast<unsigned char>(c) >= 0x80; });
}

Result<std::uint16_t> ParsePort(std::string_view text, std::string_view scheme) {
  if (text.empty()) return DefaultPort(scheme);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
    return Fail(Code::kBadData, "the port of a URL must be a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

void SetUserInfo(std::string_view text, Url& url) {
  const auto colon = text.find(':');
  url.username = PercentDecode(text.substr(0, colon));
  if (colon != std::string_view::npos) url.password = PercentDecode(text.substr(colon + 1));
}

/// "user:password@host:port" into `url`, whose scheme is already known.
Status SetAuthority(std::string_view text, Url& url) {
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    SetUserInfo(text.substr(0, at), url);
    text.remove_prefix(at + 1);
  }
  std::string_view host, port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return Fail(Code::kBadData, "the host of a URL lacks its closing bracket");
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    boost::system::error_code error;
    boost::asio::ip::make_address_v6(std::string(host), error);
    if (error) return Fail(Code::kBadData, "the host of a URL is not an IPv6 address though it stands in brackets");
  } else {
    const auto colon = text.find(':');
    host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    if (host.empty()) return Fail(Code::kBadData, "a URL needs a host");
    if (!IsHostName(host)) return Fail(Code::kBadData, "the host of a URL holds a character that hosts do not have");
  }
  if (!port.empty() && port.front() != ':') return Fail(Code::kBadData, "only a port may follow the host of a URL");
  VEDETTE_TRY(url.port, ParsePort(port.empty() ? port : port.substr(1), url.scheme));
  url.host = LowerCase(host);
  return Ok();
}

/// Path, query and a fragment that is dropped.
void SetTarget(std::string_view text, Url& url) {
  text = text.substr(0, text.find('#'));
  const auto question = text.find('?');
  url.path = text.substr(0, question);
  if (!url.path.starts_with('/')) url.path.insert(url.path.begin(), '/');
  url.query = question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
}

bool HasBlankOrControl(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

/// RFC 3986, section 5.2.4: "." and ".." segments taken out.
std::string WithoutDots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool ends_with_slash = false;
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, end - at);
    ends_with_slash = end < path.size() || segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != "." && (!segment.empty() || end < path.size())) {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  if (out.empty() || (ends_with_slash && !kept.empty()) || path.ends_with('/')) {
    if (!out.ends_with('/')) out += '/';
  }
  return out;
}

}  // namespace

std::string Url::Target() const { return query.empty() ? path : path + "?" + query; }

std::string Url::Authority() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string Url::HostHeader() const {
  if (port != DefaultPort(scheme)) return Authority();
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string Url::ToString() const { return scheme + "://" + HostHeader() + Target(); }

Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return Fail(Code::kBadData, "a URL may have {} bytes", kMaxUrlBytes);
  if (HasBlankOrControl(text)) return Fail(Code::kBadData, "a URL must not hold blanks or control characters");
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return Fail(Code::kBadData, "a URL must start with http:// or https://");
  Url url;
  url.scheme = LowerCase(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") {
    return Fail(Code::kBadData, "a URL must start with http:// or https://");
  }
  const auto rest = text.substr(scheme_end + 3);
  const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  VEDETTE_CHECK(SetAuthority(rest.substr(0, authority_end), url));
  SetTarget(rest.substr(authority_end), url);
  return url;
}

Result<Url> ResolveUrl(const Url& base, std::string_view reference) {
  if (reference.size() > kMaxUrlBytes) return Fail(Code::kBadData, "a URL may have {} bytes", kMaxUrlBytes);
  if (HasBlankOrControl(reference)) return Fail(Code::kBadData, "a URL must not hold blanks or control characters");
  if (const auto colon = reference.find(':'); colon < reference.find_first_of("/?#")) return ParseUrl(reference);
  if (reference.starts_with("//")) return ParseUrl(base.scheme + ":" + std::string(reference));
  Url url = base;
  if (reference.empty() || reference.front() == '#') return url;
  if (reference.front() == '?') {
    url.query = reference.substr(1, reference.find('#') - 1);
    return url;
  }
  if (reference.front() == '/') {
    SetTarget(reference, url);
  } else {
    SetTarget(base.path.substr(0, base.path.rfind('/') + 1) + std::string(reference), url);
  }
  url.path = WithoutDots(url.path);
  return url;
}

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> ParseForm(std::string_view text, std::size_t max_parameters) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    if (out.size() == max_parameters) return Fail(Code::kLimit, "more than {} parameters", max_parameters);
    const auto equals = item.find('=');
    out.emplace_back(PercentDecode(item.substr(0, equals), true),
                     equals == std::string_view::npos ? "" : PercentDecode(item.substr(equals + 1), true));
  }
  return out;
}

std::string Base64Encode(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

}  // namespace vedette
