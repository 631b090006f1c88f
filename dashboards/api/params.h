// Reading the parameters that many endpoints share. Every error is kBadData and names the parameter.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/promql/parser.h"
#include "core/matcher.h"
#include "core/result.h"
#include "core/time.h"
#include "dashboards/http/message.h"

namespace vedette::dashboards {

/// Earliest and latest time of ranges that name no end: Prometheus' constants, which clients send back as text.
inline constexpr TimeMs kMinTime{-9'223'309'901'257'974'000};
inline constexpr TimeMs kMaxTime{9'223'309'901'257'974'999};

/// Float Unix seconds, RFC 3339, or the text of one of the two boundary times. Nothing: the parameter is missing.
Result<std::optional<TimeMs>> TimeParameter(const Parameters& parameters, std::string_view name);
/// A time that must be given.
Result<TimeMs> NeedTime(const Parameters& parameters, std::string_view name);
/// `start` and `end`; all of time where they are missing.
Result<TimeRange> RangeParameters(const Parameters& parameters);

/// Float seconds or "1h30m". Nothing: missing or empty.
Result<std::optional<std::chrono::nanoseconds>> DurationParameter(const Parameters& parameters, std::string_view name);

/// What is wrong with a text that should be a whole number, in Go's words for `function`.
std::string NumberProblem(std::string_view function, std::string_view text);
/// The same of a text. Errors do not name the parameter.
Result<std::chrono::nanoseconds> ParseDurationText(std::string_view text);

/// A whole number that is not negative; 0 when missing.
Result<std::size_t> LimitParameter(const Parameters& parameters, std::string_view name = "limit");
/// A whole number; `missing` when there is none. Errors: "<name> must be a number".
Result<std::int64_t> IntParameter(const Parameters& parameters, std::string_view name, std::int64_t missing);
/// 1, t, true, 0, f, false in any case; `missing` when there is none.
/// `before_problem`: stands in front of what is wrong.
Result<bool> BoolParameter(const Parameters& parameters, std::string_view name, bool missing,
                           std::string_view before_problem = {});

using MatcherSets = std::vector<std::vector<Matcher>>;
/// Every match[]; each has a matcher that refuses the empty value. Errors: kBadData without the parameter's name.
Result<MatcherSets> MatchParameters(const Parameters& parameters);

/// The expression in `query`.
Result<promql::ExprPtr> ExpressionParameter(const Parameters& parameters, const promql::ParserOptions& options);

/// "U__a_2e_b" is the label "a.b"; other names, and what is not well-formed, stay as they are.
std::string UnescapeLabelName(std::string_view name);

}  // namespace vedette::dashboards
