// A native histogram as a value: counts of observations in buckets whose bounds follow from a schema.
//
// Schemas -4 to 8: the positive bucket number i holds observations from base^(i-1) (not included) to base^i with base =
// 2^(2^-schema), the negative ones mirror it, and what lies within the zero threshold is in the zero bucket. Schema -53
// has bounds of its own: bucket i ends at bounds[i], the one behind the last at +Inf; all are positive buckets.
//
// Which buckets there are is the layout, shared by neighbouring samples of a series: two histograms of one layout are
// added by adding arrays. A bucket that holds nothing may be named or not; that makes no difference anywhere.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/result.h"

namespace vedette {

struct HistogramLayout {
  static constexpr int kLowestSchema = -4, kHighestSchema = 8, kCustomSchema = -53;

  int schema = 0;
  double zero_threshold = 0;
  std::vector<double> bounds;                    // upper ones, ascending; of kCustomSchema only
  std::vector<std::int32_t> positive, negative;  // numbers of the buckets, ascending

  bool custom() const { return schema == kCustomSchema; }
  std::size_t buckets() const { return positive.size() + negative.size(); }
  bool operator==(const HistogramLayout&) const = default;
};

/// What the sender says about the step from the sample before. Stored; the numbers are those of remote write.
enum class CounterReset : std::uint8_t { kUnknown = 0, kReset = 1, kNotReset = 2, kGauge = 3 };

struct Histogram {
  /// Never null in a valid histogram.
  std::shared_ptr<const HistogramLayout> layout;
  /// All counts are whole numbers: it came as an integer histogram. Otherwise any doubles.
  bool integers = false;
  CounterReset reset = CounterReset::kUnknown;
  double count = 0;  // of all observations; above the sum of the buckets when some were NaN
  double sum = 0;
  double zero_count = 0;
  std::vector<double> counts;  // of the positive buckets, then of the negative ones
};

/// Of both signs together. More is refused.
inline constexpr std::size_t kMaxHistogramBuckets = 1 << 14;
/// Of any schema the numbers lie well within this: 8 has 2^8 buckets per power of two.
inline constexpr std::int32_t kMaxBucketNumber = 1 << 20;
/// Counts of integer histograms are doubles: beyond this they would not be exact.
inline constexpr double kMaxHistogramCount = 9007199254740992.0;  // 2^53

/// Errors: kBadData naming what is wrong.
Status ValidateHistogram(const Histogram& histogram);

/// The staleness marker of a histogram series: its sum is StaleNan(). A marker that came as a float does as well.
Histogram StaleHistogram();
bool IsStaleHistogram(const Histogram& histogram);

/// The same but for empty buckets and where they are named; numbers are compared bit by bit.
bool SameHistogram(const Histogram& a, const Histogram& b);
/// A total order of what SameHistogram() tells apart, by values alone: markers first, then by count, sum and so on.
std::strong_ordering CompareHistograms(const Histogram& a, const Histogram& b);

/// Buckets as protobuf and remote write name them: `offset` from the end of the span before (of the first: its number).
struct BucketSpan {
  std::int32_t offset = 0;
  std::uint32_t length = 0;
  bool operator==(const BucketSpan&) const = default;
};
/// Appends the numbers that the spans name. Errors: kBadData when they overlap, are too far out or too many.
Status AppendSpans(std::span<const BucketSpan> spans, std::vector<std::int32_t>& numbers);
std::vector<BucketSpan> SpansOf(std::span<const std::int32_t> numbers);

}  // namespace vedette
