#include "collector/probe/probe_metrics.h"

#include <algorithm>

#include "collector/host/text_format.h"
#include "core/clock.h"

namespace vedette::collector {

double& ProbeMetrics::At(const ProbeGauge& gauge, std::vector<LabelView> labels) {
  auto at = families_.find(gauge.name);
  if (at == families_.end()) at = families_.emplace(std::string(gauge.name), Family{std::string(gauge.help), {}}).first;
  std::sort(labels.begin(), labels.end());
  LabelSet key;
  for (const LabelView& label : labels) key.emplace_back(label.name, label.value);
  return at->second.samples[std::move(key)];
}

void ProbeMetrics::Set(const ProbeGauge& gauge, std::vector<LabelView> labels, double value) {
  At(gauge, std::move(labels)) = value;
}

void ProbeMetrics::Add(const ProbeGauge& gauge, std::initializer_list<LabelView> labels, double value) {
  At(gauge, labels) += value;
}

std::string ProbeMetrics::Text() const {
  TextFormat out;
  for (const auto& [name, family] : families_) {
    out.Family(name, family.help, FamilyType::kGauge);
    for (const auto& [labels, value] : family.samples) {
      std::vector<LabelView> views;
      for (const auto& [label, text] : labels) views.push_back({label, text});
      out.Sample(views, value);
    }
  }
  return out.Take();
}

void ProbeLog::Line(std::string_view level, std::string_view message, Fields fields) {
  constexpr std::size_t kMaxBytes = 256 << 10, kMaxField = 1000;
  if (level == "error") last_error_ = message;
  if (text_.size() > kMaxBytes) return;
  text_ += fmt::format("time={} level={} msg={} module={} target={}", FormatRfc3339(SystemClock().Now()), level,
                       Quote(message), Quote(module_), Quote(target_));
  for (const auto& [key, value] : fields) {
    text_ += fmt::format(" {}={}", key, Quote(value.substr(0, kMaxField)));
    if (level == "error" && key == "err") last_error_ += fmt::format(": {}", value.substr(0, kMaxField));
  }
  text_ += '\n';
}

}  // namespace vedette::collector
