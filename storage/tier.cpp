#include "storage/tier.h"

#include <cassert>
#include <cmath>

#include "core/numbers.h"

namespace vedette::storage {
namespace {

/// Neumaier's: the sum of a bucket does not depend on how large its terms are.
class CompensatedSum {
 public:
  void Add(double value) {
    const double sum = sum_ + value;
    if (std::isinf(sum)) {
      rest_ = 0;
    } else {
      rest_ += std::fabs(sum_) >= std::fabs(value) ? (sum_ - sum) + value : (value - sum) + sum_;
    }
    sum_ = sum;
  }
  double value() const { return sum_ + rest_; }

 private:
  double sum_ = 0, rest_ = 0;
};

/// NaN only when both are.
double Lower(double a, double b) { return std::isnan(a) || b < a ? b : a; }
double Higher(double a, double b) { return std::isnan(a) || b > a ? b : a; }

}  // namespace

TimeMs BucketEnd(TimeMs time, Millis step) {
  const std::int64_t into = time.ms % step.count();
  if (into == 0) return time;
  return TimeMs(time.ms - into + (into > 0 ? step.count() : 0));
}

TierBucket Combine(const TierBucket& a, const TierBucket& b) {
  if (b.count == 0) {
    TierBucket out = a;
    out.end = b.end;
    out.ends_stale = b.ends_stale || a.ends_stale;
    return out;
  }
  if (a.count == 0) return b;
  TierBucket out = b;
  out.count += a.count;
  out.resets += a.resets;
  out.lost = a.lost;
  if (b.first < a.last) {
    ++out.resets;
    out.lost += a.last;
  }
  out.lost += b.lost;
  out.first = a.first;
  out.first_time = a.first_time;
  out.min = Lower(a.min, b.min);
  out.max = Higher(a.max, b.max);
  out.sum = a.sum + b.sum;
  return out;
}

void DownSample(std::span<const std::int64_t> times, std::span<const double> values, Millis step,
                std::vector<TierBucket>& out) {
  assert(times.size() == values.size());
  for (std::size_t i = 0; i < times.size();) {
    TierBucket bucket;
    bucket.end = BucketEnd(TimeMs(times[i]), step);
    CompensatedSum sum;
    for (; i < times.size() && times[i] <= bucket.end.ms; ++i) {
      const double value = values[i];
      bucket.ends_stale = IsStaleNan(value);
      if (bucket.ends_stale) continue;
      if (bucket.count == 0) {
        bucket.first = bucket.min = bucket.max = value;
        bucket.first_time = TimeMs(times[i]);
      } else if (value < bucket.last) {
        ++bucket.resets;
        bucket.lost += bucket.last;
      }
      ++bucket.count;
      bucket.min = Lower(bucket.min, value);
      bucket.max = Higher(bucket.max, value);
      bucket.last = value;
      bucket.last_time = TimeMs(times[i]);
      sum.Add(value);
    }
    bucket.sum = sum.value();
    out.push_back(bucket);
  }
}

void AppendBuckets(std::span<const TierBucket> more, std::vector<TierBucket>& out) {
  for (const TierBucket& bucket : more) {
    if (!out.empty() && out.back().end == bucket.end) {
      out.back() = Combine(out.back(), bucket);
    } else {
      out.push_back(bucket);
    }
  }
}

}  // namespace vedette::storage
