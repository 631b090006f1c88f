#include "collector/options.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/url.h"

namespace vedette::collector {
namespace {

constexpr std::array<std::pair<std::string_view, ScrapeProtocol>, 5> kProtocols = {{
    {"OpenMetricsText0.0.1", ScrapeProtocol::kOpenMetricsText001},
    {"OpenMetricsText1.0.0", ScrapeProtocol::kOpenMetricsText100},
    {"PrometheusProto", ScrapeProtocol::kPrometheusProto},
    {"PrometheusText0.0.4", ScrapeProtocol::kPrometheusText004},
    {"PrometheusText1.0.0", ScrapeProtocol::kPrometheusText100},
}};

constexpr std::array<std::pair<std::string_view, NameEscaping>, 4> kEscapings = {{
    {"allow-utf-8", NameEscaping::kAllowUtf8},
    {"underscores", NameEscaping::kUnderscores},
    {"dots", NameEscaping::kDots},
    {"values", NameEscaping::kValues},
}};

constexpr std::pair<std::string_view, OtlpTranslation> kTranslations[] = {
    {"UnderscoreEscapingWithSuffixes", OtlpTranslation::kEscapedWithSuffixes},
    {"UnderscoreEscapingWithoutSuffixes", OtlpTranslation::kEscapedWithoutSuffixes},
    {"NoUTF8EscapingWithSuffixes", OtlpTranslation::kUtf8WithSuffixes},
    {"NoTranslation", OtlpTranslation::kNoTranslation},
};

/// In the order of the enum.
constexpr std::array<std::string_view, 6> kKubernetesRoles = {"pod",           "service", "endpoints",
                                                              "endpointslice", "node",    "ingress"};

/// The ending is .json, .yml or .yaml, and a * stands in the last component at most.
bool IsFileSdPattern(std::string_view path) {
  constexpr std::array<std::string_view, 6> kEndings = {".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"};
  if (std::none_of(kEndings.begin(), kEndings.end(), [&](std::string_view e) { return path.ends_with(e); }))
    return false;
  const auto star = path.find('*');
  return star == std::string_view::npos || path.find_first_of("*/", star + 1) == std::string_view::npos;
}

Status ValidateStatic(const StaticConfig& config) {
  for (const std::string& target : config.targets) {
    if (target.find('/') != std::string::npos) {
      return Fail(Code::kBadData, "{} is not a valid hostname", Quote(target));
    }
  }
  return Ok();
}

void SetIfOpen(std::optional<std::size_t>& limit, std::size_t inherited) {
  if (!limit) limit = inherited;
}

}  // namespace

Result<OtlpTranslation> ParseOtlpTranslation(std::string_view text) {
  for (const auto& [name, strategy] : kTranslations) {
    if (name == text) return strategy;
  }
  return Fail(Code::kBadData, "unsupported OTLP translation strategy {}", Quote(text));
}

Result<ScrapeProtocol> ParseScrapeProtocol(std::string_view text) {
  std::string known;
  for (const auto& [name, protocol] : kProtocols) {
    if (name == text) return protocol;
    known += known.empty() ? "" : " ";
    known += name;
  }
  return Fail(Code::kBadData, "unknown scrape protocol {}, supported: [{}]", text, known);
}

std::optional<KubernetesRole> ParseKubernetesRole(std::string_view text) {
  const auto* found = std::ranges::find(kKubernetesRoles, text);
  if (found == kKubernetesRoles.end()) return std::nullopt;
  return static_cast<KubernetesRole>(found - kKubernetesRoles.begin());
}

std::string_view KubernetesRoleName(KubernetesRole role) { return kKubernetesRoles[static_cast<std::size_t>(role)]; }

std::string_view ScrapeProtocolName(ScrapeProtocol protocol) {
  const auto* row =
      std::find_if(kProtocols.begin(), kProtocols.end(), [&](const auto& r) { return r.second == protocol; });
  return row->first;
}

std::vector<ScrapeProtocol> DefaultScrapeProtocols(bool protobuf_first) {
  std::vector<ScrapeProtocol> protocols = {ScrapeProtocol::kOpenMetricsText100, ScrapeProtocol::kOpenMetricsText001,
                                           ScrapeProtocol::kPrometheusText100, ScrapeProtocol::kPrometheusText004};
  if (protobuf_first) protocols.insert(protocols.begin(), ScrapeProtocol::kPrometheusProto);
  return protocols;
}

Result<NameEscaping> ParseNameEscaping(std::string_view text) {
  for (const auto& [name, escaping] : kEscapings) {
    if (name == text) return escaping;
  }
  return Fail(
      Code::kBadData,
      "unknown metric_name_escaping_scheme {}, must be one of 'allow-utf-8', 'underscores', 'dots', or 'values'",
      Quote(text));
}

std::string_view NameEscapingText(NameEscaping escaping) {
  return std::ranges::find(kEscapings, escaping, &std::pair<std::string_view, NameEscaping>::second)->first;
}

Status FileSdConfig::Validate() const {
  if (files.empty()) return Fail(Code::kBadData, "file service discovery config must contain at least one path name");
  for (const std::string& path : files) {
    if (!IsFileSdPattern(path)) {
      return Fail(Code::kBadData, "path name {} is not valid for file discovery", Quote(path));
    }
  }
  return Ok();
}

Result<DnsType> ParseDnsType(std::string_view text) {
  static constexpr std::pair<std::string_view, DnsType> kTypes[] = {
      {"A", DnsType::kA}, {"AAAA", DnsType::kAaaa}, {"MX", DnsType::kMx}, {"NS", DnsType::kNs}, {"SRV", DnsType::kSrv}};
  for (const auto& [name, type] : kTypes) {
    if (EqualsIgnoreCase(text, name)) return type;
  }
  return Fail(Code::kBadData, "invalid DNS-SD records type {}", text);
}

void ScrapeConfig::InheritFrom(const GlobalScrapeOptions& global) {
  if (scrape_interval == Millis(0)) scrape_interval = global.scrape_interval;
  if (scrape_timeout == Millis(0)) scrape_timeout = std::min(global.scrape_timeout, scrape_interval);
  if (!scrape_native_histograms) scrape_native_histograms = global.scrape_native_histograms;
  if (!convert_classic_histograms_to_nhcb) {
    convert_classic_histograms_to_nhcb = global.convert_classic_histograms_to_nhcb;
  }
  if (!always_scrape_classic_histograms) always_scrape_classic_histograms = global.always_scrape_classic_histograms;
  zero_at_start = global.zero_at_start;
  store_starts = global.store_starts;
  if (scrape_failure_log_file.empty()) scrape_failure_log_file = global.scrape_failure_log_file;
  if (scrape_protocols.empty()) scrape_protocols = global.scrape_protocols;
  if (scrape_protocols.empty()) scrape_protocols = DefaultScrapeProtocols(*scrape_native_histograms);
  if (!metric_name_validation_scheme) metric_name_validation_scheme = global.metric_name_validation_scheme;
  if (!metric_name_escaping_scheme) {
    const bool utf8 = *metric_name_validation_scheme == NameValidation::kUtf8;
    // A job of its own validation does not inherit an escaping that it could not take.
    const auto inherited = global.metric_name_escaping_scheme;
    const bool fits = inherited && (utf8 || *inherited != NameEscaping::kAllowUtf8);
    metric_name_escaping_scheme = fits ? *inherited : utf8 ? NameEscaping::kAllowUtf8 : NameEscaping::kUnderscores;
  }
  if (!extra_scrape_metrics) extra_scrape_metrics = global.extra_scrape_metrics;
  SetIfOpen(body_size_limit, global.limits.body_size_limit);
  SetIfOpen(sample_limit, global.limits.sample_limit);
  SetIfOpen(label_limit, global.limits.label_limit);
  SetIfOpen(label_name_length_limit, global.limits.label_name_length_limit);
  SetIfOpen(label_value_length_limit, global.limits.label_value_length_limit);
  SetIfOpen(target_limit, global.limits.target_limit);
  SetIfOpen(keep_dropped_targets, global.limits.keep_dropped_targets);
}

Status ScrapeConfig::Validate() const {
  if (job_name.empty()) return Fail(Code::kBadData, "job_name is empty");
  const auto fail = [&](Error error) { return Annotate("scrape config with job name " + Quote(job_name), error); };
  if (scrape_interval <= Millis(0)) return fail(Fail(Code::kBadData, "scrape interval must be positive"));
  if (scrape_timeout > scrape_interval) {
    return Fail(Code::kBadData, "scrape timeout greater than scrape interval for scrape config with job name {}",
                Quote(job_name));
  }
  if (scheme != "http" && scheme != "https") {
    return fail(Fail(Code::kBadData, "scheme must be http or https, not {}", Quote(scheme)));
  }
  const NameValidation names = metric_name_validation_scheme.value_or(NameValidation::kUtf8);
  if (names == NameValidation::kLegacy && metric_name_escaping_scheme == NameEscaping::kAllowUtf8) {
    return fail(Fail(Code::kBadData, "utf8 metric names requested but validation scheme is not set to UTF8"));
  }
  for (const auto* rules : {&relabel_configs, &metric_relabel_configs}) {
    for (const RelabelConfig& rule : *rules) {
      if (auto status = rule.Validate(names); !status) return fail(status.error());
    }
  }
  for (const StaticConfig& config : static_configs) {
    if (!relabel_configs.empty()) break;  // an address is what comes of it
    if (auto status = ValidateStatic(config); !status) return fail(status.error());
  }
  for (const FileSdConfig& config : file_sd_configs) {
    if (auto status = config.Validate(); !status) return fail(status.error());
  }
  for (const HttpSdConfig& config : http_sd_configs) {
    if (config.refresh_interval <= Millis(0)) {
      return fail(Fail(Code::kBadData, "refresh_interval of http_sd_configs must be positive"));
    }
  }
  std::set<ScrapeProtocol> seen;
  for (const ScrapeProtocol protocol : scrape_protocols) {
    if (!seen.insert(protocol).second) {
      return fail(Fail(Code::kBadData, "duplicated protocol in scrape_protocols: {}", ScrapeProtocolName(protocol)));
    }
  }
  return Ok();
}

Status CollectorOptions::Finish() {
  std::set<std::string_view> names;
  for (ScrapeConfig& config : scrape_configs) {
    config.InheritFrom(global);
    VEDETTE_CHECK(config.Validate());
    if (!names.insert(config.job_name).second) {
      return Fail(Code::kBadData, "found multiple scrape configs with job name {}", Quote(config.job_name));
    }
  }
  return Ok();
}

}  // namespace vedette::collector
