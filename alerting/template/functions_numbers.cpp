// Numbers, times and durations as people read them.
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "alerting/template/functions.h"
#include "alerting/template/go_format.h"
#include "core/numbers.h"

namespace vedette::alerting::tmpl {
namespace {

constexpr int kDigits = 4;  // significant digits of all humanize functions

constexpr std::string_view kLarge[] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
constexpr std::string_view kSmall[] = {"m", "u", "n", "p", "f", "a", "z", "y"};
constexpr std::string_view kBinary[] = {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};

/// Scales by steps of `base` while the number is too large, and gives the prefix.
std::string_view ScaleDown(double& value, double base, std::span<const std::string_view> prefixes) {
  std::string_view prefix;
  for (const std::string_view next : prefixes) {
    if (std::fabs(value) < base) break;
    prefix = next;
    value /= base;
  }
  return prefix;
}

std::string_view ScaleUp(double& value) {
  std::string_view prefix;
  for (const std::string_view next : kSmall) {
    if (std::fabs(value) >= 1) break;
    prefix = next;
    value *= 1000;
  }
  return prefix;
}

std::string Short(double value) { return GoGeneral(value, kDigits); }

/// "1d 2h 3m 4s" from the first part that is not zero on.
std::string LongDuration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  const std::uint64_t days = whole / 86'400, hours = whole / 3'600 % 24, minutes = whole / 60 % 60;
  if (days > 0) return fmt::format("{}d {}h {}m {}s", days, hours, minutes, whole % 60);
  if (hours > 0) return fmt::format("{}h {}m {}s", hours, minutes, whole % 60);
  if (minutes > 0) return fmt::format("{}m {}s", minutes, whole % 60);
  return Short(seconds) + "s";
}

/// What does not fit into 64 bits of nanoseconds is refused, as in Go.
Result<double> CheckedNanos(double seconds, std::string_view what) {
  const double nanos = seconds * 1e9;
  if (std::fabs(nanos) < static_cast<double>(std::numeric_limits<std::int64_t>::max())) return nanos;
  return Fail(Code::kBadData, "{} cannot be represented as a nanoseconds {} since it overflows int64",
              GoGeneral(seconds), what);
}

Result<TimeMs> TimeOf(double seconds) {
  VEDETTE_TRY(const double nanos, CheckedNanos(seconds, "timestamp"));
  return TimeMs(static_cast<std::int64_t>(nanos) / 1'000'000);
}

}  // namespace

Result<double> ToNumber(const Value& value) {
  if (const auto* number = value.If<double>()) return *number;
  if (const auto* whole = value.If<std::int64_t>()) return static_cast<double>(*whole);
  if (const auto* span = value.If<Value::Nanos>()) return static_cast<double>(span->count()) / 1e9;
  if (const auto* text = value.IfText()) {
    if (const std::optional<double> number = ParseFloat(*text)) return *number;
    return Fail(Code::kBadData, "strconv.ParseFloat: parsing {}: invalid syntax", Quote(*text));
  }
  return Fail(Code::kBadData, "can't convert {} to float", value.TypeName());
}

namespace fn {

Result<Value> Humanize(Environment&, Args args) {
  VEDETTE_TRY(double value, ToNumber(args[0]));
  if (value == 0 || !std::isfinite(value)) return Value(Short(value));
  const std::string_view prefix = std::fabs(value) >= 1 ? ScaleDown(value, 1000, kLarge) : ScaleUp(value);
  return Value(Short(value).append(prefix));
}

Result<Value> Humanize1024(Environment&, Args args) {
  VEDETTE_TRY(double value, ToNumber(args[0]));
  if (std::fabs(value) <= 1 || !std::isfinite(value)) return Value(Short(value));
  const std::string_view prefix = ScaleDown(value, 1024, kBinary);
  return Value(Short(value).append(prefix));
}

Result<Value> HumanizeDuration(Environment&, Args args) {
  VEDETTE_TRY(double value, ToNumber(args[0]));
  if (!std::isfinite(value)) return Value(Short(value));
  if (value == 0) return Value(Short(value) + "s");
  if (std::fabs(value) >= static_cast<double>(std::numeric_limits<std::int64_t>::max()))
    return Value(Short(value) + "s");
  if (std::fabs(value) >= 1) return Value((value < 0 ? "-" : "") + LongDuration(std::fabs(value)));
  const std::string_view prefix = ScaleUp(value);
  return Value(Short(value).append(prefix).append("s"));
}

Result<Value> HumanizePercentage(Environment&, Args args) {
  VEDETTE_TRY(const double value, ToNumber(args[0]));
  return Value(Short(value * 100) + "%");
}

Result<Value> HumanizeTimestamp(Environment&, Args args) {
  VEDETTE_TRY(const double value, ToNumber(args[0]));
  if (!std::isfinite(value)) return Value(Short(value));
  VEDETTE_TRY(const TimeMs time, TimeOf(value));
  return Value(GoTimeText(time));
}

Result<Value> ToTime(Environment&, Args args) {
  VEDETTE_TRY(const double value, ToNumber(args[0]));
  if (!std::isfinite(value)) return Fail(Code::kBadData, "value is NaN or Inf");
  VEDETTE_TRY(const TimeMs time, TimeOf(value));
  return Value(time);
}

Result<Value> ToDuration(Environment&, Args args) {
  VEDETTE_TRY(const double value, ToNumber(args[0]));
  if (!std::isfinite(value)) return Fail(Code::kBadData, "value is NaN or Inf");
  VEDETTE_TRY(const double nanos, CheckedNanos(value, "duration"));
  return Value(Value::Nanos(static_cast<std::int64_t>(nanos)));
}

Result<Value> Now(Environment& environment, Args) { return Value(environment.Now().Seconds()); }

Result<Value> ParseDurationText(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view text, ToText(args[0]));
  VEDETTE_TRY(const Millis span, ParseDuration(text, true));
  return Value(static_cast<double>(span.count()) / 1000);
}

}  // namespace fn
}  // namespace vedette::alerting::tmpl
