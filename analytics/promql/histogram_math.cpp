// One native histogram, or two compared. Adding is in histogram_sum.cpp.
#include "analytics/promql/histogram_math.h"

#include <algorithm>
#include <span>
#include <utility>

#include "analytics/promql/histogram_parts.h"
#include "core/histogram_resolution.h"
#include "core/numbers.h"

namespace vedette::promql {

namespace {

bool AddSigned(Histogram& to, const Histogram& other, double sign, HistogramNotes& notes) {
  if (!SameKind(to, other)) return false;
  HistogramSum sum(std::move(to), false);
  const bool added = sum.Add(other, sign, notes);
  to = std::move(sum).Take();
  return added;
}

/// Some bucket of `before` holds more than that of the same number in `now`.
bool Fell(const BucketList& now, const BucketList& before) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < before.numbers.size(); ++i) {
    while (at < now.numbers.size() && now.numbers[at] < before.numbers[i]) ++at;
    const bool there = at < now.numbers.size() && now.numbers[at] == before.numbers[i];
    const double held = before.counts[i].sum;
    if (there ? now.counts[at].sum < held : held != 0) return true;
  }
  return false;
}

bool FellWithSameLayout(const Histogram& now, const Histogram& before) {
  for (std::size_t i = 0; i < now.counts.size(); ++i) {
    if (now.counts[i] < before.counts[i]) return true;
  }
  return false;
}

/// Of the bounds that both have; a bucket that is not there counts as 0, also where the other one is below that.
bool FellWithOwnBounds(const Histogram& now, const Histogram& before) {
  HistogramParts mine = HistogramParts::Of(now, {}, 0), theirs = HistogramParts::Of(before, {}, 0);
  mine.ReconcileBounds(theirs);
  mine.positive.Add(theirs.positive, -1);
  return std::ranges::any_of(mine.positive.counts, [](const CompensatedSum& change) { return change.sum < 0; });
}

/// The later one is coarser, or its zero bucket wider: the earlier one is brought there first.
bool FellWhenAligned(const Histogram& now, const Histogram& before) {
  HistogramParts mine = HistogramParts::Of(now, {}, 0), theirs = HistogramParts::Of(before, {}, 0);
  const HistogramParts::WiderZero wider = theirs.Widen(mine.zero_threshold);
  if (wider.threshold != mine.zero_threshold) return true;  // it ends within a filled bucket
  if (now.zero_count < wider.zero.sum) return true;
  theirs.Coarsen(mine.schema);
  theirs.DropBucketsWithinZero(mine.zero_threshold);
  mine.DropBucketsWithinZero(mine.zero_threshold);
  return Fell(mine.positive, theirs.positive) || Fell(mine.negative, theirs.negative);
}

bool SameFilled(const BucketList& a, const BucketList& b) {
  return a.numbers == b.numbers &&
         std::ranges::equal(a.counts, b.counts, [](const auto& x, const auto& y) { return SameBits(x.sum, y.sum); });
}

}  // namespace

bool SameKind(const Histogram& a, const Histogram& b) { return a.layout->custom() == b.layout->custom(); }

void Multiply(Histogram& histogram, double factor) {
  histogram.integers = false;
  histogram.zero_count *= factor;
  histogram.count *= factor;
  histogram.sum *= factor;
  for (double& count : histogram.counts) {
    if (count != 0) count *= factor;  // an empty bucket is as good as none, also when the factor is not finite
  }
  if (factor < 0) histogram.reset = CounterReset::kGauge;
}

void Divide(Histogram& histogram, double divisor) {
  histogram.integers = false;
  histogram.zero_count /= divisor;
  histogram.count /= divisor;
  histogram.sum /= divisor;
  if (divisor == 0) {
    HistogramParts parts = HistogramParts::Of(histogram, {}, 0);
    parts.positive = parts.negative = {};
    parts.PutInto(histogram, nullptr);
    return;
  }
  for (double& count : histogram.counts) {
    if (count != 0) count /= divisor;
  }
  if (divisor < 0) histogram.reset = CounterReset::kGauge;
}

bool Add(Histogram& to, const Histogram& other, HistogramNotes& notes) { return AddSigned(to, other, 1, notes); }
bool Subtract(Histogram& from, const Histogram& other, HistogramNotes& notes) {
  return AddSigned(from, other, -1, notes);
}

Histogram InSchema(const Histogram& histogram, int schema) {
  Histogram copy = histogram;
  if (schema == histogram.layout->schema) return copy;
  copy.integers = false;
  copy.reset = CounterReset::kUnknown;
  ReduceResolution(copy, schema);
  return copy;
}

Histogram WithoutBuckets(const Histogram& histogram) {
  Histogram out;
  out.reset = histogram.reset;
  out.count = histogram.count;
  out.sum = histogram.sum;
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = histogram.layout->schema;
  out.layout = std::move(layout);
  return out;
}

bool EqualHistograms(const Histogram& a, const Histogram& b) {
  if (!SameBits(a.count, b.count) || !SameBits(a.sum, b.sum)) return false;
  if (a.layout->schema != b.layout->schema || a.layout->bounds != b.layout->bounds ||
      a.layout->zero_threshold != b.layout->zero_threshold || !SameBits(a.zero_count, b.zero_count)) {
    return false;
  }
  if (a.layout == b.layout && SameBits(a.counts, b.counts)) return true;
  HistogramParts x = HistogramParts::Of(a, {}, 0), y = HistogramParts::Of(b, {}, 0);
  for (BucketList* list : {&x.positive, &x.negative, &y.positive, &y.negative}) list->DropEmpty();
  return SameFilled(x.positive, y.positive) && SameFilled(x.negative, y.negative);
}

bool HasReset(const Histogram& now, const Histogram& before) {
  if (now.reset == CounterReset::kReset) return true;
  if (now.reset == CounterReset::kNotReset) return false;
  if (now.count < before.count) return true;
  const HistogramLayout& mine = *now.layout;
  const HistogramLayout& theirs = *before.layout;
  if (mine.custom()) {
    if (!theirs.custom()) return true;
    if (mine.bounds != theirs.bounds) return FellWithOwnBounds(now, before);
  }
  if (mine.schema > theirs.schema || mine.zero_threshold < theirs.zero_threshold) return true;
  const bool same_layout = now.layout == before.layout || mine == theirs;
  if (same_layout && !StartsWithinZero(mine)) {
    return now.zero_count < before.zero_count || FellWithSameLayout(now, before);
  }
  return FellWhenAligned(now, before);
}

std::optional<Histogram> Interpolate(const TimedHistogram& from, const TimedHistogram& to, std::int64_t time,
                                     bool counter, HistogramNotes& subtracted, HistogramNotes& added) {
  if (time == from.time) return from.histogram;
  if (time == to.time) return to.histogram;
  const double fraction = static_cast<double>(time - from.time) / static_cast<double>(to.time - from.time);
  Histogram result = to.histogram;
  const bool from_zero = counter && HasReset(to.histogram, from.histogram);
  if (!from_zero && !Subtract(result, from.histogram, subtracted)) return std::nullopt;
  Multiply(result, fraction);
  if (!from_zero && !Add(result, from.histogram, added)) return std::nullopt;
  return result;
}

std::size_t SampleWeight(const Histogram& histogram) {
  constexpr std::size_t kFixed = 176, kPerNumber = 8, kSample = 16;  // bytes, as Prometheus counts them
  return (kFixed + kPerNumber * (histogram.counts.size() + histogram.layout->bounds.size())) / kSample;
}

}  // namespace vedette::promql
