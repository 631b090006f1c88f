#include "collector/scrape/sample_labels.h"

#include <algorithm>

namespace vedette::collector {
namespace {

constexpr std::size_t kMaxShown = 50;  // bytes of a name or value in an error, as in Prometheus

bool Exceeds(std::size_t size, const std::optional<std::size_t>& limit) { return limit && *limit > 0 && size > *limit; }

Status CheckLimits(const Labels& labels, const ScrapeConfig& job) {
  const std::string_view metric = labels.MetricName().substr(0, kMaxShown);
  if (Exceeds(labels.size(), job.label_limit)) {
    return Fail(Code::kLimit, "label_limit exceeded (metric: {}, number of labels: {}, limit: {})", metric,
                labels.size(), *job.label_limit);
  }
  for (const auto [name, value] : labels) {
    if (Exceeds(name.size(), job.label_name_length_limit)) {
      return Fail(Code::kLimit, "label_name_length_limit exceeded (metric: {}, label name: {}, length: {}, limit: {})",
                  metric, name.substr(0, kMaxShown), name.size(), *job.label_name_length_limit);
    }
    if (Exceeds(value.size(), job.label_value_length_limit)) {
      return Fail(Code::kLimit,
                  "label_value_length_limit exceeded (metric: {}, label name: {}, value: {}, length: {}, limit: {})",
                  metric, name.substr(0, kMaxShown), Quote(value.substr(0, kMaxShown)), value.size(),
                  *job.label_value_length_limit);
    }
  }
  return Ok();
}

Status CheckNames(const Labels& labels, NameValidation names) {
  const std::string_view metric = labels.MetricName();
  if (metric.empty()) return Fail(Code::kBadData, "missing metric name (__name__ label): {}", labels.ToString());
  if (names == NameValidation::kUtf8) return Ok();
  for (const auto [name, value] : labels) {
    if (!IsLegacyLabelName(name) || !IsLegacyMetricName(metric)) {
      return Fail(Code::kBadData, "invalid metric name or label names: {}", labels.ToString());
    }
  }
  return Ok();
}

}  // namespace

LabelsBuilder AddTargetLabels(const RawLabels& raw, const Labels& target, bool honor_labels) {
  LabelsBuilder labels;
  for (const auto& [name, value] : raw) labels.Set(name, value);
  RawLabels covered;
  for (const auto [name, value] : target) {
    const std::string_view exposed = labels.Get(name);
    // An empty one is honoured as well: a Pushgateway keeps the target's instance away with it.
    const auto is_it = [wanted = name](const auto& label) { return label.first == wanted; };
    if (honor_labels && std::any_of(raw.begin(), raw.end(), is_it)) continue;
    if (!exposed.empty()) covered.emplace_back(name, exposed);
    labels.Set(name, value);
  }
  // Short names first, so that exported_x of the target does not take the place that x needs.
  std::sort(covered.begin(), covered.end(),
            [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  for (const auto& [name, value] : covered) {
    std::string free_name = "exported_" + name;
    while (!labels.Get(free_name).empty()) free_name.insert(0, "exported_");
    labels.Set(free_name, value);
  }
  return labels;
}

Result<std::optional<Labels>> MakeSampleLabels(const RawLabels& raw, const Labels& target, const ScrapeConfig& job) {
  LabelsBuilder builder = AddTargetLabels(raw, target, job.honor_labels);
  const NameValidation names = job.metric_name_validation_scheme.value_or(NameValidation::kUtf8);
  if (!Relabel(builder, job.metric_relabel_configs, names)) return std::optional<Labels>();
  Labels labels = builder.Build();
  if (labels.empty()) return std::optional<Labels>();
  VEDETTE_CHECK(CheckNames(labels, names));
  VEDETTE_CHECK(CheckLimits(labels, job));
  return std::optional<Labels>(std::move(labels));
}

}  // namespace vedette::collector
