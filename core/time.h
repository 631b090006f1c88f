// Points in time and spans, as Prometheus counts them: whole milliseconds since 1970-01-01 UTC.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "core/result.h"

namespace vedette {

using Millis = std::chrono::milliseconds;

/// A point in time: Unix milliseconds, any sign. Strongly typed so that it is never mixed up with a span or seconds.
struct TimeMs {
  std::int64_t ms = 0;

  constexpr TimeMs() = default;
  constexpr explicit TimeMs(std::int64_t unix_ms) : ms(unix_ms) {}

  static constexpr TimeMs Min() { return TimeMs(std::numeric_limits<std::int64_t>::min()); }
  static constexpr TimeMs Max() { return TimeMs(std::numeric_limits<std::int64_t>::max()); }
  static constexpr TimeMs FromSeconds(std::int64_t s) { return TimeMs(s * 1000); }

  constexpr auto operator<=>(const TimeMs&) const = default;
  constexpr TimeMs operator+(Millis span) const { return TimeMs(ms + span.count()); }
  constexpr TimeMs operator-(Millis span) const { return TimeMs(ms - span.count()); }
  constexpr Millis operator-(TimeMs other) const { return Millis(ms - other.ms); }
  constexpr TimeMs& operator+=(Millis span) { return ms += span.count(), *this; }
  constexpr TimeMs& operator-=(Millis span) { return ms -= span.count(), *this; }

  constexpr double Seconds() const { return static_cast<double>(ms) / 1000.0; }
};

/// Both ends belong to the range.
struct TimeRange {
  TimeMs min = TimeMs::Min();
  TimeMs max = TimeMs::Max();

  constexpr bool Contains(TimeMs t) const { return min <= t && t <= max; }
  constexpr bool Overlaps(const TimeRange& other) const { return min <= other.max && other.min <= max; }
  constexpr bool operator==(const TimeRange&) const = default;
};

/// A duration in Prometheus' notation: "1h30m", "5m", "0", "1d", units y w d h m s ms in this order, each once.
/// Errors: kBadData names the text. "-5m" is refused unless `allow_negative`.
Result<Millis> ParseDuration(std::string_view text, bool allow_negative = false);

/// The shortest text that ParseDuration reads back, as Prometheus prints it: 90 s -> "1m30s", 0 -> "0s",
/// 25 h -> "1d1h", 90 d -> "90d".
std::string FormatDuration(Millis span);

/// A time parameter of the HTTP API: float Unix seconds (rounded to ms, clamped to the representable range) or RFC
/// 3339.
Result<TimeMs> ParseTime(std::string_view text);

/// "2026-11-21T02:40:00.123Z"; the fraction is left out when it is zero.
std::string FormatRfc3339(TimeMs time);

/// Unix seconds as the API writes them: "1435781451.781", no fraction when it is zero.
void AppendUnixSeconds(std::string& out, TimeMs time);

/// Broken-down UTC time of a point in time; works for any year in the proleptic Gregorian calendar.
struct CivilTime {
  std::int64_t year = 1970;
  int month = 1, day = 1;  // 1-based
  int hour = 0, minute = 0, second = 0, millisecond = 0;
  int weekday = 4;   // 0 = Sunday
  int year_day = 1;  // 1-based
};
CivilTime ToCivil(TimeMs time);
TimeMs FromCivil(const CivilTime& civil);
int DaysInMonth(std::int64_t year, int month);

}  // namespace vedette

template <>
struct fmt::formatter<vedette::TimeMs> : fmt::formatter<std::string> {
  template <class Context>
  auto format(vedette::TimeMs time, Context& context) const {
    return fmt::formatter<std::string>::format(vedette::FormatRfc3339(time), context);
  }
};
