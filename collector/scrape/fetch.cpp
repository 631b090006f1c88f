#include "collector/scrape/fetch.h"

#include "collector/media_type.h"
#include "core/version.h"

namespace vedette::collector {
namespace {

std::string_view OfferedType(ScrapeProtocol protocol) {
  switch (protocol) {
    case ScrapeProtocol::kPrometheusText004:
      return "text/plain;version=0.0.4";
    case ScrapeProtocol::kPrometheusText100:
      return "text/plain;version=1.0.0";
    case ScrapeProtocol::kOpenMetricsText001:
      return "application/openmetrics-text;version=0.0.1";
    case ScrapeProtocol::kOpenMetricsText100:
      return "application/openmetrics-text;version=1.0.0";
    case ScrapeProtocol::kPrometheusProto:
      break;  // never offered: there is no parser for it
  }
  return {};
}

bool TakesEscaping(ScrapeProtocol protocol) {
  return protocol == ScrapeProtocol::kPrometheusText100 || protocol == ScrapeProtocol::kOpenMetricsText100;
}

ExpositionFormat ParserFor(ScrapeProtocol protocol) {
  return protocol == ScrapeProtocol::kOpenMetricsText001 || protocol == ScrapeProtocol::kOpenMetricsText100
             ? ExpositionFormat::kOpenMetrics
             : ExpositionFormat::kText;
}

}  // namespace

std::string AcceptHeader(const std::vector<ScrapeProtocol>& protocols, NameEscaping escaping) {
  std::string header;
  std::size_t weight = protocols.size() + 1;
  for (const ScrapeProtocol protocol : protocols) {
    const std::string_view type = OfferedType(protocol);
    if (type.empty()) continue;
    header += type;
    if (TakesEscaping(protocol)) header += fmt::format(";escaping={}", NameEscapingText(escaping));
    header += fmt::format(";q=0.{},", weight--);
  }
  return header + fmt::format("*/*;q=0.{}", weight);
}

HttpRequest ScrapeRequest(const ScrapeConfig& job, const Target& target, std::string_view accept) {
  HttpRequest request;
  request.url = target.url;
  request.timeout = target.timeout;
  request.max_body_bytes = job.body_size_limit.value_or(0);
  request.accept_gzip = job.enable_compression;
  request.headers = {
      {"Accept", std::string(accept)},
      {"User-Agent", fmt::format("Vedette/{}", kVersion)},
      {"X-Prometheus-Scrape-Timeout-Seconds", fmt::format("{}", static_cast<double>(target.timeout.count()) / 1000)}};
  return request;
}

Result<ExpositionFormat> FormatOf(std::string_view content_type, std::optional<ScrapeProtocol> fallback) {
  const std::string type = MediaType(content_type);
  if (type == "application/openmetrics-text") return ExpositionFormat::kOpenMetrics;
  if (type == "text/plain") return ExpositionFormat::kText;
  if (fallback && *fallback != ScrapeProtocol::kPrometheusProto) return ParserFor(*fallback);
  if (type.empty()) {
    return Fail(Code::kBadData,
                "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for "
                "target");
  }
  return Fail(Code::kBadData,
              "received unsupported Content-Type {} and no fallback_scrape_protocol specified for target",
              Quote(content_type.substr(0, 100)));
}

Result<ExpositionFormat> CheckResponse(const HttpResponse& response, const ScrapeConfig& job) {
  if (response.status != 200) {
    return Fail(Code::kUnavailable, "server returned HTTP status {}", response.status);
  }
  return FormatOf(response.Header("Content-Type"), job.fallback_scrape_protocol);
}

}  // namespace vedette::collector
