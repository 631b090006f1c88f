#include "core/time.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "core/numbers.h"

namespace vedette {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<Unit, 7> kUnits = {{{"y", 365LL * 24 * 3600 * 1000},
                                         {"w", 7LL * 24 * 3600 * 1000},
                                         {"d", 24LL * 3600 * 1000},
                                         {"h", 3600LL * 1000},
                                         {"m", 60LL * 1000},
                                         {"s", 1000},
                                         {"ms", 1}}};

Error NotADuration(std::string_view text) { return Fail(Code::kBadData, "not a valid duration string: \"{}\"", text); }

/// Reads exactly `digits` digits at the front of `text`.
bool TakeNumber(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits) return false;
  out = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Fraction of a second, any number of digits, cut to milliseconds.
bool TakeFraction(std::string_view& text, int& ms) {
  ms = 0;
  if (!TakeChar(text, '.')) return true;
  if (text.empty() || !IsDigit(text.front())) return false;
  int scale = 100;
  while (!text.empty() && IsDigit(text.front())) {
    ms += scale * (text.front() - '0');
    scale /= 10;
    text.remove_prefix(1);
  }
  return true;
}

bool TakeZone(std::string_view& text, int& offset_minutes) {
  offset_minutes = 0;
  if (TakeChar(text, 'Z') || TakeChar(text, 'z')) return true;
  const int sign = TakeChar(text, '+') ? 1 : TakeChar(text, '-') ? -1 : 0;
  int hours = 0, minutes = 0;
  if (sign == 0 || !TakeNumber(text, 2, hours) || !TakeChar(text, ':') || !TakeNumber(text, 2, minutes)) return false;
  offset_minutes = sign * (hours * 60 + minutes);
  return hours < 24 && minutes < 60;
}

std::optional<TimeMs> ParseRfc3339(std::string_view text) {
  CivilTime civil;
  int year = 0, zone = 0;
  if (!TakeNumber(text, 4, year) || !TakeChar(text, '-') || !TakeNumber(text, 2, civil.month) || !TakeChar(text, '-') ||
      !TakeNumber(text, 2, civil.day)) {
    return std::nullopt;
  }
  if (!TakeChar(text, 'T') && !TakeChar(text, 't')) return std::nullopt;
  if (!TakeNumber(text, 2, civil.hour) || !TakeChar(text, ':') || !TakeNumber(text, 2, civil.minute) ||
      !TakeChar(text, ':') || !TakeNumber(text, 2, civil.second) || !TakeFraction(text, civil.millisecond) ||
      !TakeZone(text, zone) || !text.empty()) {
    return std::nullopt;
  }
  civil.year = year;
  if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > DaysInMonth(year, civil.month) ||
      civil.hour > 23 || civil.minute > 59 || civil.second > 59) {
    return std::nullopt;
  }
  return FromCivil(civil) - std::chrono::minutes(zone);
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
std::int64_t DaysFromCivil(std::int64_t y, int m, int d) {
  y -= m <= 2 ? 1 : 0;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const auto yoe = static_cast<std::int64_t>(y - era * 400);
  const std::int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  const std::int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

std::int64_t FloorDiv(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Result<Millis> ParseDuration(std::string_view text, bool allow_negative) {
  std::string_view rest = text;
  const bool negative = allow_negative && TakeChar(rest, '-');
  if (rest == "0") return Millis(0);
  if (rest.empty()) return NotADuration(text);
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!rest.empty()) {
    std::int64_t value = 0;
    std::size_t digits = 0;
    while (digits < rest.size() && IsDigit(rest[digits])) {
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, std::int64_t{rest[digits] - '0'}, &value)) {
        return Fail(Code::kBadData, "duration out of range: \"{}\"", text);
      }
      ++digits;
    }
    if (digits == 0) return NotADuration(text);
    rest.remove_prefix(digits);
    std::size_t letters = 0;
    while (letters < rest.size() && !IsDigit(rest[letters])) ++letters;
    const std::string_view name = rest.substr(0, letters);
    if (name.empty()) return NotADuration(text);
    const auto* unit = std::ranges::find(kUnits, name, &Unit::name);
    if (unit == kUnits.end()) return Fail(Code::kBadData, "unknown unit \"{}\" in duration \"{}\"", name, text);
    const auto index = static_cast<std::size_t>(unit - kUnits.begin());
    if (index < next_unit) return NotADuration(text);
    next_unit = index;
    std::int64_t part = 0;
    if (__builtin_mul_overflow(value, kUnits[next_unit].ms, &part) || __builtin_add_overflow(total, part, &total)) {
      return Fail(Code::kBadData, "duration out of range: \"{}\"", text);
    }
    ++next_unit;
    rest.remove_prefix(letters);
  }
  // Go keeps durations in nanoseconds: what does not fit there is refused by Prometheus, too.
  if (total > std::numeric_limits<std::int64_t>::max() / 1'000'000) {
    return Fail(Code::kBadData, "duration out of range: \"{}\"", text);
  }
  return Millis(negative ? -total : total);
}

std::string FormatDuration(Millis span) {
  std::int64_t ms = span.count();
  if (ms == 0) return "0s";
  std::string out;
  if (ms < 0) {
    out.push_back('-');
    ms = -ms;
  }
  for (const Unit& unit : kUnits) {
    // Years and weeks are only used when nothing is left over: 90 days read better than 12w6d.
    const bool exact_only = unit.name == "y" || unit.name == "w";
    if (ms < unit.ms || (exact_only && ms % unit.ms != 0)) continue;
    fmt::format_to(std::back_inserter(out), "{}{}", ms / unit.ms, unit.name);
    ms %= unit.ms;
  }
  return out;
}

Result<TimeMs> ParseTime(std::string_view text) {
  if (const auto seconds = ParseFloat(text); seconds && std::isfinite(*seconds)) {
    constexpr double kLimit = 9.2e18;
    return TimeMs(static_cast<std::int64_t>(std::clamp(std::round(*seconds * 1000.0), -kLimit, kLimit)));
  }
  if (const auto time = ParseRfc3339(text)) return *time;
  return Fail(Code::kBadData, "cannot parse \"{}\" to a valid timestamp", text);
}

std::string FormatRfc3339(TimeMs time) {
  const CivilTime c = ToCivil(time);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second);
  if (c.millisecond != 0) {
    fmt::format_to(std::back_inserter(out), ".{:03}", c.millisecond);
    while (out.back() == '0') out.pop_back();
  }
  out.push_back('Z');
  return out;
}

void AppendUnixSeconds(std::string& out, TimeMs time) {
  // Via the unsigned magnitude, so that the smallest representable time has one as well.
  const bool negative = time.ms < 0;
  const std::uint64_t magnitude =
      negative ? 0 - static_cast<std::uint64_t>(time.ms) : static_cast<std::uint64_t>(time.ms);
  fmt::format_to(std::back_inserter(out), "{}{}", negative ? "-" : "", magnitude / 1000);
  if (magnitude % 1000 != 0) fmt::format_to(std::back_inserter(out), ".{:03}", magnitude % 1000);
}

CivilTime ToCivil(TimeMs time) {
  constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
  const std::int64_t days = FloorDiv(time.ms, kDayMs);
  std::int64_t rest = time.ms - days * kDayMs;
  const std::int64_t z = days + 719468;
  const std::int64_t era = FloorDiv(z, 146097);
  const std::int64_t doe = z - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  CivilTime civil;
  civil.day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  civil.month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  civil.year = yoe + era * 400 + (civil.month <= 2 ? 1 : 0);
  civil.millisecond = static_cast<int>(rest % 1000);
  rest /= 1000;
  civil.second = static_cast<int>(rest % 60);
  civil.minute = static_cast<int>(rest / 60 % 60);
  civil.hour = static_cast<int>(rest / 3600);
  civil.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  civil.year_day = static_cast<int>(days - DaysFromCivil(civil.year, 1, 1) + 1);
  return civil;
}

TimeMs FromCivil(const CivilTime& c) {
  const std::int64_t days = DaysFromCivil(c.year, c.month, c.day);
  return TimeMs((((days * 24 + c.hour) * 60 + c.minute) * 60 + c.second) * 1000 + c.millisecond);
}

int DaysInMonth(std::int64_t year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

}  // namespace vedette
