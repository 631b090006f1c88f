// When does a quantity reach its limit? A robust straight line through the recent past, and the errors that such lines
// made in the same past as the interval.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/time.h"

namespace vedette::analytics {

struct ExhaustionOptions {
  /// Less history than this allows no statement: two days show a daily wave twice.
  Millis min_history = std::chrono::hours(48);
  /// A crossing further ahead than this is "not filling": lines are not worth more than that.
  Millis max_ahead = std::chrono::hours(24 * 365);
};

enum class Outlook : std::uint8_t {
  kFull,        // at or beyond the limit now
  kFilling,     // will cross within max_ahead
  kNotFilling,  // flat, falling, or crossing later than max_ahead
  kUnknown,     // the history does not say; `reason` tells why
};
/// "full", "filling", "not filling", "unknown".
std::string_view OutlookName(Outlook outlook);

struct Exhaustion {
  Outlook outlook = Outlook::kUnknown;
  /// Ten, fifty and ninety per cent of the cases are full by then; nothing: later than max_ahead, or never.
  std::optional<TimeMs> p10, p50, p90;
  double slope_per_day = 0;  // in the unit of the values; 0 when unknown
  std::string reason;        // one sentence for people
};

/// Shapes  times, values: the same length, times strictly ascending; unevenly spaced is fine.
/// Units   times in Unix ms; values and limit in the same unit. The limit is reached from below.
/// NaN     samples that are not finite are left out.
/// Errors  none: what cannot be said is Outlook::kUnknown with the reason.
/// Cost    O(n log n) time with at most 400 points kept for the slope, O(n) memory.
/// Source  slope: Theil (1950), Sen (1968), the median of the slopes of all pairs; interval: quantiles of the relative
///         errors that the same line made from earlier origins of the same history.
Exhaustion EstimateExhaustion(std::span<const std::int64_t> times, std::span<const double> values, double limit,
                              TimeMs now, const ExhaustionOptions& options = {});

}  // namespace vedette::analytics
