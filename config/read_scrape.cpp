// `scrape_configs:` and the relabelling lists.
#include <algorithm>

#include "config/sections.h"

namespace vedette::config {
namespace {

using collector::FileSdConfig;
using collector::RelabelConfig;
using collector::ScrapeConfig;
using collector::ScrapeProtocol;
using collector::StaticConfig;

constexpr Field<RelabelConfig> kRelabelFields[] = {
    {"source_labels", Set<&RelabelConfig::source_labels>},
    {"separator", Set<&RelabelConfig::separator>},
    {"target_label", Set<&RelabelConfig::target_label>},
    {"replacement", Set<&RelabelConfig::replacement>},
    {"modulus",
     [](const YamlNode& node, RelabelConfig& out) -> Status {
       VEDETTE_TRY(out.modulus, node.As<std::uint64_t>());
       return Ok();
     }},
    {"regex",
     [](const YamlNode& node, RelabelConfig& out) -> Status {
       VEDETTE_TRY(const std::string text, node.As<std::string>());
       auto regex = Regex::Compile(text);
       if (!regex) return node.At(regex.error().message);
       out.regex = *std::move(regex);
       return Ok();
     }},
    {"action",
     [](const YamlNode& node, RelabelConfig& out) -> Status {
       VEDETTE_TRY(const std::string text, node.As<std::string>());
       auto action = collector::ParseRelabelAction(text);
       if (!action) return node.At(action.error().message);
       out.action = *action;
       return Ok();
     }},
};

/// A target is host:port; a URL is the commonest mistake.
Status ReadTargets(const YamlNode& node, StaticConfig& out) {
  VEDETTE_TRY(const std::vector<YamlNode> items, node.Sequence());
  for (const YamlNode& item : items) {
    VEDETTE_TRY(std::string target, item.As<std::string>());
    if (target.empty() || target.find('/') != std::string::npos) {
      return item.At(fmt::format("{} is not a valid hostname", Quote(target)));
    }
    out.targets.push_back(std::move(target));
  }
  return Ok();
}

constexpr Field<StaticConfig> kStaticFields[] = {{"targets", ReadTargets}, {"labels", Set<&StaticConfig::labels>}};
constexpr Field<FileSdConfig> kFileSdFields[] = {{"files", Set<&FileSdConfig::files>},
                                                 {"refresh_interval", Set<&FileSdConfig::refresh_interval>}};

Status ReadParams(const YamlNode& node, ScrapeConfig& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    VEDETTE_TRY(std::vector<std::string> values, entry.value.As<std::vector<std::string>>());
    out.params.emplace_back(entry.key, std::move(values));
  }
  return Ok();
}

Status ReadScheme(const YamlNode& node, ScrapeConfig& out) {
  VEDETTE_TRY(out.scheme, node.As<std::string>());
  if (out.scheme != "http" && out.scheme != "https") return node.At(fmt::format("unknown scheme '{}'", out.scheme));
  return Ok();
}

constexpr Field<ScrapeConfig> kJobFields[] = {
    {"job_name", Set<&ScrapeConfig::job_name>},
    {"scrape_interval", Set<&ScrapeConfig::scrape_interval>},
    {"scrape_timeout", Set<&ScrapeConfig::scrape_timeout>},
    {"metrics_path", Set<&ScrapeConfig::metrics_path>},
    {"scheme", ReadScheme},
    {"params", ReadParams},
    {"honor_labels", Set<&ScrapeConfig::honor_labels>},
    {"honor_timestamps", Set<&ScrapeConfig::honor_timestamps>},
    {"track_timestamps_staleness", Set<&ScrapeConfig::track_timestamps_staleness>},
    {"enable_compression", Set<&ScrapeConfig::enable_compression>},
    {"extra_scrape_metrics", Set<&ScrapeConfig::extra_scrape_metrics>},
    {"body_size_limit",
     [](const YamlNode& node, ScrapeConfig& out) { return ReadBytes(node, out.body_size_limit.emplace()); }},
    {"sample_limit", Set<&ScrapeConfig::sample_limit>},
    {"label_limit", Set<&ScrapeConfig::label_limit>},
    {"label_name_length_limit", Set<&ScrapeConfig::label_name_length_limit>},
    {"label_value_length_limit", Set<&ScrapeConfig::label_value_length_limit>},
    {"target_limit", Set<&ScrapeConfig::target_limit>},
    {"keep_dropped_targets", Set<&ScrapeConfig::keep_dropped_targets>},
    {"scrape_protocols",
     [](const YamlNode& node, ScrapeConfig& out) { return ReadScrapeProtocols(node, out.scrape_protocols); }},
    {"fallback_scrape_protocol",
     [](const YamlNode& node, ScrapeConfig& out) -> Status {
       VEDETTE_TRY(const std::string text, node.As<std::string>());
       auto protocol = collector::ParseScrapeProtocol(text);
       if (!protocol) return node.At(fmt::format("invalid fallback_scrape_protocol: {}", protocol.error().message));
       out.fallback_scrape_protocol = *protocol;
       return Ok();
     }},
    {"metric_name_validation_scheme",
     [](const YamlNode& node, ScrapeConfig& out) {
       return ReadNameValidation(node, out.metric_name_validation_scheme.emplace());
     }},
    {"static_configs",
     [](const YamlNode& node, ScrapeConfig& out) {
       return ReadList(node, out.static_configs, "section in static_configs",
                       [](const YamlNode& item, StaticConfig& sc) {
                         return ReadFields<StaticConfig>(item, kStaticFields, sc, "static_configs");
                       });
     }},
    {"file_sd_configs",
     [](const YamlNode& node, ScrapeConfig& out) {
       return ReadList(node, out.file_sd_configs, "section in file_sd_configs",
                       [](const YamlNode& item, FileSdConfig& sd) -> Status {
                         VEDETTE_CHECK(ReadFields<FileSdConfig>(item, kFileSdFields, sd, "file_sd_configs"));
                         if (const Status valid = sd.Validate(); !valid) return item.At(valid.error().message);
                         return Ok();
                       });
     }},
    {"relabel_configs",
     [](const YamlNode& node, ScrapeConfig& out) {
       return ReadRelabelConfigs(node, "target relabeling rule in scrape config", out.relabel_configs);
     }},
    {"metric_relabel_configs",
     [](const YamlNode& node, ScrapeConfig& out) {
       return ReadRelabelConfigs(node, "metric relabeling rule in scrape config", out.metric_relabel_configs);
     }},
    {"metric_name_escaping_scheme", NotSupported<ScrapeConfig>},
    {"scrape_native_histograms", NotSupported<ScrapeConfig>},
    {"scrape_failure_log_file", NotSupported<ScrapeConfig>},
    {"convert_classic_histograms_to_nhcb", NotSupported<ScrapeConfig>},
    {"always_scrape_classic_histograms", NotSupported<ScrapeConfig>},
    {"native_histogram_bucket_limit", NotSupported<ScrapeConfig>},
    {"native_histogram_min_bucket_factor", NotSupported<ScrapeConfig>},
};

Error UnknownKey(const YamlNode& item, const YamlNode::Entry& entry) {
  // Discoveries that exist elsewhere deserve a better word than "unknown".
  if (entry.key.ends_with("_sd_configs")) {
    return Fail(Code::kBadData, "{}:{}:{}: unsupported service discovery {}: use file_sd_configs or static_configs",
                item.file(), entry.line, entry.column, entry.key);
  }
  return Fail(Code::kBadData, "{}:{}:{}: field {} not found in scrape_configs", item.file(), entry.line, entry.column,
              entry.key);
}

Status ReadJob(const YamlNode& item, const SectionContext& context, ScrapeConfig& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, item.Map());
  for (const YamlNode::Entry& entry : entries) {
    VEDETTE_TRY(const bool taken, ReadHttpConfigKey(entry, out.http));
    if (taken) continue;
    const auto row = std::ranges::find(kJobFields, entry.key, &Field<ScrapeConfig>::key);
    if (row == std::end(kJobFields)) return UnknownKey(item, entry);
    if (!entry.value.IsNull()) VEDETTE_CHECK(row->read(entry.value, out));
  }
  for (FileSdConfig& sd : out.file_sd_configs) {
    for (std::string& file : sd.files) file = ResolvePath(context.base_dir, file);
  }
  return CheckHttpConfig(item, context, out.http);
}

}  // namespace

Status ReadScrapeProtocols(const YamlNode& node, std::vector<ScrapeProtocol>& out) {
  VEDETTE_TRY(const std::vector<YamlNode> items, node.Sequence());
  out.clear();
  for (const YamlNode& item : items) {
    VEDETTE_TRY(const std::string text, item.As<std::string>());
    auto protocol = collector::ParseScrapeProtocol(text);
    if (!protocol) return item.At(protocol.error().message);
    if (std::ranges::find(out, *protocol) != out.end()) return item.At(fmt::format("duplicated protocol {}", text));
    out.push_back(*protocol);
  }
  if (out.empty()) return node.At("scrape_protocols cannot be empty");
  return Ok();
}

Status ReadNameValidation(const YamlNode& node, collector::NameValidation& out) {
  VEDETTE_TRY(const std::string text, node.As<std::string>());
  if (text != "utf8" && text != "legacy")
    return node.At(fmt::format("unknown name validation scheme '{}' (utf8, legacy)", text));
  out = text == "utf8" ? collector::NameValidation::kUtf8 : collector::NameValidation::kLegacy;
  return Ok();
}

Status ReadRelabelConfigs(const YamlNode& node, std::string_view what, std::vector<RelabelConfig>& out) {
  return ReadList(node, out, what, [](const YamlNode& item, RelabelConfig& rule) -> Status {
    VEDETTE_CHECK(ReadFields<RelabelConfig>(item, kRelabelFields, rule, "a relabel configuration"));
    if (const Status valid = rule.Validate(); !valid) return item.At(valid.error().message);
    return Ok();
  });
}

Status ReadScrapeConfigs(const YamlNode& node, const collector::GlobalScrapeOptions& global,
                         const SectionContext& context, std::vector<ScrapeConfig>& out) {
  std::vector<std::string> names;
  return ReadList(node, out, "scrape config section", [&](const YamlNode& item, ScrapeConfig& job) -> Status {
    VEDETTE_CHECK(ReadJob(item, context, job));
    if (job.job_name.empty()) return item.At("job_name is empty");
    if (std::ranges::find(names, job.job_name) != names.end()) {
      return item.At(fmt::format("found multiple scrape configs with job name {}", Quote(job.job_name)));
    }
    names.push_back(job.job_name);
    job.InheritFrom(global);
    if (const Status valid = job.Validate(); !valid) return item.At(valid.error().message);
    return Ok();
  });
}

}  // namespace vedette::config
