#include "alerting/rules/output.h"

#include <optional>

#include "core/numbers.h"

namespace vedette::alerting {

Result<std::size_t> RuleOutput::Write(storage::Storage& storage, TimeMs time, std::span<const OutputSample> samples) {
  if (samples.empty() && last_.empty()) return std::size_t{0};
  const std::unique_ptr<storage::Appender> appender = storage.NewAppender();
  std::unordered_map<Labels, storage::SeriesId> now;
  std::vector<storage::SeriesId> ids;
  std::vector<double> values;
  std::optional<Error> refused;
  for (const OutputSample& sample : samples) {
    storage::SeriesId id = storage::SeriesId::kNone;
    if (const auto known = last_.find(sample.labels); known != last_.end()) {
      id = known->second;
    } else {
      const auto made = appender->Series(sample.labels);
      if (!made) {
        if (!refused) refused = Annotate(sample.labels.ToString(), made.error());
        continue;
      }
      id = *made;
    }
    now.emplace(sample.labels, id);
    if (sample.histogram) {
      appender->AddHistogram(id, time, *sample.histogram);
      continue;
    }
    ids.push_back(id);
    values.push_back(sample.value);
  }
  for (const auto& [labels, id] : last_) {
    if (now.contains(labels)) continue;
    ids.push_back(id);
    values.push_back(StaleNan());
  }
  appender->AddRow(time, ids, values);
  VEDETTE_TRY(const storage::AppendOutcome outcome, appender->Commit());
  last_ = std::move(now);
  if (refused) return *std::move(refused);
  if (outcome.too_old + outcome.too_new > 0) {
    return Fail(Code::kOutOfOrder, "{} samples at {} are outside of what the store keeps",
                outcome.too_old + outcome.too_new, time);
  }
  if (outcome.invalid > 0) return Fail(Code::kBadData, "{} native histograms contradict themselves", outcome.invalid);
  return outcome.stored;
}

Status RuleOutput::End(storage::Storage& storage, TimeMs time) {
  const auto ended = Write(storage, time, {});
  if (!ended) return ended.error();
  return Ok();
}

}  // namespace vedette::alerting
