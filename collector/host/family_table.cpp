#include "collector/host/family_table.h"

namespace vedette::collector {

void FamilyTable::Add(const MetricText& metric, std::span<const LabelView> labels, double value) {
  auto at = families_.find(metric.name);
  if (at == families_.end()) {
    at = families_.emplace(std::string(metric.name), Family()).first;
    at->second.text.Family(metric);
  }
  std::string key;
  for (const LabelView& label : labels) {
    key.append(label.name).append(1, '\0').append(label.value).append(1, '\0');
  }
  if (at->second.series.insert(std::move(key)).second) at->second.text.Sample(labels, value);
}

void FamilyTable::Write(TextFormat& out) const {
  for (const auto& [name, family] : families_) out.Append(family.text.text());
}

}  // namespace vedette::collector
