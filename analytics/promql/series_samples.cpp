// Staleness markers, counter resets and start times of one series.
#include "analytics/promql/series_samples.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "analytics/promql/column_scan.h"
#include "analytics/promql/eval_value.h"
#include "analytics/promql/histogram_math.h"

namespace vedette::promql {

void SeriesSamples::clear() {
  floats.clear();
  histograms.clear();
  starts.clear();
}

bool HasStaleMarkers(const SeriesSamples& samples) {
  return AnyAbsent(samples.floats.values) || std::ranges::any_of(samples.histograms.histograms, IsStaleHistogram);
}

void RemoveStaleMarkers(SeriesSamples& samples) {
  storage::Columns& floats = samples.floats;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < floats.size(); ++i) {
    if (IsAbsent(floats.values[i])) continue;
    floats.times[kept] = floats.times[i];
    floats.values[kept] = floats.values[i];
    ++kept;
  }
  floats.times.resize(kept);
  floats.values.resize(kept);

  storage::HistogramColumns& histograms = samples.histograms;
  kept = 0;
  for (std::size_t i = 0; i < histograms.size(); ++i) {
    if (IsStaleHistogram(histograms.histograms[i])) continue;
    histograms.times[kept] = histograms.times[i];
    if (kept != i) histograms.histograms[kept] = std::move(histograms.histograms[i]);
    ++kept;
  }
  histograms.times.resize(kept);
  histograms.histograms.resize(kept);
}

void ForgetUnproven(storage::HistogramColumns& histograms) {
  for (Histogram& histogram : histograms.histograms) {
    if (histogram.reset == CounterReset::kNotReset) histogram.reset = CounterReset::kUnknown;
  }
}

void ReduceToCounts(storage::HistogramColumns& histograms) {
  const Histogram* before = nullptr;
  for (Histogram& histogram : histograms.histograms) {
    if (IsStaleHistogram(histogram)) continue;
    if (before != nullptr && histogram.reset == CounterReset::kUnknown) {
      histogram.reset = HasReset(histogram, *before) ? CounterReset::kReset : CounterReset::kNotReset;
    }
    before = &histogram;
  }
  std::shared_ptr<const HistogramLayout> layout;
  for (Histogram& histogram : histograms.histograms) {
    Histogram reduced = WithoutBuckets(histogram);
    if (layout && *layout == *reduced.layout) reduced.layout = layout;
    layout = reduced.layout;
    histogram = std::move(reduced);
  }
}

std::vector<std::int64_t> StartsAt(std::span<const storage::StartTime> known, std::span<const std::int64_t> times) {
  std::vector<storage::StartTime> by_sample(known.begin(), known.end()), by_validity = by_sample;
  const auto valid_from = [](const storage::StartTime& start) { return std::max(start.start, start.first_sample); };
  std::ranges::stable_sort(by_sample, {}, &storage::StartTime::first_sample);
  std::ranges::stable_sort(by_validity, {}, valid_from);
  std::vector<std::int64_t> starts(times.size());
  std::size_t next_sample = 0, next_valid = 0;
  std::int64_t newest = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const TimeMs time(times[i]);
    for (; next_valid < by_validity.size() && valid_from(by_validity[next_valid]) <= time; ++next_valid) {
      newest = std::max(newest, by_validity[next_valid].start.ms);
    }
    starts[i] = newest;
    for (; next_sample < by_sample.size() && by_sample[next_sample].first_sample <= time; ++next_sample) {
      if (by_sample[next_sample].first_sample == time) starts[i] = by_sample[next_sample].start.ms;
    }
  }
  return starts;
}

}  // namespace vedette::promql
