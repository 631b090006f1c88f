// Quantiles and fractions of classic histograms: cumulative counts by upper bound.
#pragma once

#include <optional>
#include <vector>

#include "analytics/promql/annotations.h"

namespace vedette::promql {

struct Bucket {
  double upper_bound = 0;  // the value of `le`
  double count = 0;        // observations at or below it
};

/// Value below which the fraction `quantile` of the observations lies, linear within a bucket.
/// `buckets`: any order, changed by the call: sorted, equal bounds merged, differences below 1e-12 (relative)
/// flattened, real decreases raised to the largest count so far; of the latter `fix` tells. NaN without a +Inf bucket,
/// with fewer than two buckets, without observations; infinite for a quantile outside [0, 1]. The top bucket answers
/// with the bound below it; the lowest one starts at 0 when its bound is above that.
double BucketQuantile(double quantile, std::vector<Bucket>& buckets, std::optional<MonotonicityFix>& fix);

/// Fraction of the observations between `lower` and `upper`, linear within a bucket. NaN as above, and for NaN bounds.
double BucketFraction(double lower, double upper, std::vector<Bucket>& buckets);

}  // namespace vedette::promql
