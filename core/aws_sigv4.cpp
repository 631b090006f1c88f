#include "core/aws_sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "core/url.h"

namespace vedette {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string Sha256Hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return Hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::string HmacSha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

/// Without blanks around it, runs of blanks as one.
std::string TrimmedValue(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string LowerName(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// Each segment encoded once more: it is encoded in the URL already.
std::string CanonicalPath(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    path.remove_prefix(1);  // a slash
    const std::size_t end = std::min(path.find('/'), path.size());
    out += "/" + PercentEncode(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

/// The parameters in their order.
std::string CanonicalQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::string_view item = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(item.size() + 1, query.size()));
    if (item.empty()) continue;
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view value = item.substr(std::min(equals + 1, item.size()));
    parameters.emplace_back(PercentEncode(PercentDecode(item.substr(0, equals))), PercentEncode(PercentDecode(value)));
  }
  std::ranges::sort(parameters);
  std::string out;
  for (const auto& [name, value] : parameters) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

}  // namespace

Status SignAws(HttpRequest& request, const AwsCredentials& credentials, std::string_view region,
               std::string_view service, TimeMs now) {
  VEDETTE_TRY(const Url url, ParseUrl(request.url));
  const CivilTime at = ToCivil(now);
  const std::string day = fmt::format("{:04}{:02}{:02}", at.year, at.month, at.day);
  const std::string time = fmt::format("{}T{:02}{:02}{:02}Z", day, at.hour, at.minute, at.second);
  request.headers.emplace_back("X-Amz-Date", time);
  if (!credentials.session_token.empty()) {
    request.headers.emplace_back("X-Amz-Security-Token", credentials.session_token.Reveal());
  }

  std::map<std::string, std::string> headers = {{"host", url.HostHeader()}};
  for (const auto& [name, value] : request.headers) {
    const std::string lower = LowerName(name);
    if (lower == "content-type" || lower.starts_with("x-amz-")) headers[lower] = TrimmedValue(value);
  }
  std::string header_lines, header_names;
  for (const auto& [name, value] : headers) {
    header_lines += name + ":" + value + "\n";
    header_names += (header_names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, CanonicalPath(url.path), CanonicalQuery(url.query),
                  header_lines, header_names, Sha256Hex(request.body));
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, region, service);
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope, Sha256Hex(canonical));

  std::string key = "AWS4" + credentials.secret_key.Reveal();
  for (const std::string_view part : {std::string_view(day), region, service, std::string_view("aws4_request")}) {
    key = HmacSha256(key, part);
  }
  request.headers.emplace_back("Authorization",
                               fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                           credentials.access_key, scope, header_names, Hex(HmacSha256(key, to_sign))));
  return Ok();
}

}  // namespace vedette
