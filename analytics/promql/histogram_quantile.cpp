// Interpolation in classic histograms.
#include "analytics/promql/histogram_quantile.h"

#include <algorithm>
#include <cmath>

#include "analytics/promql/eval_numerics.h"

namespace vedette::promql {

namespace {

/// Relative differences below this come from floating-point sums, not from observations.
constexpr double kSmallDifference = 1e-12;

bool NearlyEqual(double a, double b) {
  if (a == b) return true;
  const double magnitude = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  constexpr double kSmallestNormal = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || magnitude < kSmallestNormal) return difference < kSmallDifference * kSmallestNormal;
  return difference / std::min(magnitude, std::numeric_limits<double>::max()) < kSmallDifference;
}

/// Ascending by bound, each bound once. False when the +Inf bucket is missing.
bool Normalise(std::vector<Bucket>& buckets) {
  if (buckets.empty()) return false;
  std::ranges::stable_sort(buckets, {}, &Bucket::upper_bound);
  if (buckets.back().upper_bound != kInfinity) return false;
  std::size_t last = 0;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[last].upper_bound) {
      buckets[last].count += buckets[i].count;
    } else {
      buckets[++last] = buckets[i];
    }
  }
  buckets.resize(last + 1);
  return true;
}

std::optional<MonotonicityFix> ForceMonotonic(std::vector<Bucket>& buckets) {
  std::optional<MonotonicityFix> fix;
  double before = buckets.front().count;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    Bucket& bucket = buckets[i];
    const double count = bucket.count;
    if (NearlyEqual(before, count)) {
      bucket.count = before;
    } else if (count < before) {
      bucket.count = before;
      if (!fix) fix = MonotonicityFix{bucket.upper_bound, bucket.upper_bound, 0};
      fix->max_bucket = bucket.upper_bound;
      fix->max_difference = std::max(fix->max_difference, before - count);
    } else {
      before = count;
    }
  }
  return fix;
}

}  // namespace

double BucketQuantile(double quantile, std::vector<Bucket>& buckets, std::optional<MonotonicityFix>& fix) {
  if (std::isnan(quantile)) return kNaN;
  if (quantile < 0) return -kInfinity;
  if (quantile > 1) return kInfinity;
  if (!Normalise(buckets)) return kNaN;
  fix = ForceMonotonic(buckets);
  if (buckets.size() < 2 || buckets.back().count == 0) return kNaN;

  double rank = quantile * buckets.back().count;
  const auto top = buckets.end() - 1;
  const auto bucket = std::find_if(buckets.begin(), top, [rank](const Bucket& b) { return b.count >= rank; });
  if (bucket == top) return (top - 1)->upper_bound;
  if (bucket == buckets.begin() && bucket->upper_bound <= 0) return bucket->upper_bound;

  double start = 0, count = bucket->count;
  if (bucket != buckets.begin()) {
    start = (bucket - 1)->upper_bound;
    count -= (bucket - 1)->count;
    rank -= (bucket - 1)->count;
  }
  return start + (bucket->upper_bound - start) * (rank / count);
}

double BucketFraction(double lower, double upper, std::vector<Bucket>& buckets) {
  if (!Normalise(buckets)) return kNaN;
  const double all = buckets.back().count;
  if (all == 0 || std::isnan(lower) || std::isnan(upper)) return kNaN;
  if (lower >= upper) return 0;

  // Observations below `value`; those of a bucket without a lower or an upper end cannot be divided.
  const auto below = [&](double value) {
    double from = buckets.front().upper_bound <= 0 ? -kInfinity : 0, counted = 0;
    for (const Bucket& bucket : buckets) {
      if (from >= value) return std::min(counted, all);
      if (bucket.upper_bound > value) {
        if (from == -kInfinity) return std::min(bucket.count, all);
        const double share = (value - from) / (bucket.upper_bound - from);
        return std::min(counted + (bucket.count - counted) * share, all);
      }
      from = bucket.upper_bound;
      counted = bucket.count;
    }
    return all;
  };
  return (below(upper) - below(lower)) / all;
}

}  // namespace vedette::promql
