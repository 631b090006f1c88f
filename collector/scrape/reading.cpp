#include "collector/scrape/reading.h"

#include <prometheus/counter.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <limits>
#include <unordered_set>

#include "collector/scrape/sample_labels.h"

namespace vedette::collector {
namespace {

/// Doubles in an order of their bits, in which NaNs have a place, too.
std::int64_t Ordered(double value) {
  const auto bits = std::bit_cast<std::int64_t>(value);
  return bits < 0 ? bits ^ std::numeric_limits<std::int64_t>::max() : bits;
}

}  // namespace

TargetAppender::ShownExemplar::Rank TargetAppender::ShownExemplar::RankOf(const storage::Exemplar& exemplar) {
  return {exemplar.time.ms, Ordered(exemplar.value), exemplar.labels.Hash()};
}

void TargetAppender::Row::ClearSamples() {
  series.clear();
  values.clear();
  histograms.clear();
  exemplars.clear();
}

/// Another order of labels or metric relabelling makes one series of several lines.
std::size_t TargetAppender::Row::DropRepeats() {
  const auto ascends = [](const std::vector<storage::SeriesId>& ids) {
    return std::ranges::adjacent_find(ids, std::ranges::greater_equal{}) == ids.end();
  };
  if (ascends(series)) return 0;  // as ids are given out
  std::vector<storage::SeriesId> sorted = series;
  std::ranges::sort(sorted);
  if (ascends(sorted)) return 0;
  std::unordered_set<storage::SeriesId> seen;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (!seen.insert(series[i]).second) continue;
    series[kept] = series[i];
    values[kept++] = values[i];
  }
  const std::size_t dropped = series.size() - kept;
  series.resize(kept);
  values.resize(kept);
  return dropped;
}

TargetAppender::Reading::Reading(TargetAppender& owner, const Scrape& scrape)
    : owner_(owner),
      scrape_(scrape),
      newest_(scrape.time + kMaxAhead),
      limits_{scrape.job.native_histogram_bucket_limit,
              SchemaForBucketFactor(scrape.job.native_histogram_min_bucket_factor)} {}

Status TargetAppender::Reading::Run() {
  const Status status = ReadAll();
  owner_.metrics_.lines_known->Increment(static_cast<double>(known_));
  owner_.metrics_.lines_searched->Increment(static_cast<double>(searched_));
  if (!status) return status;
  const std::size_t limit = scrape_.job.sample_limit.value_or(0);
  if (limit > 0 && scrape_.outcome.kept > limit) {
    owner_.metrics_.exceeded_samples->Increment();
    return Fail(Code::kLimit, "sample limit exceeded ({} samples, limit: {})", scrape_.outcome.kept, limit);
  }
  if (over_bucket_limit_) {
    owner_.metrics_.exceeded_buckets->Increment();
    return Fail(Code::kLimit, "histogram bucket limit exceeded (limit: {})", limits_.buckets);
  }
  return Ok();
}

Result<std::optional<storage::SeriesId>> TargetAppender::Reading::FindSeries(const RawLabels& raw) {
  auto labels = MakeSampleLabels(raw, scrape_.target.labels, scrape_.job);
  if (!labels) {
    if (labels.error().code == Code::kLimit) owner_.metrics_.exceeded_labels->Increment();
    return labels.error();
  }
  if (!*labels) return std::optional(storage::SeriesId::kNone);
  if (IsFull()) {
    // The series of a target that explodes are not even made; what it has in all is told, as in Prometheus.
    ++scrape_.outcome.kept;
    return std::optional<storage::SeriesId>();
  }
  const auto found = scrape_.appender.Series(**labels);
  if (!found && found.error().code == Code::kLimit) {
    owner_.metrics_.dropped_series_limit->Increment();
    return std::optional<storage::SeriesId>();
  }
  if (!found) return found.error();
  ++scrape_.outcome.added;
  return std::optional(*found);
}

LineCache::Line& TargetAppender::Reading::SetSeries(Line& line, storage::SeriesId series) {
  line.series = series;
  line.dropped = series == storage::SeriesId::kNone;
  return line;
}

std::optional<TimeMs> TargetAppender::Reading::TimeOf(const Line& line, const std::optional<TimeMs>& time) {
  ++scrape_.outcome.kept;
  if (!HasOwnTime(time)) {
    if (!line.repeated) return scrape_.time;
    ++scrape_.outcome.repeated;  // the first one stays, as in Prometheus
    return std::nullopt;
  }
  if (*time <= newest_) return time;
  owner_.metrics_.dropped_too_new->Increment();
  return std::nullopt;
}

void TargetAppender::Reading::TakeSample(LineCache& lines, Line& line, const std::optional<TimeMs>& time,
                                         double value) {
  if (!HasOwnTime(time) && !line.repeated) {  // nearly always
    ++scrape_.outcome.kept;
    scrape_.row.Add(line.series, value);
    lines.MarkSampled(line);
    return;
  }
  const std::optional<TimeMs> at = TimeOf(line, time);
  if (!at) return;
  scrape_.appender.Add(line.series, *at, value);
  ++single_samples_;
  if (scrape_.job.track_timestamps_staleness && !line.repeated) lines.MarkSampled(line);
}

Status TargetAppender::Reading::TakeHistogram(LineCache& lines, Line& line, const std::optional<TimeMs>& time,
                                              Histogram histogram) {
  const std::optional<TimeMs> at = TimeOf(line, time);
  if (!at) return Ok();
  const HistogramLayout* const came = histogram.layout.get();
  if (!FitHistogram(histogram, limits_)) {
    over_bucket_limit_ = true;  // the scrape fails, but what it has is counted
    return Ok();
  }
  VEDETTE_CHECK(CheckHistogram(histogram));
  if (histogram.layout.get() != came) histogram.layout = owner_.layouts_.Share(*histogram.layout);
  scrape_.appender.AddHistogram(line.series, *at, std::move(histogram));
  ++single_samples_;
  line.histogram = true;
  if (!HasOwnTime(time)) scrape_.row.histograms.push_back(line.series);
  const bool tracked = !HasOwnTime(time) || scrape_.job.track_timestamps_staleness;
  if (tracked && !line.repeated) lines.MarkSampled(line);
  return Ok();
}

/// The mark has 16 bits: one new start in 65,535 is taken for the old one, which costs that start and nothing else.
void TargetAppender::Reading::TakeStart(Line& line, const std::optional<TimeMs>& start, const Histogram* histogram) {
  const ScrapeConfig& job = scrape_.job;
  if (!start || start->ms == 0 || !(job.zero_at_start || job.store_starts)) return;
  const std::uint64_t hash = static_cast<std::uint64_t>(start->ms) * 0x9e3779b97f4a7c15;
  const auto mark = static_cast<std::uint16_t>(hash >> 48 | 1);
  if (line.repeated || std::exchange(line.start, mark) == mark || *start >= scrape_.time) return;
  if (job.store_starts) scrape_.appender.AddStart(line.series, scrape_.time, *start);
  // As in Prometheus the zero comes before all other samples, and not from long ago.
  constexpr Millis kOldest = std::chrono::hours(1);
  if (!job.zero_at_start || *start <= scrape_.previous || *start < scrape_.time - kOldest) return;
  ++single_samples_;
  if (histogram == nullptr) {
    scrape_.appender.Add(line.series, *start, 0);
    return;
  }
  HistogramLayout& layout = owner_.layouts_.Blank();
  layout.schema = histogram->layout->schema;
  layout.zero_threshold = histogram->layout->zero_threshold;
  layout.bounds = histogram->layout->bounds;
  Histogram zero;
  zero.layout = owner_.layouts_.Share(layout);
  zero.integers = histogram->integers;
  zero.reset = CounterReset::kReset;
  scrape_.appender.AddHistogram(line.series, *start, std::move(zero));
}

bool TargetAppender::Reading::ShowsNew(storage::SeriesId series, std::uint64_t hash) const {
  const auto shown = owner_.exemplars_.find(series);
  return shown == owner_.exemplars_.end() || shown->second.hash != hash;
}

void TargetAppender::Reading::TakeExemplars(storage::SeriesId series, std::uint64_t hash,
                                            std::span<storage::Exemplar> exemplars) {
  std::ranges::sort(exemplars, {}, ShownExemplar::RankOf);
  const auto shown = owner_.exemplars_.find(series);
  ShownExemplar now{.hash = hash, .newest = {}};
  if (shown != owner_.exemplars_.end()) now.newest = shown->second.newest;
  for (storage::Exemplar& exemplar : exemplars) {
    const ShownExemplar::Rank rank = ShownExemplar::RankOf(exemplar);
    if (now.newest && rank <= *now.newest) continue;
    now.newest = rank;
    scrape_.appender.AddExemplar(series, std::move(exemplar));
  }
  scrape_.row.exemplars.emplace_back(series, now);
}

}  // namespace vedette::collector
