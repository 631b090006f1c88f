// The rows of the function table, sorted by name.
#include "analytics/promql/functions.h"

#include <algorithm>
#include <array>
#include <limits>

namespace vedette::promql {

namespace {

using enum ValueType;

constexpr std::span<const ValueType> kNothing;
constexpr ValueType kInstant[] = {kVector};
constexpr ValueType kRange[] = {kMatrix};
constexpr ValueType kInstantScalar[] = {kVector, kScalar};
constexpr ValueType kInstantTwoScalars[] = {kVector, kScalar, kScalar};
constexpr ValueType kRangeScalar[] = {kMatrix, kScalar};
constexpr ValueType kRangeTwoScalars[] = {kMatrix, kScalar, kScalar};
constexpr ValueType kTwoScalarsInstant[] = {kScalar, kScalar, kVector};
constexpr ValueType kScalarInstant[] = {kScalar, kVector};
constexpr ValueType kScalarRange[] = {kScalar, kMatrix};
constexpr ValueType kOneScalar[] = {kScalar};
constexpr ValueType kTwoScalars[] = {kScalar, kScalar};
constexpr ValueType kInstantString[] = {kVector, kString};
constexpr ValueType kInstantThreeStrings[] = {kVector, kString, kString, kString};
constexpr ValueType kInstantFourStrings[] = {kVector, kString, kString, kString, kString};
constexpr ValueType kTwoInstants[] = {kVector, kVector};
constexpr ValueType kInstantStringTenScalars[] = {kVector, kString, kScalar, kScalar, kScalar, kScalar,
                                                  kScalar, kScalar, kScalar, kScalar, kScalar, kScalar};

constexpr bool kExperimental = true;

// clang-format off
constexpr FunctionSpec kFunctions[] = {
    // name, code, arguments, optional ones, result, experimental, help
    {"abs", FunctionId::kAbs, kInstant, 0, kVector, false, "absolute value of each sample"},
    {"absent", FunctionId::kAbsent, kInstant, 0, kVector, false, "1 without a series when the vector is empty, else nothing"},
    {"absent_over_time", FunctionId::kAbsentOverTime, kRange, 0, kVector, false, "1 when no series has a sample in the range, else nothing"},
    {"acos", FunctionId::kAcos, kInstant, 0, kVector, false, "arc cosine, radians"},
    {"acosh", FunctionId::kAcosh, kInstant, 0, kVector, false, "inverse hyperbolic cosine"},
    {"asin", FunctionId::kAsin, kInstant, 0, kVector, false, "arc sine, radians"},
    {"asinh", FunctionId::kAsinh, kInstant, 0, kVector, false, "inverse hyperbolic sine"},
    {"atan", FunctionId::kAtan, kInstant, 0, kVector, false, "arc tangent, radians"},
    {"atanh", FunctionId::kAtanh, kInstant, 0, kVector, false, "inverse hyperbolic tangent"},
    {"avg_over_time", FunctionId::kAvgOverTime, kRange, 0, kVector, false, "mean of the samples of the range"},
    {"ceil", FunctionId::kCeil, kInstant, 0, kVector, false, "rounded up to an integer"},
    {"changes", FunctionId::kChanges, kRange, 0, kVector, false, "how often the value changed within the range"},
    {"clamp", FunctionId::kClamp, kInstantTwoScalars, 0, kVector, false, "limited to [min, max]; empty when min is above max"},
    {"clamp_max", FunctionId::kClampMax, kInstantScalar, 0, kVector, false, "limited to at most the scalar"},
    {"clamp_min", FunctionId::kClampMin, kInstantScalar, 0, kVector, false, "limited to at least the scalar"},
    {"cos", FunctionId::kCos, kInstant, 0, kVector, false, "cosine of radians"},
    {"cosh", FunctionId::kCosh, kInstant, 0, kVector, false, "hyperbolic cosine"},
    {"count_over_time", FunctionId::kCountOverTime, kRange, 0, kVector, false, "number of samples in the range"},
    {"day_of_month", FunctionId::kDayOfMonth, kInstant, 1, kVector, false, "day of the month in UTC, 1 to 31"},
    {"day_of_week", FunctionId::kDayOfWeek, kInstant, 1, kVector, false, "day of the week in UTC, Sunday is 0"},
    {"day_of_year", FunctionId::kDayOfYear, kInstant, 1, kVector, false, "day of the year in UTC, 1 to 366"},
    {"days_in_month", FunctionId::kDaysInMonth, kInstant, 1, kVector, false, "days of the month in UTC, 28 to 31"},
    {"deg", FunctionId::kDeg, kInstant, 0, kVector, false, "radians to degrees"},
    {"delta", FunctionId::kDelta, kRange, 0, kVector, false, "difference of a gauge over the range, extrapolated to its ends"},
    {"deriv", FunctionId::kDeriv, kRange, 0, kVector, false, "per-second slope of the least-squares line"},
    {"double_exponential_smoothing", FunctionId::kDoubleExponentialSmoothing, kRangeTwoScalars, 0, kVector, kExperimental, "smoothed value by level and trend; factors in (0, 1)"},
    {"end", FunctionId::kEnd, kNothing, 0, kScalar, kExperimental, "end of the query range, Unix seconds"},
    {"exp", FunctionId::kExp, kInstant, 0, kVector, false, "e to the power of each sample"},
    {"first_over_time", FunctionId::kFirstOverTime, kRange, 0, kVector, false, "oldest sample of the range"},
    {"floor", FunctionId::kFloor, kInstant, 0, kVector, false, "rounded down to an integer"},
    {"histogram_avg", FunctionId::kHistogramAvg, kInstant, 0, kVector, false, "mean of the observations of each native histogram"},
    {"histogram_count", FunctionId::kHistogramCount, kInstant, 0, kVector, false, "number of observations of each native histogram"},
    {"histogram_fraction", FunctionId::kHistogramFraction, kTwoScalarsInstant, 0, kVector, false, "fraction of the observations between two bounds"},
    {"histogram_quantile", FunctionId::kHistogramQuantile, kScalarInstant, 0, kVector, false, "quantile of classic or native histograms"},
    {"histogram_quantiles", FunctionId::kHistogramQuantiles, kInstantStringTenScalars, 9, kVector, kExperimental, "up to ten quantiles at once, told apart by the label"},
    {"histogram_stddev", FunctionId::kHistogramStddev, kInstant, 0, kVector, false, "estimated standard deviation of the observations"},
    {"histogram_stdvar", FunctionId::kHistogramStdvar, kInstant, 0, kVector, false, "estimated variance of the observations"},
    {"histogram_sum", FunctionId::kHistogramSum, kInstant, 0, kVector, false, "sum of the observations of each native histogram"},
    {"hour", FunctionId::kHour, kInstant, 1, kVector, false, "hour of the day in UTC, 0 to 23"},
    {"idelta", FunctionId::kIdelta, kRange, 0, kVector, false, "difference of the last two samples"},
    {"increase", FunctionId::kIncrease, kRange, 0, kVector, false, "growth of a counter over the range, extrapolated to its ends"},
    {"info", FunctionId::kInfo, kTwoInstants, 1, kVector, kExperimental, "adds the labels of matching info series"},
    {"irate", FunctionId::kIrate, kRange, 0, kVector, false, "per-second increase between the last two samples"},
    {"label_join", FunctionId::kLabelJoin, kInstantThreeStrings, -1, kVector, false, "joins the values of labels into another label"},
    {"label_replace", FunctionId::kLabelReplace, kInstantFourStrings, 0, kVector, false, "sets a label from a regular expression on another"},
    {"last_over_time", FunctionId::kLastOverTime, kRange, 0, kVector, false, "newest sample of the range"},
    {"ln", FunctionId::kLn, kInstant, 0, kVector, false, "natural logarithm"},
    {"log10", FunctionId::kLog10, kInstant, 0, kVector, false, "decimal logarithm"},
    {"log2", FunctionId::kLog2, kInstant, 0, kVector, false, "binary logarithm"},
    {"mad_over_time", FunctionId::kMadOverTime, kRange, 0, kVector, kExperimental, "median absolute deviation of the range"},
    {"max_of", FunctionId::kMaxOf, kTwoScalars, 0, kScalar, kExperimental, "the larger of two scalars"},
    {"max_over_time", FunctionId::kMaxOverTime, kRange, 0, kVector, false, "largest sample of the range"},
    {"min_of", FunctionId::kMinOf, kTwoScalars, 0, kScalar, kExperimental, "the smaller of two scalars"},
    {"min_over_time", FunctionId::kMinOverTime, kRange, 0, kVector, false, "smallest sample of the range"},
    {"minute", FunctionId::kMinute, kInstant, 1, kVector, false, "minute of the hour in UTC, 0 to 59"},
    {"month", FunctionId::kMonth, kInstant, 1, kVector, false, "month of the year in UTC, 1 to 12"},
    {"pi", FunctionId::kPi, kNothing, 0, kScalar, false, "the number pi"},
    {"predict_linear", FunctionId::kPredictLinear, kRangeScalar, 0, kVector, false, "value that the least-squares line reaches after so many seconds"},
    {"present_over_time", FunctionId::kPresentOverTime, kRange, 0, kVector, false, "1 for each series with a sample in the range"},
    {"quantile_over_time", FunctionId::kQuantileOverTime, kScalarRange, 0, kVector, false, "quantile of the samples of the range"},
    {"rad", FunctionId::kRad, kInstant, 0, kVector, false, "degrees to radians"},
    {"range", FunctionId::kRange, kNothing, 0, kScalar, kExperimental, "length of the query range in seconds"},
    {"rate", FunctionId::kRate, kRange, 0, kVector, false, "per-second increase of a counter"},
    {"resets", FunctionId::kResets, kRange, 0, kVector, false, "how often a counter fell within the range"},
    {"round", FunctionId::kRound, kInstantScalar, 1, kVector, false, "nearest multiple of the scalar (default 1)"},
    {"scalar", FunctionId::kScalar, kInstant, 0, kScalar, false, "the value of a vector of exactly one element, else NaN"},
    {"sgn", FunctionId::kSgn, kInstant, 0, kVector, false, "sign of each sample: 1, 0 or -1"},
    {"sin", FunctionId::kSin, kInstant, 0, kVector, false, "sine of radians"},
    {"sinh", FunctionId::kSinh, kInstant, 0, kVector, false, "hyperbolic sine"},
    {"sort", FunctionId::kSort, kInstant, 0, kVector, false, "ascending by value, NaN last"},
    {"sort_by_label", FunctionId::kSortByLabel, kInstantString, -1, kVector, kExperimental, "ascending by the values of labels, in natural order"},
    {"sort_by_label_desc", FunctionId::kSortByLabelDesc, kInstantString, -1, kVector, kExperimental, "descending by the values of labels, in natural order"},
    {"sort_desc", FunctionId::kSortDesc, kInstant, 0, kVector, false, "descending by value, NaN last"},
    {"sqrt", FunctionId::kSqrt, kInstant, 0, kVector, false, "square root"},
    {"start", FunctionId::kStart, kNothing, 0, kScalar, kExperimental, "start of the query range, Unix seconds"},
    {"start_timestamp", FunctionId::kStartTimestamp, kInstant, 0, kVector, kExperimental, "when the counter of each sample began, Unix seconds"},
    {"stddev_over_time", FunctionId::kStddevOverTime, kRange, 0, kVector, false, "population standard deviation of the range"},
    {"stdvar_over_time", FunctionId::kStdvarOverTime, kRange, 0, kVector, false, "population variance of the range"},
    {"step", FunctionId::kStep, kNothing, 0, kScalar, kExperimental, "step of the query in seconds"},
    {"sum_over_time", FunctionId::kSumOverTime, kRange, 0, kVector, false, "sum of the samples of the range"},
    {"tan", FunctionId::kTan, kInstant, 0, kVector, false, "tangent of radians"},
    {"tanh", FunctionId::kTanh, kInstant, 0, kVector, false, "hyperbolic tangent"},
    {"time", FunctionId::kTime, kNothing, 0, kScalar, false, "time of evaluation, Unix seconds"},
    {"timestamp", FunctionId::kTimestamp, kInstant, 0, kVector, false, "time of each sample, Unix seconds"},
    {"ts_of_first_over_time", FunctionId::kTsOfFirstOverTime, kRange, 0, kVector, kExperimental, "time of the oldest sample of the range"},
    {"ts_of_last_over_time", FunctionId::kTsOfLastOverTime, kRange, 0, kVector, kExperimental, "time of the newest sample of the range"},
    {"ts_of_max_over_time", FunctionId::kTsOfMaxOverTime, kRange, 0, kVector, kExperimental, "time of the last largest sample of the range"},
    {"ts_of_min_over_time", FunctionId::kTsOfMinOverTime, kRange, 0, kVector, kExperimental, "time of the last smallest sample of the range"},
    {"vector", FunctionId::kVector, kOneScalar, 0, kVector, false, "the scalar as a vector without labels"},
    {"year", FunctionId::kYear, kInstant, 1, kVector, false, "year in UTC"},
};
// clang-format on

constexpr bool SortedByName() {
  for (std::size_t i = 1; i < std::size(kFunctions); ++i) {
    if (kFunctions[i - 1].name >= kFunctions[i].name) return false;
  }
  return true;
}
static_assert(SortedByName(), "sorted by name, each name once");

}  // namespace

std::size_t FunctionSpec::MinArgs() const {
  return args.size() - static_cast<std::size_t>(variadic < 0 ? 1 : variadic);
}

std::size_t FunctionSpec::MaxArgs() const {
  return variadic < 0 ? std::numeric_limits<std::size_t>::max() : args.size();
}

const FunctionSpec* FindFunction(std::string_view name) {
  const auto* row =
      std::lower_bound(std::begin(kFunctions), std::end(kFunctions), name,
                       [](const FunctionSpec& spec, std::string_view wanted) { return spec.name < wanted; });
  return row != std::end(kFunctions) && row->name == name ? row : nullptr;
}

std::span<const FunctionSpec> AllFunctions() { return kFunctions; }

}  // namespace vedette::promql
