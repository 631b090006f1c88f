#include "collector/scrape/fetch.h"

#include <optional>

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
      return "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  }
  return {};
}

bool TakesEscaping(ScrapeProtocol protocol) {
  return protocol == ScrapeProtocol::kPrometheusText100 || protocol == ScrapeProtocol::kOpenMetricsText100;
}

ExpositionFormat ParserFor(ScrapeProtocol protocol) {
  switch (protocol) {
    case ScrapeProtocol::kPrometheusProto:
      return ExpositionFormat::kProtobuf;
    case ScrapeProtocol::kOpenMetricsText001:
    case ScrapeProtocol::kOpenMetricsText100:
      return ExpositionFormat::kOpenMetrics;
    default:
      return ExpositionFormat::kText;
  }
}

std::optional<ExpositionFormat> ParserFor(std::string_view media_type) {
  if (media_type == "application/openmetrics-text") return ExpositionFormat::kOpenMetrics;
  if (media_type == "application/vnd.google.protobuf") return ExpositionFormat::kProtobuf;
  return media_type == "text/plain" ? std::optional(ExpositionFormat::kText) : std::nullopt;
}

}  // namespace

std::string AcceptHeader(const std::vector<ScrapeProtocol>& protocols, NameEscaping escaping) {
  constexpr std::size_t kProtocols = 5;  // that there are, whatever is asked for
  std::string header;
  std::size_t weight = kProtocols + 1;
  for (const ScrapeProtocol protocol : protocols) {
    header += OfferedType(protocol);
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
  const bool well_formed = IsMediaType(content_type);
  const auto format = well_formed ? ParserFor(MediaType(content_type)) : std::nullopt;
  if (format) return *format;
  if (fallback) return ParserFor(*fallback);
  if (content_type.empty()) {
    return Fail(Code::kBadData,
                "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for "
                "target");
  }
  const std::string shown = Quote(content_type.substr(0, 100));
  if (!well_formed) {
    return Fail(Code::kBadData, "cannot parse Content-Type {} and no fallback_scrape_protocol for target", shown);
  }
  return Fail(Code::kBadData,
              "received unsupported Content-Type {} and no fallback_scrape_protocol specified for target", shown);
}

Result<ExpositionFormat> CheckResponse(const HttpResponse& response, const ScrapeConfig& job) {
  if (response.status != 200) {
    return Fail(Code::kUnavailable, "server returned HTTP status {}", response.status);
  }
  // Nothing was said, in whichever format.
  if (response.body.empty()) return ExpositionFormat::kText;
  return FormatOf(response.Header("Content-Type"), job.fallback_scrape_protocol);
}

}  // namespace vedette::collector
