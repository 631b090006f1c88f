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
    {.id = Id::kAvgOverTime, .window = fn::AvgOverTime},
    {.id = Id::kCeil, .element = Plain<std::ceil>},
    {.id = Id::kChanges, .window = fn::Changes, .anchored = true},
    {.id = Id::kClamp, .vector = fn::Clamp},
    {.id = Id::kClampMax, .vector = fn::ClampMax},
    {.id = Id::kClampMin, .vector = fn::ClampMin},
    {.id = Id::kCos, .element = Plain<std::cos>},
    {.id = Id::kCosh, .element = Plain<std::cosh>},
    {.id = Id::kCountOverTime, .window = fn::CountOverTime},
    {.id = Id::kDayOfMonth, .vector = fn::DayOfMonth},
    {.id = Id::kDayOfWeek, .vector = fn::DayOfWeek},
    {.id = Id::kDayOfYear, .vector = fn::DayOfYear},
    {.id = Id::kDaysInMonth, .vector = fn::DaysInMonth},
    {.id = Id::kDeg, .element = fn::Deg},
    {.id = Id::kDelta, .window = fn::Delta, .anchored = true, .smoothed = true},
    {.id = Id::kDeriv, .window = fn::Deriv},
    {.id = Id::kDoubleExponentialSmoothing, .window = fn::DoubleExponentialSmoothing},
    {.id = Id::kEnd, .scalar = fn::End},
    {.id = Id::kExp, .element = Plain<std::exp>},
    {.id = Id::kFirstOverTime, .window = fn::FirstOverTime, .keeps_names = true},
    {.id = Id::kFloor, .element = Plain<std::floor>},
    {.id = Id::kHistogramAvg, .vector = fn::OfNativeHistograms},
    {.id = Id::kHistogramCount, .vector = fn::OfNativeHistograms},
    {.id = Id::kHistogramFraction, .vector = fn::HistogramFraction},
    {.id = Id::kHistogramQuantile, .vector = fn::HistogramQuantile},
    {.id = Id::kHistogramQuantiles, .vector = fn::HistogramQuantiles},
    {.id = Id::kHistogramStddev, .vector = fn::OfNativeHistograms},
    {.id = Id::kHistogramStdvar, .vector = fn::OfNativeHistograms},
    {.id = Id::kHistogramSum, .vector = fn::OfNativeHistograms},
    {.id = Id::kHour, .vector = fn::Hour},
    {.id = Id::kIdelta, .window = fn::Idelta},
    {.id = Id::kIncrease, .window = fn::Increase, .anchored = true, .smoothed = true, .wants_counter = true},
    {.id = Id::kInfo, .vector = fn::Info},
    {.id = Id::kIrate, .window = fn::Irate},
    {.id = Id::kLabelJoin, .vector = fn::LabelJoin},
    {.id = Id::kLabelReplace, .vector = fn::LabelReplace},
    {.id = Id::kLastOverTime, .window = fn::LastOverTime, .keeps_names = true},
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
    {.id = Id::kPresentOverTime, .window = fn::PresentOverTime},
    {.id = Id::kQuantileOverTime, .window = fn::QuantileOverTime},
    {.id = Id::kRad, .element = fn::Rad},
    {.id = Id::kRange, .scalar = fn::Range},
    {.id = Id::kRate, .window = fn::Rate, .anchored = true, .smoothed = true, .wants_counter = true},
    {.id = Id::kResets, .window = fn::Resets, .anchored = true},
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
    {.id = Id::kStartTimestamp},
    {.id = Id::kStddevOverTime, .window = fn::StddevOverTime},
    {.id = Id::kStdvarOverTime, .window = fn::StdvarOverTime},
    {.id = Id::kStep, .scalar = fn::Step},
    {.id = Id::kSumOverTime, .window = fn::SumOverTime},
    {.id = Id::kTan, .element = Plain<std::tan>},
    {.id = Id::kTanh, .element = Plain<std::tanh>},
    {.id = Id::kTime, .scalar = fn::Time},
    {.id = Id::kTimestamp, .vector = fn::Timestamp},
    {.id = Id::kTsOfFirstOverTime, .window = fn::TsOfFirstOverTime},
    {.id = Id::kTsOfLastOverTime, .window = fn::TsOfLastOverTime},
    {.id = Id::kTsOfMaxOverTime, .window = fn::TsOfMaxOverTime},
    {.id = Id::kTsOfMinOverTime, .window = fn::TsOfMinOverTime},
    {.id = Id::kVector, .vector = fn::VectorOf},
    {.id = Id::kYear, .vector = fn::Year},
};
// clang-format on

constexpr bool InOrder() {
  for (std::size_t i = 0; i < std::size(kCode); ++i) {
    if (kCode[i].id != static_cast<FunctionId>(i)) return false;
  }
  return std::size(kCode) == static_cast<std::size_t>(FunctionId::kYear) + 1;
}
static_assert(InOrder(), "one row for each FunctionId, in their order");

}  // namespace

const FunctionCode* CodeOf(FunctionId id) {
  const FunctionCode& code = kCode[static_cast<std::size_t>(id)];
  return code.element || code.window || code.vector || code.scalar ? &code : nullptr;
}

std::span<const FunctionCode> AllFunctionCode() { return kCode; }

}  // namespace vedette::promql
