// Down-sampled series: what the samples of each stretch of five minutes or an hour come to.
//
// A bucket is left-open: (end - step, end], with `end` a multiple of the step, as PromQL's ranges are. A range whose
// ends are multiples of the step is therefore made of whole buckets, and count, min, max, sum, first, last, increase,
// resets and the times that extrapolation needs come out as from the samples themselves. Staleness markers are not
// counted; native histograms are not down-sampled.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/time.h"

namespace vedette::storage {

/// One resolution that is kept, and for how long; zero: for ever.
struct TierOptions {
  Millis step{0};
  Millis keep{0};
};

struct TierBucket {
  TimeMs end;
  std::uint32_t count = 0;   // of samples but for markers; with 0 the other numbers mean nothing
  std::uint32_t resets = 0;  // samples below the one before, within the bucket
  TimeMs first_time, last_time;
  double first = 0, last = 0;
  double min = 0, max = 0;  // of numbers; NaN when there are none
  double sum = 0;
  double lost = 0;  // sum of the samples just before each reset: as a counter it grew by last - first + lost
  /// The newest sample is a staleness marker: an instant selector that looks here finds nothing.
  bool ends_stale = false;

  bool operator==(const TierBucket&) const = default;
};

/// What a bucket of both comes to; `b` has the later samples. The ends may differ: that of `b` is kept.
TierBucket Combine(const TierBucket& a, const TierBucket& b);

/// Appends the buckets of the samples, which are in order. Shapes: times and values of the same length.
void DownSample(std::span<const std::int64_t> times, std::span<const double> values, Millis step,
                std::vector<TierBucket>& out);

/// Appends `more`, whose ends ascend from that of the last bucket on: one that is there already is combined.
void AppendBuckets(std::span<const TierBucket> more, std::vector<TierBucket>& out);

/// The end of the bucket that `time` belongs to.
TimeMs BucketEnd(TimeMs time, Millis step);

}  // namespace vedette::storage
