#include "dashboards/http/negotiation.h"

#include <algorithm>
#include <optional>

#include "core/gzip.h"
#include "core/url.h"

namespace vedette::dashboards {
namespace {

/// Dashboards refresh often and sit near: speed goes before size.
constexpr int kLevel = 1;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool IsRefused(std::string_view parameters) {
  const std::string_view weight = Trimmed(parameters);
  return weight.starts_with("q=0") && weight.find_first_not_of("0.", 2) == std::string_view::npos;
}

/// The first encoding in `accept` that we speak.
std::optional<ZFormat> ChooseFormat(std::string_view accept) {
  while (!accept.empty()) {
    const auto end = std::min(accept.find(','), accept.size());
    const std::string_view item = accept.substr(0, end);
    accept.remove_prefix(std::min(end + 1, accept.size()));
    const auto semicolon = std::min(item.find(';'), item.size());
    if (IsRefused(item.substr(std::min(semicolon + 1, item.size())))) continue;
    const std::string_view name = Trimmed(item.substr(0, semicolon));
    if (EqualsIgnoreCase(name, "gzip")) return ZFormat::kGzip;
    if (EqualsIgnoreCase(name, "deflate")) return ZFormat::kZlib;
  }
  return std::nullopt;
}

}  // namespace

void CompressFor(const Request& request, Response& response) {
  if (!response.compress || response.more || response.Body().empty() || response.headers.Has("Content-Encoding"))
    return;
  response.headers.Add("Vary", "Accept-Encoding");
  const auto format = ChooseFormat(request.headers.Get("Accept-Encoding"));
  if (!format) return;
  std::string packed = Compress(response.Body(), *format, kLevel);
  response.body = std::move(packed);
  response.shared_body.reset();
  response.headers.Add("Content-Encoding", *format == ZFormat::kGzip ? "gzip" : "deflate");
}

CorsPolicy::CorsPolicy(Regex origin) : origin_(std::move(origin)), everybody_(origin_.pattern() == ".*") {}

Result<CorsPolicy> CorsPolicy::Create(std::string_view origin) {
  VEDETTE_TRY(Regex regex, Regex::Compile(origin));
  return CorsPolicy(std::move(regex));
}

void CorsPolicy::Apply(const Request& request, Response& response) const {
  response.headers.Add("Vary", "Origin");
  const std::string_view origin = request.headers.Get("Origin");
  if (origin.empty()) return;
  response.headers.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin");
  response.headers.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response.headers.Set("Access-Control-Expose-Headers", "Date");
  if (everybody_) {
    response.headers.Set("Access-Control-Allow-Origin", "*");
  } else if (origin_.Matches(origin)) {
    response.headers.Set("Access-Control-Allow-Origin", std::string(origin));
  }
}

}  // namespace vedette::dashboards
