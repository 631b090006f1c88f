// Arithmetic of native histograms, as PromQL defines it.
//
// Two histograms of different layouts are brought together first: to the coarser schema, to a zero bucket that holds
// both of theirs and ends between buckets, or, with bounds of their own, to the bounds that both have. Exponential
// buckets and buckets with own bounds do not go together. Results hold any doubles, negative ones included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/histogram.h"

namespace vedette::promql {

/// Shared: most operators hand a histogram on as it is.
using HistogramPtr = std::shared_ptr<const Histogram>;

/// What an operation met on its way; stays set.
struct HistogramNotes {
  bool collision = false;   // of a counter reset with the statement that there was none
  bool reconciled = false;  // own bounds that differed
};

bool SameKind(const Histogram& a, const Histogram& b);

/// A negative factor makes it a gauge.
void Multiply(Histogram& histogram, double factor);
/// Division by zero leaves no buckets.
void Divide(Histogram& histogram, double divisor);

/// Adds or takes away. False, and `to` is as it was, when they are not of the same kind.
bool Add(Histogram& to, const Histogram& other, HistogramNotes& notes);
bool Subtract(Histogram& from, const Histogram& other, HistogramNotes& notes);

/// A copy in the coarser `schema`, which knows nothing of resets.
Histogram InSchema(const Histogram& histogram, int schema);
/// Without buckets of its schema: count, sum and what it is.
Histogram WithoutBuckets(const Histogram& histogram);

/// Equal numbers, bit by bit, whatever empty buckets they name and whatever they say of resets.
bool EqualHistograms(const Histogram& a, const Histogram& b);

/// Whether the counter behind them began anew: a count fell, a bucket vanished, or it became finer; or the later one
/// says so.
bool HasReset(const Histogram& now, const Histogram& before);

struct TimedHistogram {
  std::int64_t time = 0;
  const Histogram& histogram;
};
/// The histogram on the line between two others at `time`, which is not outside of theirs; that of a counter that was
/// reset between them rises from zero. Nothing when they are not of one kind.
std::optional<Histogram> Interpolate(const TimedHistogram& from, const TimedHistogram& to, std::int64_t time,
                                     bool counter, HistogramNotes& subtracted, HistogramNotes& added);

/// Keeps the observations below `bound` (or above), estimated within a bucket; sum and count follow from the buckets.
enum class TrimEnd { kUpper, kLower };
void Trim(Histogram& histogram, double bound, TrimEnd end);

/// How many float samples weigh as much: memory is counted in them.
std::size_t SampleWeight(const Histogram& histogram);

/// A histogram to which others are added, with what rounding lost on the way (Neumaier) in every bucket.
class HistogramSum {
 public:
  /// Nothing is kept of lost parts when not `compensated`.
  explicit HistogramSum(Histogram first, bool compensated = true);

  /// `sign`: 1 adds, -1 takes away. False as in promql::Add().
  bool Add(const Histogram& other, double sign, HistogramNotes& notes);
  void Multiply(double factor);
  void Divide(double divisor);

  /// Some number of it is infinite.
  bool Overflows() const;
  /// The sum and the lost parts together.
  Histogram Take() &&;

 private:
  bool AddSameLayout(const Histogram& other, double sign);
  void AddOtherLayout(const Histogram& other, double sign, HistogramNotes& notes);

  Histogram sum_;
  bool compensated_;
  std::vector<double> lost_;  // like sum_.counts, empty when not compensated
  double lost_count_ = 0, lost_sum_ = 0, lost_zero_ = 0;
};

}  // namespace vedette::promql
