#include "dashboards/api/params.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "analytics/promql/parser.h"
#include "core/labels.h"
#include "core/numbers.h"
#include "core/url.h"
#include "core/utf8.h"
#include "dashboards/api/envelope.h"

namespace vedette::dashboards {

namespace {

constexpr std::string_view kMinTimeText = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kMaxTimeText = "292277025-08-18T07:12:54.999999999Z";

Result<TimeMs> ReadTime(std::string_view text) {
  if (text == kMinTimeText) return kMinTime;
  if (text == kMaxTimeText) return kMaxTime;
  return ParseTime(text);
}

std::optional<std::int64_t> ReadInteger(std::string_view text) {
  std::int64_t value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Reads one escape behind its first "_": "_" is itself, "<hex>_" a code point. Nothing when it is neither.
std::optional<std::uint32_t> ReadNameEscape(std::string_view& rest) {
  constexpr std::size_t kMaxDigits = 6;
  if (rest.starts_with('_')) {
    rest.remove_prefix(1);
    return '_';
  }
  const std::size_t digits = rest.find('_');
  if (digits == std::string_view::npos || digits > kMaxDigits) return std::nullopt;
  std::uint32_t code = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + digits, code, 16);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (error != std::errc() || end != rest.data() + digits || code > 0x10ffff || surrogate) return std::nullopt;
  rest.remove_prefix(digits + 1);
  return code;
}

}  // namespace

Result<std::chrono::nanoseconds> ParseDurationText(std::string_view text) {
  if (const auto seconds = ParseFloat(text)) {
    const double nanoseconds = *seconds * 1e9;
    constexpr double kLimit = 9.2e18;
    if (!(std::abs(nanoseconds) <= kLimit)) {
      return Fail(Code::kBadData, "cannot parse \"{}\" to a valid duration. It overflows int64", text);
    }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
  }
  if (const auto span = ParseDuration(text)) return std::chrono::nanoseconds(*span);
  return Fail(Code::kBadData, "cannot parse \"{}\" to a valid duration", text);
}

Result<std::optional<TimeMs>> TimeParameter(const Parameters& parameters, std::string_view name) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return std::optional<TimeMs>();
  const auto time = ReadTime(text);
  if (time) return std::optional<TimeMs>(*time);
  return InvalidParameter(name, fmt::format("invalid time value for '{}': {}", name, time.error().message));
}

Result<TimeMs> NeedTime(const Parameters& parameters, std::string_view name) {
  const auto time = ReadTime(parameters.Get(name));
  if (!time) return InvalidParameter(name, time.error().message);
  return *time;
}

Result<TimeRange> RangeParameters(const Parameters& parameters) {
  VEDETTE_TRY(const std::optional<TimeMs> start, TimeParameter(parameters, "start"));
  VEDETTE_TRY(const std::optional<TimeMs> end, TimeParameter(parameters, "end"));
  return TimeRange{start.value_or(kMinTime), end.value_or(kMaxTime)};
}

Result<std::optional<std::chrono::nanoseconds>> DurationParameter(const Parameters& parameters, std::string_view name) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return std::optional<std::chrono::nanoseconds>();
  const auto span = ParseDurationText(text);
  if (!span) return InvalidParameter(name, span.error().message);
  return std::optional<std::chrono::nanoseconds>(*span);
}

std::string NumberProblem(std::string_view function, std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('+') || digits.starts_with('-')) digits.remove_prefix(1);
  const bool number = !digits.empty() && std::ranges::all_of(digits, IsDigit);
  return fmt::format("strconv.{}: parsing {}: {}", function, Quote(text),
                     number ? "value out of range" : "invalid syntax");
}

Result<std::size_t> LimitParameter(const Parameters& parameters, std::string_view name) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return std::size_t{0};
  const auto value = ReadInteger(text);
  if (!value) return InvalidParameter(name, NumberProblem("Atoi", text));
  if (*value < 0) return InvalidParameter(name, "limit must be non-negative");
  return static_cast<std::size_t>(*value);
}

Result<std::int64_t> IntParameter(const Parameters& parameters, std::string_view name, std::int64_t missing) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return missing;
  const auto value = ReadInteger(text);
  if (!value) return Fail(Code::kBadData, "{} must be a number", name);
  return *value;
}

Result<bool> BoolParameter(const Parameters& parameters, std::string_view name, bool missing,
                           std::string_view before_problem) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return missing;
  const auto is = [&](std::string_view word) { return EqualsIgnoreCase(text, word); };
  if (is("1") || is("t") || is("true")) return true;
  if (is("0") || is("f") || is("false")) return false;
  return InvalidParameter(name, fmt::format("{}{}", before_problem, NumberProblem("ParseBool", text)));
}

Result<MatcherSets> MatchParameters(const Parameters& parameters) {
  MatcherSets sets;
  for (const std::string& text : parameters.All("match[]")) {
    auto matchers = promql::ParseMetricSelector(text);
    if (!matchers) return matchers.error();
    sets.push_back(*std::move(matchers));
  }
  return sets;
}

Result<promql::ExprPtr> ExpressionParameter(const Parameters& parameters, const promql::ParserOptions& options) {
  auto expr = promql::ParseExpr(parameters.Get("query"), options);
  if (!expr) return InvalidParameter("query", expr.error().message);
  return expr;
}

std::string UnescapeLabelName(std::string_view name) {
  constexpr std::string_view kPrefix = "U__";
  if (!name.starts_with(kPrefix)) return std::string(name);
  std::string out;
  for (std::string_view rest = name.substr(kPrefix.size()); !rest.empty();) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != '_') {
      out += c;
      continue;
    }
    const auto code = ReadNameEscape(rest);
    if (!code) return std::string(name);
    AppendUtf8(out, *code);
  }
  return out;
}

}  // namespace vedette::dashboards
