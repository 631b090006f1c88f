// What the ways of computing a rate share: extrapolation, and counters that say when they began.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "analytics/promql/window.h"

namespace vedette::promql {

/// The samples of one window, as far as extrapolation is concerned.
struct RateSpan {
  std::int64_t first_time = 0, last_time = 0;
  std::size_t samples = 0;
  double first = 0, increase = 0;  // of a histogram: its count of observations
  bool counter = false;
  /// The counter is known to have been zero then, within the range and before the first sample; 0: it is not known.
  std::int64_t start = 0;
};

/// How much longer than what the samples cover the range is, as a factor. A gap to an end counts as covered when it is
/// below 1.1 times the mean spacing, else half a spacing is added; a counter is not extrapolated below zero.
inline double ExtrapolationFactor(const RangeShape& range, std::int64_t at, const RateSpan& span) {
  constexpr double kThreshold = 1.1;
  double to_start = static_cast<double>(span.first_time - range.Start(at)) / 1000.0;
  double to_end = static_cast<double>(range.End(at) - span.last_time) / 1000.0;
  double sampled = static_cast<double>(span.last_time - span.first_time) / 1000.0;
  const double spacing = span.samples > 1 ? sampled / static_cast<double>(span.samples - 1) : 0;

  if (span.start != 0) {
    to_start = 0;
    sampled = static_cast<double>(span.last_time - span.start) / 1000.0;
  } else {
    if (to_start >= spacing * kThreshold) to_start = spacing / 2;
    if (span.counter) {
      const double to_zero = span.increase > 0 && span.first >= 0 ? sampled * (span.first / span.increase) : to_start;
      to_start = std::min(to_start, to_zero);
    }
  }
  if (to_end >= spacing * kThreshold) to_end = spacing / 2;
  return (sampled + to_start + to_end) / sampled;
}

/// A sample and when its counter began, 0 where that is not known.
struct StartedSample {
  std::int64_t time = 0, start = 0;
};

/// The later sample's counter began after the earlier sample: a reset, whatever the values say. One that began with it
/// is new as well (deltas), unless the earlier sample does not know its own beginning.
inline bool BeganAnew(const StartedSample& before, const StartedSample& now) {
  if (now.start == 0 || now.start >= now.time || now.start < before.time) return false;
  if (now.start > before.time) return true;
  return before.start != 0 && before.start < before.time;
}

/// The beginnings of two samples contradict each other.
inline bool StartsOverlap(const StartedSample& before, const StartedSample& now) {
  return now.start != 0 && now.start < before.time && now.start != before.start;
}

/// The beginning of the first sample's counter when it lies within the range and before it, else 0.
inline std::int64_t StartWithin(const RangeShape& range, std::int64_t at, const StartedSample& first) {
  return first.start != 0 && first.start > range.Start(at) && first.start < first.time ? first.start : 0;
}

}  // namespace vedette::promql
