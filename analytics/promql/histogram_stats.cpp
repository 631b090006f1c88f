// Interpolation in native histograms.
#include "analytics/promql/histogram_stats.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "analytics/promql/eval_numerics.h"

namespace vedette::promql {

namespace {

std::vector<HistogramBucket> BucketsOf(const Histogram& histogram) {
  std::vector<HistogramBucket> buckets;
  AppendFilledBuckets(histogram, buckets);
  return buckets;
}

/// Cuts off the half of the zero bucket whose sign no other bucket has.
class ZeroBucketEnds {
 public:
  explicit ZeroBucketEnds(const Histogram& histogram) {
    const auto filled = [](double count) { return count != 0; };
    const auto negative = histogram.counts.begin() + static_cast<std::ptrdiff_t>(histogram.layout->positive.size());
    any_positive_ = std::any_of(histogram.counts.begin(), negative, filled);
    any_negative_ = std::any_of(negative, histogram.counts.end(), filled);
  }
  void Apply(HistogramBucket& bucket) const {
    if (any_positive_ && !any_negative_) bucket.lower = 0;
    if (any_negative_ && !any_positive_) bucket.upper = 0;
  }

 private:
  bool any_positive_ = false, any_negative_ = false;
};

double SumOfCounts(const std::vector<HistogramBucket>& buckets) {
  double sum = 0;
  for (const HistogramBucket& bucket : buckets) sum += bucket.count;
  return sum;
}

/// The bucket that a rank falls into, counted from below, or from above.
struct Ranked {
  HistogramBucket bucket;
  double counted = 0;  // up to and with the bucket
  std::size_t at = 0;  // counted from the side where the search began
};
Ranked FindRank(const std::vector<HistogramBucket>& buckets, double rank, bool from_below) {
  Ranked found;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    found.bucket = buckets[from_below ? i : buckets.size() - 1 - i];
    found.counted += found.bucket.count;
    found.at = i;
    if (found.counted >= rank) break;
  }
  return found;
}

double Interpolated(const HistogramBucket& bucket, double fraction, bool custom) {
  if (custom || bucket.ContainsZero()) return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  const double lower = std::log2(std::fabs(bucket.lower)), upper = std::log2(std::fabs(bucket.upper));
  if (bucket.lower > 0) return std::exp2(lower + (upper - lower) * fraction);
  return -std::exp2(upper + (lower - upper) * (1 - fraction));
}

}  // namespace

double FractionBelow(const HistogramBucket& bucket, double value, bool linear) {
  if (linear) return (value - bucket.lower) / (bucket.upper - bucket.lower);
  const double lower = std::log2(std::fabs(bucket.lower)), upper = std::log2(std::fabs(bucket.upper));
  const double at = std::log2(std::fabs(value));
  return value > 0 ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
}

double NativeQuantile(double quantile, const Histogram& histogram, NanObservations& nans) {
  nans = NanObservations::kNone;
  if (quantile < 0) return -kInfinity;
  if (quantile > 1) return kInfinity;
  if (histogram.count == 0 || std::isnan(quantile)) return kNaN;

  const bool custom = histogram.layout->custom();
  // NaN observations count as the largest ones, so that with them only counting from below is right.
  const bool maybe_nans = std::isnan(histogram.sum);
  constexpr double kMiddle = 0.5;
  const bool from_below = maybe_nans || quantile < kMiddle;
  double rank = (from_below ? quantile : 1 - quantile) * histogram.count;
  const std::vector<HistogramBucket> buckets = BucketsOf(histogram);
  Ranked found = FindRank(buckets, rank, from_below);
  HistogramBucket& bucket = found.bucket;
  if (custom) {
    if (bucket.lower == -kInfinity) {
      if (bucket.upper <= 0) return bucket.upper;
      bucket.lower = 0;
    } else if (bucket.upper == kInfinity) {
      return bucket.lower;
    }
  } else if (bucket.lower < 0 && bucket.upper > 0) {
    ZeroBucketEnds(histogram).Apply(bucket);
  }

  const double counted = std::min(found.counted, histogram.count);  // sums of floats may exceed the count
  if (counted < rank) {
    if (!maybe_nans) return bucket.upper;
    nans = NanObservations::kResultIsNan;
    return kNaN;
  }
  rank = from_below ? rank - (counted - bucket.count) : counted - rank;
  if (maybe_nans) {
    double all = counted;
    for (std::size_t i = found.at + 1; i < buckets.size(); ++i) all += buckets[i].count;
    if (all < histogram.count) nans = NanObservations::kSkewed;
    // To find that out Prometheus goes on to the last bucket, and then interpolates in that one.
    if (found.at + 1 < buckets.size()) bucket = buckets.back();
  }
  return Interpolated(bucket, rank / bucket.count, custom);
}

double NativeFraction(double lower, double upper, const Histogram& histogram, NanObservations& nans) {
  nans = NanObservations::kNone;
  if (histogram.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNaN;
  if (lower >= upper) return 0;

  const bool custom = histogram.layout->custom();
  const ZeroBucketEnds zero_ends(histogram);
  std::vector<HistogramBucket> buckets = BucketsOf(histogram);
  for (HistogramBucket& bucket : buckets) {
    if (bucket.ContainsZero()) zero_ends.Apply(bucket);  // also the lowest one with a bound of its own
  }
  double all = histogram.count;
  if (std::isnan(histogram.sum)) {
    all = SumOfCounts(buckets);
    if (all < histogram.count) nans = NanObservations::kSkewed;
  }
  const auto below = [&](double value) {
    double rank = 0;
    for (const HistogramBucket& bucket : buckets) {
      if (bucket.lower >= value) return std::min(rank, all);
      if (bucket.upper > value) {
        // A bucket without a lower end cannot be divided; of one without an upper end nothing lies below the value.
        if (bucket.lower == -kInfinity) return std::min(bucket.count, all);
        const bool linear = custom || bucket.ContainsZero();
        return std::min(rank + bucket.count * FractionBelow(bucket, value, linear), all);
      }
      rank += bucket.count;
    }
    return all;
  };
  return (below(upper) - below(lower)) / histogram.count;
}

double NativeVariance(const Histogram& histogram) {
  const double mean = histogram.sum / histogram.count;
  CompensatedSum squares;
  for (const HistogramBucket& bucket : BucketsOf(histogram)) {
    double middle = 0;
    if (histogram.layout->custom()) {
      middle = (bucket.upper + bucket.lower) / 2;
    } else if (!bucket.ContainsZero()) {
      middle = std::sqrt(bucket.upper * bucket.lower);
      if (bucket.upper < 0) middle = -middle;
    }
    const double delta = middle - mean;
    squares.Add(bucket.count * delta * delta);
  }
  return (squares.sum + squares.lost) / histogram.count;
}

}  // namespace vedette::promql
