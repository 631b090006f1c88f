// The trim operators: observations beyond a bound are taken out of a native histogram.
//
// Within the bucket that the bound cuts, observations are spread as quantiles assume it. The new sum is made of the
// middles of what is left of the buckets: the arithmetic one of own bounds and the zero bucket, else the geometric one.
#include <algorithm>
#include <cmath>
#include <span>

#include "analytics/promql/histogram_math.h"
#include "analytics/promql/histogram_parts.h"
#include "analytics/promql/histogram_stats.h"
#include "core/histogram_buckets.h"

namespace vedette::promql {

namespace {

/// What is left of one bucket.
struct Remains {
  double count = 0, middle = 0;
};

class Trimming {
 public:
  Trimming(Histogram& histogram, double bound, TrimEnd end)
      : histogram_(histogram), layout_(*histogram.layout), bound_(bound), upper_(end == TrimEnd::kUpper) {}

  void Run() {
    const std::span<double> counts = histogram_.counts;
    const bool any_positive = TrimSide(BucketSide::kPositive, layout_.positive, counts);
    const bool any_negative =
        TrimSide(BucketSide::kNegative, layout_.negative, counts.subspan(layout_.positive.size()));
    if (histogram_.zero_count > 0) {
      Replace(histogram_.zero_count, OfZeroBucket(any_negative, any_positive));
    }
    if (!trimmed_) return;  // then count and sum stay what they were
    histogram_.integers = false;
    histogram_.count = count_;
    histogram_.sum = sum_;
  }

 private:
  bool TrimSide(BucketSide side, const std::vector<std::int32_t>& numbers, std::span<double> counts) {
    bool any = false;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (counts[i] == 0) continue;
      any = true;
      Replace(counts[i], OfBucket(BucketAt(layout_, side, numbers[i], counts[i]), side == BucketSide::kPositive));
    }
    return any;
  }

  void Replace(double& count, const Remains& remains) {
    trimmed_ = trimmed_ || count != remains.count;
    count = remains.count;
    count_ += remains.count;
    sum_ += remains.middle * remains.count;
  }

  Remains OfBucket(const HistogramBucket& bucket, bool positive) const {
    const bool all = upper_ ? bucket.upper <= bound_ : bucket.lower >= bound_;
    if (all) return {bucket.count, Middle(bucket.lower, bucket.upper, positive)};
    const bool some = upper_ ? bucket.lower < bound_ : bucket.upper > bound_;
    if (!some) return {};
    if (std::isinf(bucket.lower)) return OfLowestBucket(bucket);
    // Of a bucket without an upper end nobody knows how it is filled: nothing of it lies surely below the bound.
    if (std::isinf(bucket.upper)) return upper_ || bound_ < bucket.lower ? Remains{} : Remains{bucket.count, bound_};
    const double below = bucket.count * FractionBelow(bucket, bound_, layout_.custom());
    if (upper_) return {below, Middle(bucket.lower, bound_, positive)};
    return {bucket.count - below, Middle(bound_, bucket.upper, positive)};
  }

  /// The bucket from -Inf on: with a positive end it is taken to begin at zero.
  Remains OfLowestBucket(const HistogramBucket& bucket) const {
    const bool ends = !std::isinf(bucket.upper);
    if (upper_) {
      if (bound_ >= bucket.upper) return {bucket.count, 0};
      if (bound_ > 0 && bucket.upper > 0 && ends) return {bucket.count * bound_ / bucket.upper, bound_ / 2};
      return bucket.upper <= 0 ? Remains{bucket.count, bound_} : Remains{};
    }
    if (bound_ >= 0 && bucket.upper > bound_ && ends) {
      return {bucket.count * (1 - bound_ / bucket.upper), (bound_ + bucket.upper) / 2};
    }
    return bound_ <= bucket.lower ? Remains{bucket.count, 0} : Remains{};
  }

  /// Of a histogram with observations of one sign only the zero bucket has none of the other sign either.
  Remains OfZeroBucket(bool any_negative, bool any_positive) const {
    const HistogramBucket bucket = ZeroBucket(histogram_);
    const double lower = any_positive && !any_negative ? 0 : bucket.lower;
    const double upper = any_negative && !any_positive ? 0 : bucket.upper;
    const Remains everything{bucket.count, (lower + upper) / 2};
    if (bound_ <= lower) return upper_ ? Remains{} : everything;
    if (bound_ >= upper) return upper_ ? everything : Remains{};
    if (upper_) return {bucket.count * ((bound_ - lower) / (upper - lower)), (lower + bound_) / 2};
    return {bucket.count * ((upper - bound_) / (upper - lower)), (bound_ + upper) / 2};
  }

  double Middle(double lower, double upper, bool positive) const {
    if (std::isinf(lower)) return std::isinf(upper) ? 0 : upper > 0 ? upper / 2 : upper;
    if (std::isinf(upper)) return lower;
    if (layout_.custom()) return (lower + upper) / 2;
    const double mean = std::sqrt(std::fabs(lower * upper));
    return positive ? mean : -mean;
  }

  Histogram& histogram_;
  const HistogramLayout& layout_;
  double bound_;
  bool upper_;
  bool trimmed_ = false;
  double count_ = 0, sum_ = 0;
};

}  // namespace

void Trim(Histogram& histogram, double bound, TrimEnd end) {
  const auto layout = histogram.layout;  // lives as long as the work
  Trimming(histogram, bound, end).Run();
}

}  // namespace vedette::promql
