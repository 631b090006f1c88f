#include "storage/append_batch.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace vedette::storage {
namespace {

/// Five million years either way: day numbers fit the 32 bits they have in keys, and no sum of two times overflows.
constexpr std::int64_t kFarthestMs = 160'000'000'000'000'000;

TimeMs Clamped(TimeMs time) { return TimeMs(std::clamp(time.ms, -kFarthestMs, kFarthestMs)); }

}  // namespace

void AppendBatch::AddRow(TimeMs time, std::span<const SeriesId> ids, std::span<const double> row_values) {
  assert(ids.size() == row_values.size());
  if (ids.empty()) return;
  if (rows.empty() || rows.back().time != time) rows.push_back({time, series.size(), series.size()});
  series.insert(series.end(), ids.begin(), ids.end());
  values.insert(values.end(), row_values.begin(), row_values.end());
  rows.back().end = series.size();
}

TimeMs AppendBatch::Earliest() const {
  TimeMs earliest = TimeMs::Max();
  for (const Row& row : rows) earliest = std::min(earliest, row.time);
  for (const HistogramSample& sample : histograms) earliest = std::min(earliest, sample.time);
  for (const BatchFacts::StartSample& sample : facts.starts) earliest = std::min(earliest, sample.time);
  return earliest;
}

void AppendBatch::GroupByTime() {
  // Series by series, a row is a sample or two; below this it does not pay.
  constexpr std::size_t kWide = 8, kFew = 64;
  const std::size_t samples = std::accumulate(rows.begin(), rows.end(), std::size_t{0},
                                              [](std::size_t n, const Row& r) { return n + (r.end - r.begin); });
  if (samples < kFew || samples >= kWide * rows.size()) return;
  std::vector<std::int64_t> times;
  times.reserve(rows.size());
  for (const Row& row : rows) times.push_back(row.time.ms);
  std::ranges::sort(times);
  times.erase(std::unique(times.begin(), times.end()), times.end());
  if (samples < kWide * times.size()) return;

  // Where each row goes: consecutive rows mostly have consecutive times, so the place is next to the last one.
  std::vector<std::size_t> place(rows.size()), next(times.size() + 1, 0);
  for (std::size_t i = 0, at = 0; i < rows.size(); ++i) {
    const std::int64_t time = rows[i].time.ms;
    if (at + 1 < times.size() && times[at + 1] == time) {
      ++at;
    } else if (times[at] != time) {
      at = static_cast<std::size_t>(std::ranges::lower_bound(times, time) - times.begin());
    }
    place[i] = at;
    next[at + 1] += rows[i].end - rows[i].begin;
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<Row> grouped(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) grouped[i] = {TimeMs(times[i]), next[i], next[i + 1]};
  std::vector<SeriesId> grouped_series(samples);
  std::vector<double> grouped_values(samples);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t from = rows[i].begin; from < rows[i].end; ++from) {
      const std::size_t to = next[place[i]]++;
      grouped_series[to] = series[from];
      grouped_values[to] = values[from];
    }
  }
  rows = std::move(grouped);
  series = std::move(grouped_series);
  values = std::move(grouped_values);
}

std::size_t HistogramWeight(std::span<const AppendBatch::HistogramSample> samples) {
  constexpr std::size_t kBucketsPerSample = 8;
  std::size_t weight = 0;
  for (const AppendBatch::HistogramSample& sample : samples) {
    weight += 1 + sample.histogram.counts.size() / kBucketsPerSample;
  }
  return weight;
}

TimeRange AcceptedTimes(TimeMs now, const StorageOptions& options, const AppendOptions& append) {
  TimeRange range{Clamped(TimeMs::Min()), Clamped(TimeMs::Max())};
  const Millis longest(2 * kFarthestMs);
  if (options.retention.count() > 0) range.min = Clamped(Clamped(now) - std::min(options.retention, longest));
  if (!append.allow_future) range.max = Clamped(Clamped(now) + std::min(options.max_future, longest));
  return range;
}

void AppendBatch::DropOutside(TimeMs now, const StorageOptions& options, const AppendOptions& append,
                              AppendOutcome& outcome) {
  const TimeRange accepted = AcceptedTimes(now, options, append);
  std::erase_if(rows, [&](const Row& row) {
    if (accepted.Contains(row.time)) return false;
    (row.time < accepted.min ? outcome.too_old : outcome.too_new) += row.end - row.begin;
    return true;
  });
  std::erase_if(histograms, [&](const HistogramSample& sample) {
    const bool valid = ValidateHistogram(sample.histogram).has_value();
    if (valid && accepted.Contains(sample.time)) return false;
    ++(!valid ? outcome.invalid : sample.time < accepted.min ? outcome.too_old : outcome.too_new);
    return true;
  });
  std::erase_if(facts.exemplars, [&](const BatchFacts::ExemplarSample& sample) {
    if (accepted.Contains(sample.exemplar.time) && ValidateExemplar(sample.exemplar)) return false;
    ++outcome.invalid;
    return true;
  });
  std::erase_if(facts.starts, [&](const BatchFacts::StartSample& sample) {
    // One that lies ahead of its sample is wrong, but the next sample may be behind it, and then it counts.
    return !accepted.Contains(sample.time) || sample.start > accepted.max;
  });
}

}  // namespace vedette::storage
