// Where the buckets of a native histogram lie: for quantiles, the API's JSON, and people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/histogram.h"

namespace vedette {

struct HistogramBucket {
  double lower = 0, upper = 0;
  bool lower_inclusive = false, upper_inclusive = false;
  double count = 0;

  /// The zero bucket, or one that touches it.
  bool ContainsZero() const { return lower <= 0 && upper >= 0; }
};

/// End of bucket `number` that is farther from zero, without its sign; bucket number - 1 has the other end. Exponential
/// schemas: the same digits as Prometheus', the largest double where the formula gives 2^1024. Own bounds: -Inf and
/// +Inf outside of them.
double BucketEnd(const HistogramLayout& layout, std::int32_t number);

enum class BucketSide { kPositive, kNegative };
HistogramBucket BucketAt(const HistogramLayout& layout, BucketSide side, std::int32_t number, double count);
/// Not for own bounds.
HistogramBucket ZeroBucket(const Histogram& histogram);

/// Appends the buckets that hold something, ascending. Where one overlaps the zero bucket it ends at that one's bound.
void AppendFilledBuckets(const Histogram& histogram, std::vector<HistogramBucket>& out);

/// "{count:3, sum:4.5, [-0.001,0.001]:1, (1,2]:2}", as Prometheus prints it.
std::string FormatHistogram(const Histogram& histogram);

}  // namespace vedette
