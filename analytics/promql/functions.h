// The function table: parser, engine, documentation and completion read the same rows (functions.cpp).
//
// A function is added with a value of FunctionId, a row in functions.cpp and its code in functions_<family>.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "analytics/promql/ast.h"

namespace vedette::promql {

/// Each function of the language. The engine switches over it; names and signatures are in the table only.
/// Alphabetical by name; values are not stored anywhere.
enum class FunctionId : std::uint16_t {
  kAbs,
  kAbsent,
  kAbsentOverTime,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kAvgOverTime,
  kCeil,
  kChanges,
  kClamp,
  kClampMax,
  kClampMin,
  kCos,
  kCosh,
  kCountOverTime,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kDaysInMonth,
  kDeg,
  kDelta,
  kDeriv,
  kDoubleExponentialSmoothing,
  kEnd,
  kExp,
  kFirstOverTime,
  kFloor,
  kHistogramAvg,
  kHistogramCount,
  kHistogramFraction,
  kHistogramQuantile,
  kHistogramQuantiles,
  kHistogramStddev,
  kHistogramStdvar,
  kHistogramSum,
  kHour,
  kIdelta,
  kIncrease,
  kInfo,
  kIrate,
  kLabelJoin,
  kLabelReplace,
  kLastOverTime,
  kLn,
  kLog10,
  kLog2,
  kMadOverTime,
  kMaxOf,
  kMaxOverTime,
  kMinOf,
  kMinOverTime,
  kMinute,
  kMonth,
  kPi,
  kPredictLinear,
  kPresentOverTime,
  kQuantileOverTime,
  kRad,
  kRange,
  kRate,
  kResets,
  kRound,
  kScalar,
  kSgn,
  kSin,
  kSinh,
  kSort,
  kSortByLabel,
  kSortByLabelDesc,
  kSortDesc,
  kSqrt,
  kStart,
  kStartTimestamp,
  kStddevOverTime,
  kStdvarOverTime,
  kStep,
  kSumOverTime,
  kTan,
  kTanh,
  kTime,
  kTimestamp,
  kTsOfFirstOverTime,
  kTsOfLastOverTime,
  kTsOfMaxOverTime,
  kTsOfMinOverTime,
  kVector,
  kYear,
};

struct FunctionSpec {
  std::string_view name;
  FunctionId id;
  /// Types of the arguments; the last repeats when `variadic` allows more.
  std::span<const ValueType> args;
  /// 0: exactly args.size(). n > 0: the last n arguments are optional. -1: the last repeats any number of times, or
  /// not.
  int variadic = 0;
  ValueType returns = ValueType::kVector;
  bool experimental = false;
  std::string_view help;

  std::size_t MinArgs() const;
  /// The largest size_t when the last argument repeats without end.
  std::size_t MaxArgs() const;
  /// Type that argument `i` must have.
  ValueType ArgType(std::size_t i) const { return args[i < args.size() ? i : args.size() - 1]; }
};

/// Null when there is none of that name.
const FunctionSpec* FindFunction(std::string_view name);
/// Sorted by name.
std::span<const FunctionSpec> AllFunctions();

}  // namespace vedette::promql
