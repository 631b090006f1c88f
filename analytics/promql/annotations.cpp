// The wording of annotations.
#include "analytics/promql/annotations.h"

#include <algorithm>

#include "analytics/promql/parser.h"
#include "core/numbers.h"

namespace vedette::promql {

namespace {

/// Distinct texts of one kind that are kept; a reply shows ten.
constexpr std::size_t kMaxTexts = 1000;

std::string Shortest(double value) {
  std::string text;
  AppendGeneral(text, value);
  return text;
}

std::string ForMetric(std::string text, std::string_view metric) {
  if (!metric.empty()) text += " for metric name " + Quote(metric);
  return text;
}

std::string_view OperationName(HistogramOperation operation) {
  switch (operation) {
    case HistogramOperation::kAddition:
      return "addition";
    case HistogramOperation::kSubtraction:
      return "subtraction";
    case HistogramOperation::kAggregation:
      return "aggregation";
  }
  return {};
}

}  // namespace

void Annotator::InvalidQuantile(double quantile, Position at) {
  Add(warnings_, "PromQL warning: quantile value should be between 0 and 1, got " + Shortest(quantile), at);
}

void Annotator::InvalidRatio(double ratio, double capped_to, Position at) {
  Add(warnings_,
      "PromQL warning: ratio value should be between -1 and 1, got " + Shortest(ratio) + ", capping to " +
          Shortest(capped_to),
      at);
}

void Annotator::BadBucketLabel(std::string_view metric, std::string_view value, Position at) {
  Add(warnings_,
      ForMetric("PromQL warning: bucket label \"le\" is missing or has a malformed value of " + Quote(value), metric),
      at);
}

void Annotator::SortInRangeQuery(Position at) {
  Add(warnings_, "PromQL warning: sort is ineffective for range queries since results are always ordered by labels",
      at);
}

void Annotator::PossibleNonCounter(std::string_view metric, Position at) {
  Add(infos_,
      "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " + Quote(metric),
      at);
}

void Annotator::ForcedMonotonicity(std::string_view metric, const MonotonicityFix& fix, std::int64_t time_ms,
                                   Position at) {
  std::string text = ForMetric(
      "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
      metric);
  if (fixes_.size() >= kMaxTexts && !fixes_.contains(text)) return;
  const Fixes one{fix, time_ms, time_ms, 1, at};
  auto [entry, is_new] = fixes_.try_emplace(std::move(text), one);
  if (!is_new) entry->second.Add(one);
}

void Annotator::MixedFloatsHistograms(std::string_view metric, Position at) {
  Add(warnings_, "PromQL warning: encountered a mix of histograms and floats for metric name " + Quote(metric), at);
}

void Annotator::MixedInAggregation(Position at) {
  Add(warnings_, "PromQL warning: encountered a mix of histograms and floats for aggregation", at);
}

void Annotator::MixedClassicNative(std::string_view metric, Position at) {
  Add(warnings_, ForMetric("PromQL warning: vector contains a mix of classic and native histograms", metric), at);
}

void Annotator::MixedHistogramKinds(std::string_view metric, Position at) {
  Add(warnings_,
      "PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric "
      "name " +
          Quote(metric),
      at);
}

void Annotator::HistogramNotCounter(std::string_view metric, Position at) {
  Add(warnings_, "PromQL warning: this native histogram metric is not a counter: " + Quote(metric), at);
}

void Annotator::HistogramNotGauge(std::string_view metric, Position at) {
  Add(warnings_, "PromQL warning: this native histogram metric is not a gauge: " + Quote(metric), at);
}

void Annotator::CollidingResets(HistogramOperation operation, Position at) {
  Add(warnings_,
      fmt::format("PromQL warning: conflicting counter resets during histogram {}", OperationName(operation)), at);
}

void Annotator::MismatchedBounds(HistogramOperation operation, Position at) {
  Add(infos_, fmt::format("PromQL info: mismatched custom buckets were reconciled during {}", OperationName(operation)),
      at);
}

void Annotator::IncompatibleKinds(std::string_view op, Position at) {
  Add(warnings_, fmt::format("PromQL warning: incompatible bucket layout encountered for binary operator {}", op), at);
}

void Annotator::IncompatibleTypes(std::string_view left, std::string_view op, std::string_view right, Position at) {
  Add(infos_,
      fmt::format("PromQL info: incompatible sample types encountered for binary operator {}: {} {} {}", Quote(op),
                  left, op, right),
      at);
}

void Annotator::IgnoredInAggregation(std::string_view aggregation, Position at) {
  Add(infos_, fmt::format("PromQL info: ignored histogram in {} aggregation", aggregation), at);
}

void Annotator::IgnoredInMixedRange(std::string_view metric, Position at) {
  Add(infos_,
      "PromQL info: ignored histograms in a range containing both floats and histograms for metric name " +
          Quote(metric),
      at);
}

void Annotator::QuantileIsNan(std::string_view metric, Position at) {
  Add(infos_, ForMetric("PromQL info: input to histogram_quantile has NaN observations, result is NaN", metric), at);
}

void Annotator::QuantileSkewed(std::string_view metric, Position at) {
  Add(infos_,
      ForMetric("PromQL info: input to histogram_quantile has NaN observations, result is skewed higher", metric), at);
}

void Annotator::FractionWithoutNans(std::string_view metric, Position at) {
  Add(infos_,
      ForMetric("PromQL info: input to histogram_fraction has NaN observations, which are excluded from all fractions",
                metric),
      at);
}

void Annotator::OverlappingStarts(std::string_view metric, std::size_t ranges, Position at) {
  std::string text =
      "PromQL warning: sample has start time that overlaps with previous sample timestamp for metric " + Quote(metric);
  if (overlaps_.size() >= kMaxTexts && !overlaps_.contains(text)) return;
  overlaps_.try_emplace(std::move(text), Overlaps{0, at}).first->second.ranges += ranges;
}

void Annotator::Merge(Annotator&& other) {
  for (const auto& [text, at] : other.warnings_) Add(warnings_, text, at);
  for (const auto& [text, at] : other.infos_) Add(infos_, text, at);
  for (const auto& [text, fixes] : other.fixes_) {
    if (fixes_.size() >= kMaxTexts && !fixes_.contains(text)) continue;
    auto [entry, is_new] = fixes_.try_emplace(text, fixes);
    if (!is_new) entry->second.Add(fixes);
  }
  for (const auto& [text, overlaps] : other.overlaps_) {
    if (overlaps_.size() >= kMaxTexts && !overlaps_.contains(text)) continue;
    overlaps_.try_emplace(text, Overlaps{0, overlaps.at}).first->second.ranges += overlaps.ranges;
  }
}

void Annotator::Fixes::Add(const Fixes& more) {
  fix.min_bucket = std::min(fix.min_bucket, more.fix.min_bucket);
  fix.max_bucket = std::max(fix.max_bucket, more.fix.max_bucket);
  fix.max_difference = std::max(fix.max_difference, more.fix.max_difference);
  first_ms = std::min(first_ms, more.first_ms);
  last_ms = std::max(last_ms, more.last_ms);
  count += more.count;
}

void Annotator::Add(Texts& texts, std::string text, Position at) {
  if (texts.size() < kMaxTexts || texts.contains(text)) texts.insert_or_assign(std::move(text), at);
}

std::string Annotator::Place(Position at) const {
  if (query_.empty() || at.start > query_.size()) return fmt::format(" (1:{})", at.start + 1);
  return " (" + LineColumn(query_, at.start) + ")";
}

Annotations Annotator::Take() {
  const auto seconds = [](std::int64_t ms) { return FormatRfc3339(TimeMs(ms / 1000 * 1000)); };
  Annotations out;
  for (const auto& [text, at] : warnings_) out.warnings.push_back(text + Place(at));
  for (const auto& [text, overlaps] : overlaps_) {
    const std::string often = overlaps.ranges > 1 ? fmt::format(" ({} occurrences)", overlaps.ranges) : std::string();
    out.warnings.push_back(text + often + Place(overlaps.at));
  }
  for (const auto& [text, at] : infos_) out.infos.push_back(text + Place(at));
  for (const auto& [text, all] : fixes_) {
    out.infos.push_back(
        fmt::format("{}, from buckets {} to {}, with a max diff of {:.2g}, over {} samples from {} to {}{}", text,
                    Shortest(all.fix.min_bucket), Shortest(all.fix.max_bucket), all.fix.max_difference, all.count,
                    seconds(all.first_ms), seconds(all.last_ms), Place(all.at)));
  }
  return out;
}

}  // namespace vedette::promql
