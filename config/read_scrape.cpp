// `scrape_configs:` and the relabelling lists.
#include <algorithm>
#include <filesystem>

#include "config/section_check.h"

namespace vedette::config {
namespace {

using collector::RelabelConfig;
using collector::ScrapeConfig;
using collector::ScrapeProtocol;

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

/// A target is host:port; a URL is the commonest mistake. Relabelling can make an address of anything.
Status CheckTargets(const YamlNode& job) {
  const auto configs = job.Get("static_configs");
  if (!configs || configs->IsNull()) return Ok();
  VEDETTE_TRY(const std::vector<YamlNode> sections, configs->Sequence());
  for (const YamlNode& section : sections) {
    const auto targets = section.Get("targets");
    if (!targets || targets->IsNull()) continue;
    VEDETTE_TRY(const std::vector<YamlNode> items, targets->Sequence());
    for (const YamlNode& item : items) {
      if (!item.text().empty() && item.text().find('/') == std::string::npos) continue;
      return item.At(fmt::format("{} is not a valid hostname", Quote(item.text())));
    }
  }
  return Ok();
}
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
     [](const YamlNode& node, ScrapeConfig& out) { return ReadStaticConfigs(node, out.static_configs); }},
    {"relabel_configs",
     [](const YamlNode& node, ScrapeConfig& out) {
       return ReadRelabelConfigs(node, "target relabeling rule in scrape config", out.relabel_configs);
     }},
    {"metric_relabel_configs",
     [](const YamlNode& node, ScrapeConfig& out) {
       return ReadRelabelConfigs(node, "metric relabeling rule in scrape config", out.metric_relabel_configs);
     }},
    {"metric_name_escaping_scheme",
     [](const YamlNode& node, ScrapeConfig& out) {
       return ReadNameEscaping(node, out.metric_name_escaping_scheme.emplace());
     }},
    {"scrape_native_histograms", Set<&ScrapeConfig::scrape_native_histograms>},
    {"scrape_failure_log_file", Set<&ScrapeConfig::scrape_failure_log_file>},
    {"convert_classic_histograms_to_nhcb", Set<&ScrapeConfig::convert_classic_histograms_to_nhcb>},
    {"always_scrape_classic_histograms", Set<&ScrapeConfig::always_scrape_classic_histograms>},
    {"native_histogram_bucket_limit", Set<&ScrapeConfig::native_histogram_bucket_limit>},
    {"native_histogram_min_bucket_factor", Set<&ScrapeConfig::native_histogram_min_bucket_factor>},
};

Status ReadJob(const YamlNode& item, const SectionContext& context, ScrapeConfig& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, item.Map());
  for (const YamlNode::Entry& entry : entries) {
    VEDETTE_TRY(const bool taken, ReadHttpConfigKey(entry, out.http));
    if (taken) continue;
    const auto row = std::ranges::find(kJobFields, entry.key, &Field<ScrapeConfig>::key);
    if (row == std::end(kJobFields)) {
      if (!entry.key.ends_with("_sd_configs")) {
        return Fail(Code::kBadData, "{}:{}:{}: field {} not found in scrape_configs", item.file(), entry.line,
                    entry.column, entry.key);
      }
      VEDETTE_TRY(const bool runs, ReadDiscovery(entry, context, out));
      if (!runs && !entry.value.IsNull()) VEDETTE_CHECK(CheckDiscovery(item, entry, context));
      if (entry.key == "kubernetes_sd_configs" && !entry.value.IsNull()) {
        VEDETTE_CHECK(ReadList(entry.value, out.kubernetes_sd_configs, "section in kubernetes_sd_configs",
                               [&](const YamlNode& section, collector::KubernetesSdConfig& sd) {
                                 return ReadKubernetes(section, context, sd);
                               }));
      }
      continue;
    }
    if (!entry.value.IsNull()) VEDETTE_CHECK(row->read(entry.value, out));
  }
  out.scrape_failure_log_file = ResolvePath(context.base_dir, out.scrape_failure_log_file);
  if (out.relabel_configs.empty()) VEDETTE_CHECK(CheckTargets(item));
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

Status ReadNameEscaping(const YamlNode& node, collector::NameEscaping& out) {
  VEDETTE_TRY(const std::string text, node.As<std::string>());
  const auto escaping = collector::ParseNameEscaping(text);
  if (!escaping) return node.At(escaping.error().message);
  out = *escaping;
  return Ok();
}

Status ReadRelabelConfigs(const YamlNode& node, std::string_view what, std::vector<RelabelConfig>& out) {
  return ReadList(node, out, what, [](const YamlNode& item, RelabelConfig& rule) -> Status {
    VEDETTE_CHECK(ReadFields<RelabelConfig>(item, kRelabelFields, rule, "a relabel configuration"));
    if (const Status valid = rule.Validate(); !valid) return item.At(valid.error().message);
    return Ok();
  });
}

Status IsRelabelConfigs(const YamlNode& value) {
  std::vector<RelabelConfig> rules;
  return ReadRelabelConfigs(value, "relabeling rule", rules);
}

Status ReadScrapeConfigs(const YamlNode& node, const collector::GlobalScrapeOptions& global,
                         const SectionContext& context, std::vector<ScrapeConfig>& out) {
  return ReadList(node, out, "scrape config section", [&](const YamlNode& item, ScrapeConfig& job) -> Status {
    VEDETTE_CHECK(ReadJob(item, context, job));
    if (job.job_name.empty()) return item.At("job_name is empty");
    const auto same_name = [&](const ScrapeConfig& other) { return &other != &job && other.job_name == job.job_name; };
    if (std::ranges::any_of(out, same_name)) {
      return item.At(fmt::format("found multiple scrape configs with job name {}", Quote(job.job_name)));
    }
    job.InheritFrom(global);
    if (const Status valid = job.Validate(); !valid) return item.At(valid.error().message);
    return Ok();
  });
}

Status ReadScrapeConfigFiles(const YamlNode& node, const collector::GlobalScrapeOptions& global,
                             const SectionContext& context, std::vector<ScrapeConfig>& out,
                             std::vector<YamlNode>& roots) {
  VEDETTE_TRY(const std::vector<YamlNode> patterns, node.Sequence());
  for (const YamlNode& pattern : patterns) {
    VEDETTE_TRY(const std::string text, pattern.As<std::string>());
    const std::size_t star = text.find('*');
    if (text.empty() || (star != std::string::npos && text.find('/', star) != std::string::npos)) {
      return pattern.At(fmt::format("invalid scrape config file path {}", Quote(text)));
    }
    for (const std::string& file : ExpandGlob(ResolvePath(context.base_dir, text))) {
      VEDETTE_TRY(const YamlDocument document, LoadYamlFile(file));
      VEDETTE_CHECK(document.root.ExpectKeys({"scrape_configs"}));
      SectionContext own = context;
      own.base_dir = std::filesystem::path(file).parent_path().string();
      if (const auto jobs = document.root.Get("scrape_configs"); jobs && !jobs->IsNull()) {
        const Status read = ReadScrapeConfigs(*jobs, global, own, out);
        if (!read) return Annotate(pattern.At("included here").message, read.error());
      }
      roots.push_back(document.root);
    }
  }
  return Ok();
}

}  // namespace vedette::config
