// The table of code, in the order of FunctionId.
#include "analytics/promql/functions_impl.h"

#include <cmath>

namespace vedette::promql {

namespace {

using Id = FunctionId;

/// The overload for double, as a plain function.
template <double (*Function)(double)>
double Plain(double value) {
  return Function(value);
}

// clang-format off
constexpr FunctionCode kCode[] = {
    {.id = Id::kAbs, .element = Plain<std::fabs>},
    {.id = Id::kAbsent, .vector = fn::Absent},
    {.id = Id::kAbsentOverTime, .vector = fn::AbsentOverTime},
    {.id = Id::kAcos, .element = Plain<std::acos>},
    {.id = Id::kAcosh, .element = Plain<std::acosh>},
    {.id = Id::kAsin, .element = Plain<std::asin>},
    {.id = Id::kAsinh, .element = Plain<std::asinh>},
    {.id = Id::kAtan, .element = Plain<std::atan>},
    {.id = Id::kAtanh, .element = Plain<std::atanh>},
    {.id = Id::kAvgOverTime, .window = fn::AvgOverTime, .ranges = MixedRanges::kOneKind, .mixed = fn::MixedAvgOverTime},
    {.id = Id::kCeil, .element = Plain<std::ceil>},
    {.id = Id::kChanges, .window = fn::Changes, .ranges = MixedRanges::kBoth, .mixed = fn::MixedChanges, .anchored = true},
    {.id = Id::kClamp, .vector = fn::Clamp},
    {.id = Id::kClampMax, .vector = fn::ClampMax},
    {.id = Id::kClampMin, .vector = fn::ClampMin},
    {.id = Id::kCos, .element = Plain<std::cos>},
    {.id = Id::kCosh, .element = Plain<std::cosh>},
    {.id = Id::kCountOverTime, .window = fn::CountOverTime, .ranges = MixedRanges::kBoth, .mixed = fn::MixedCountOverTime},
    {.id = Id::kDayOfMonth, .vector = fn::DayOfMonth},
    {.id = Id::kDayOfWeek, .vector = fn::DayOfWeek},
    {.id = Id::kDayOfYear, .vector = fn::DayOfYear},
    {.id = Id::kDaysInMonth, .vector = fn::DaysInMonth},
    {.id = Id::kDeg, .element = fn::Deg},
    {.id = Id::kDelta, .window = fn::Delta, .ranges = MixedRanges::kOneKind, .mixed = fn::MixedDelta, .anchored = true, .smoothed = true},
    {.id = Id::kDeriv, .window = fn::Deriv},
    {.id = Id::kDoubleExponentialSmoothing, .window = fn::DoubleExponentialSmoothing},
    {.id = Id::kEnd, .scalar = fn::End},
    {.id = Id::kExp, .element = Plain<std::exp>},
    {.id = Id::kFirstOverTime, .window = fn::FirstOverTime, .ranges = MixedRanges::kBoth, .mixed = fn::MixedFirstOverTime, .keeps_names = true},
    {.id = Id::kFloor, .element = Plain<std::floor>},
    {.id = Id::kHistogramAvg, .vector = fn::HistogramAvg},
    {.id = Id::kHistogramCount, .vector = fn::HistogramCount},
    {.id = Id::kHistogramFraction, .vector = fn::HistogramFraction},
    {.id = Id::kHistogramQuantile, .vector = fn::HistogramQuantile},
    {.id = Id::kHistogramQuantiles, .vector = fn::HistogramQuantiles},
    {.id = Id::kHistogramStddev, .vector = fn::HistogramStddev},
    {.id = Id::kHistogramStdvar, .vector = fn::HistogramStdvar},
    {.id = Id::kHistogramSum, .vector = fn::HistogramSumOf},
    {.id = Id::kHour, .vector = fn::Hour},
    {.id = Id::kIdelta, .window = fn::Idelta, .ranges = MixedRanges::kBoth, .mixed = fn::MixedIdelta},
    {.id = Id::kIncrease, .window = fn::Increase, .ranges = MixedRanges::kOneKind, .mixed = fn::MixedIncrease, .anchored = true, .smoothed = true, .wants_counter = true, .wants_starts = true},
    {.id = Id::kInfo, .vector = fn::Info},
    {.id = Id::kIrate, .window = fn::Irate, .ranges = MixedRanges::kBoth, .mixed = fn::MixedIrate, .wants_starts = true},
    {.id = Id::kLabelJoin, .vector = fn::LabelJoin},
    {.id = Id::kLabelReplace, .vector = fn::LabelReplace},
    {.id = Id::kLastOverTime, .window = fn::LastOverTime, .ranges = MixedRanges::kBoth, .mixed = fn::MixedLastOverTime, .keeps_names = true},
    {.id = Id::kLn, .element = Plain<std::log>},
    {.id = Id::kLog10, .element = Plain<std::log10>},
    {.id = Id::kLog2, .element = Plain<std::log2>},
    {.id = Id::kMadOverTime, .window = fn::MadOverTime},
    {.id = Id::kMaxOf, .scalar = fn::MaxOf},
    {.id = Id::kMaxOverTime, .window = fn::MaxOverTime},
    {.id = Id::kMinOf, .scalar = fn::MinOf},
    {.id = Id::kMinOverTime, .window = fn::MinOverTime},
    {.id = Id::kMinute, .vector = fn::Minute},
    {.id = Id::kMonth, .vector = fn::Month},
    {.id = Id::kPi, .scalar = fn::Pi},
    {.id = Id::kPredictLinear, .window = fn::PredictLinear},
    {.id = Id::kPresentOverTime, .window = fn::PresentOverTime, .ranges = MixedRanges::kBoth, .mixed = fn::MixedPresentOverTime},
    {.id = Id::kQuantileOverTime, .window = fn::QuantileOverTime},
    {.id = Id::kRad, .element = fn::Rad},
    {.id = Id::kRange, .scalar = fn::Range},
    {.id = Id::kRate, .window = fn::Rate, .ranges = MixedRanges::kOneKind, .mixed = fn::MixedRate, .anchored = true, .smoothed = true, .wants_counter = true, .wants_starts = true},
    {.id = Id::kResets, .window = fn::Resets, .ranges = MixedRanges::kBoth, .mixed = fn::MixedResets, .anchored = true, .wants_starts = true},
    {.id = Id::kRound, .vector = fn::Round},
    {.id = Id::kScalar, .scalar = fn::ScalarOf},
    {.id = Id::kSgn, .element = fn::Sgn},
    {.id = Id::kSin, .element = Plain<std::sin>},
    {.id = Id::kSinh, .element = Plain<std::sinh>},
    {.id = Id::kSort, .vector = fn::Sort},
    {.id = Id::kSortByLabel, .vector = fn::SortByLabel},
    {.id = Id::kSortByLabelDesc, .vector = fn::SortByLabelDesc},
    {.id = Id::kSortDesc, .vector = fn::SortDesc},
    {.id = Id::kSqrt, .element = Plain<std::sqrt>},
    {.id = Id::kStart, .scalar = fn::Start},
    {.id = Id::kStartTimestamp, .vector = fn::StartTimestamp},
    {.id = Id::kStddevOverTime, .window = fn::StddevOverTime},
    {.id = Id::kStdvarOverTime, .window = fn::StdvarOverTime},
    {.id = Id::kStep, .scalar = fn::Step},
    {.id = Id::kSumOverTime, .window = fn::SumOverTime, .ranges = MixedRanges::kOneKind, .mixed = fn::MixedSumOverTime},
    {.id = Id::kTan, .element = Plain<std::tan>},
    {.id = Id::kTanh, .element = Plain<std::tanh>},
    {.id = Id::kTime, .scalar = fn::Time},
    {.id = Id::kTimestamp, .vector = fn::Timestamp},
    {.id = Id::kTsOfFirstOverTime, .window = fn::TsOfFirstOverTime, .ranges = MixedRanges::kBoth, .mixed = fn::MixedTsOfFirstOverTime},
    {.id = Id::kTsOfLastOverTime, .window = fn::TsOfLastOverTime, .ranges = MixedRanges::kBoth, .mixed = fn::MixedTsOfLastOverTime},
    {.id = Id::kTsOfMaxOverTime, .window = fn::TsOfMaxOverTime},
    {.id = Id::kTsOfMinOverTime, .window = fn::TsOfMinOverTime},
    {.id = Id::kVector, .vector = fn::VectorOf},
    {.id = Id::kYear, .vector = fn::Year},
};
// clang-format on

constexpr bool InOrder() {
  for (std::size_t i = 0; i < std::size(kCode); ++i) {
    const FunctionCode& code = kCode[i];
    if (code.id != static_cast<FunctionId>(i)) return false;
    if (!code.element && !code.window && !code.vector && !code.scalar) return false;
  }
  return std::size(kCode) == static_cast<std::size_t>(FunctionId::kYear) + 1;
}
static_assert(InOrder(), "one row with code for each FunctionId, in their order");

}  // namespace

const FunctionCode& CodeOf(FunctionId id) { return kCode[static_cast<std::size_t>(id)]; }

std::span<const FunctionCode> AllFunctionCode() { return kCode; }

}  // namespace vedette::promql
