// Adding up native histograms: side by side when they have one layout, else taken apart and put together anew.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <utility>

#include "analytics/promql/histogram_math.h"
#include "analytics/promql/histogram_parts.h"

namespace vedette::promql {

namespace {

void AddLossy(double& sum, double& lost, double value) {
  CompensatedSum cell{sum, lost};
  cell.Add(value);
  sum = cell.sum;
  lost = cell.lost;
}

/// What a sum says of resets: a gauge makes everything a gauge, contradictions and ignorance leave nothing known.
CounterReset JoinResets(CounterReset a, CounterReset b, HistogramNotes& notes) {
  if (a == b || a == CounterReset::kGauge) return a;
  if (b == CounterReset::kGauge) return b;
  if (a != CounterReset::kUnknown && b != CounterReset::kUnknown) notes.collision = true;
  return CounterReset::kUnknown;
}

}  // namespace

HistogramSum::HistogramSum(Histogram first, bool compensated) : sum_(std::move(first)), compensated_(compensated) {
  sum_.integers = false;
  if (compensated_) lost_.assign(sum_.counts.size(), 0);
}

bool HistogramSum::Add(const Histogram& other, double sign, HistogramNotes& notes) {
  if (!SameKind(sum_, other)) return false;
  sum_.reset = JoinResets(sum_.reset, other.reset, notes);
  if (!AddSameLayout(other, sign)) AddOtherLayout(other, sign, notes);
  AddLossy(sum_.count, lost_count_, sign * other.count);
  AddLossy(sum_.sum, lost_sum_, sign * other.sum);
  return true;
}

bool HistogramSum::AddSameLayout(const Histogram& other, double sign) {
  if (sum_.layout != other.layout && *sum_.layout != *other.layout) return false;
  if (StartsWithinZero(*sum_.layout)) return false;
  AddLossy(sum_.zero_count, lost_zero_, sign * other.zero_count);
  if (!compensated_) {
    for (std::size_t i = 0; i < sum_.counts.size(); ++i) sum_.counts[i] += sign * other.counts[i];
  } else {
    for (std::size_t i = 0; i < sum_.counts.size(); ++i) AddLossy(sum_.counts[i], lost_[i], sign * other.counts[i]);
  }
  return true;
}

void HistogramSum::AddOtherLayout(const Histogram& other, double sign, HistogramNotes& notes) {
  HistogramParts mine = HistogramParts::Of(sum_, lost_, lost_zero_);
  HistogramParts theirs = HistogramParts::Of(other, {}, 0);
  if (sum_.layout->custom()) {
    notes.reconciled |= mine.ReconcileBounds(theirs);
  } else {
    mine.ReconcileZeroBuckets(theirs);
    const int schema = std::min(mine.schema, theirs.schema);
    mine.Coarsen(schema);
    theirs.Coarsen(schema);
    theirs.DropBucketsWithinZero(mine.zero_threshold);
    mine.zero.Add(sign * theirs.zero.sum);
    mine.zero.Add(sign * theirs.zero.lost);
  }
  mine.positive.Add(theirs.positive, sign);
  mine.negative.Add(theirs.negative, sign);
  lost_zero_ = mine.zero.lost;
  lost_.clear();
  mine.PutInto(sum_, compensated_ ? &lost_ : nullptr);
}

void HistogramSum::Multiply(double factor) {
  promql::Multiply(sum_, factor);
  for (double& lost : lost_) lost *= factor;
  for (double* lost : {&lost_count_, &lost_sum_, &lost_zero_}) *lost *= factor;
}

void HistogramSum::Divide(double divisor) {
  promql::Divide(sum_, divisor);
  if (divisor == 0) lost_.clear();
  for (double& lost : lost_) lost /= divisor;
  for (double* lost : {&lost_count_, &lost_sum_, &lost_zero_}) *lost /= divisor;
}

bool HistogramSum::Overflows() const {
  return std::isinf(sum_.count) || std::isinf(sum_.sum) || std::isinf(sum_.zero_count) ||
         std::ranges::any_of(sum_.counts, [](double count) { return std::isinf(count); });
}

Histogram HistogramSum::Take() && {
  if (compensated_) {
    sum_.count += lost_count_;
    sum_.sum += lost_sum_;
    sum_.zero_count += lost_zero_;
    for (std::size_t i = 0; i < lost_.size(); ++i) sum_.counts[i] += lost_[i];
  }
  return std::move(sum_);
}

}  // namespace vedette::promql
