// `global:`: what scrape jobs and rules inherit.
#include <cstdlib>

#include "config/sections.h"

namespace vedette::config {
namespace {

/// "${NAME}" and "$NAME" from the environment (empty when unset), "$$" a dollar: as Prometheus expands external labels.
std::string ExpandEnvironment(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out.push_back(text[i++]);
      continue;
    }
    if (text[i + 1] == '$') {
      out.push_back('$');
      i += 2;
      continue;
    }
    const bool braced = text[i + 1] == '{';
    const std::size_t start = i + (braced ? 2 : 1);
    std::size_t end = start;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    const bool complete = end > start && (!braced || (end < text.size() && text[end] == '}'));
    if (!complete) {
      out.push_back(text[i++]);
      continue;
    }
    const char* value = std::getenv(std::string(text.substr(start, end - start)).c_str());
    if (value != nullptr) out += value;
    i = end + (braced ? 1 : 0);
  }
  return out;
}

Status ReadExternalLabels(const YamlNode& node, GlobalSection& out) {
  Labels written;
  VEDETTE_CHECK(ReadValue(node, written));
  LabelsBuilder builder;
  for (const LabelView label : written) {
    if (!IsLegacyLabelName(label.name)) return node.At(fmt::format("{} is not a valid label name", Quote(label.name)));
    builder.Set(label.name, ExpandEnvironment(label.value));
  }
  out.rules.external_labels = builder.Build();
  return Ok();
}

template <auto Member>
Status SetScrape(const YamlNode& node, GlobalSection& out) {
  return ReadValue(node, out.scrape.*Member);
}
template <auto Member>
Status SetRules(const YamlNode& node, GlobalSection& out) {
  return ReadValue(node, out.rules.*Member);
}
template <auto Member>
Status SetLimit(const YamlNode& node, GlobalSection& out) {
  return ReadValue(node, out.scrape.limits.*Member);
}

using alerting::RuleOptions;
using collector::GlobalScrapeOptions;
using collector::ScrapeLimits;

constexpr Field<GlobalSection> kGlobalFields[] = {
    {"scrape_interval", SetScrape<&GlobalScrapeOptions::scrape_interval>},
    {"scrape_timeout", SetScrape<&GlobalScrapeOptions::scrape_timeout>},
    {"evaluation_interval", SetRules<&RuleOptions::evaluation_interval>},
    {"rule_query_offset", SetRules<&RuleOptions::query_offset>},
    {"external_labels", ReadExternalLabels},
    {"body_size_limit",
     [](const YamlNode& node, GlobalSection& out) { return ReadBytes(node, out.scrape.limits.body_size_limit); }},
    {"sample_limit", SetLimit<&ScrapeLimits::sample_limit>},
    {"target_limit", SetLimit<&ScrapeLimits::target_limit>},
    {"label_limit", SetLimit<&ScrapeLimits::label_limit>},
    {"label_name_length_limit", SetLimit<&ScrapeLimits::label_name_length_limit>},
    {"label_value_length_limit", SetLimit<&ScrapeLimits::label_value_length_limit>},
    {"keep_dropped_targets", SetLimit<&ScrapeLimits::keep_dropped_targets>},
    {"query_log_file", Set<&GlobalSection::query_log_file>},
    {"scrape_failure_log_file", SetScrape<&GlobalScrapeOptions::scrape_failure_log_file>},
    {"scrape_protocols",
     [](const YamlNode& node, GlobalSection& out) { return ReadScrapeProtocols(node, out.scrape.scrape_protocols); }},
    {"metric_name_validation_scheme",
     [](const YamlNode& node, GlobalSection& out) {
       return ReadNameValidation(node, out.scrape.metric_name_validation_scheme);
     }},
    {"metric_name_escaping_scheme",
     [](const YamlNode& node, GlobalSection& out) {
       return ReadNameEscaping(node, out.scrape.metric_name_escaping_scheme.emplace());
     }},
    {"scrape_native_histograms", SetScrape<&GlobalScrapeOptions::scrape_native_histograms>},
    {"convert_classic_histograms_to_nhcb", SetScrape<&GlobalScrapeOptions::convert_classic_histograms_to_nhcb>},
    {"always_scrape_classic_histograms", SetScrape<&GlobalScrapeOptions::always_scrape_classic_histograms>},
    {"extra_scrape_metrics", SetScrape<&GlobalScrapeOptions::extra_scrape_metrics>},
};

}  // namespace

Status ReadGlobal(const YamlNode& node, const SectionContext& context, GlobalSection& out) {
  VEDETTE_CHECK(ReadFields<GlobalSection>(node, kGlobalFields, out, "global"));
  collector::GlobalScrapeOptions& scrape = out.scrape;
  out.query_log_file = ResolvePath(context.base_dir, out.query_log_file);
  scrape.scrape_failure_log_file = ResolvePath(context.base_dir, scrape.scrape_failure_log_file);
  for (const Millis span : {scrape.scrape_interval, scrape.scrape_timeout, out.rules.evaluation_interval}) {
    if (span <= Millis(0)) return node.At("intervals and time-outs must be positive");
  }
  // A short interval without a time-out of its own shortens the default time-out, as in Prometheus.
  if (!node.Has("scrape_timeout")) scrape.scrape_timeout = std::min(scrape.scrape_timeout, scrape.scrape_interval);
  if (scrape.scrape_timeout > scrape.scrape_interval)
    return node.At("global scrape timeout greater than scrape interval");
  return Ok();
}

}  // namespace vedette::config
