// From a function of the language to its code: one row each.
//
// The parser's table (functions.h) has names, signatures and help; this one says what runs. A row names exactly one of
// the ways in which a function can be written.
#pragma once

#include "analytics/promql/eval.h"
#include "analytics/promql/functions.h"
#include "analytics/promql/window.h"
#include "analytics/promql/window_mixed.h"

namespace vedette::promql {

struct FunctionCode {
  FunctionId id;
  /// One value in, one value out, for every value of the vector argument; the names go.
  double (*element)(double) = nullptr;
  /// Over the windows of the range-vector argument; the names go unless `keeps_names`.
  WindowFunction window = nullptr;
  /// Whatever else gives a vector.
  Result<Vector> (*vector)(Evaluator& eval, const CallExpr& call, const Steps& steps) = nullptr;
  /// Gives a scalar.
  Result<Scalar> (*scalar)(Evaluator& eval, const CallExpr& call, const Steps& steps) = nullptr;

  /// Of a window function: what it makes of native histograms.
  MixedRanges ranges = MixedRanges::kFloatsOnly;
  MixedFunction mixed = nullptr;

  bool keeps_names = false;
  /// Ranges of it may be anchored, or smoothed.
  bool anchored = false, smoothed = false;
  /// For a metric whose name does not look like a counter's an info is added.
  bool wants_counter = false;
  /// It looks at when the counters of samples began.
  bool wants_starts = false;
};

const FunctionCode& CodeOf(FunctionId id);
std::span<const FunctionCode> AllFunctionCode();

/// functions_window.cpp: refuses anchored and smoothed ranges where a function does not take them.
Status CheckRangeModifiers(const CallExpr& call, const RangeShape& shape);
/// functions_window.cpp: where annotations about a range function point: its first argument, but for a subquery, which
/// Prometheus has replaced by its result by then.
Position AnnotatedPosition(const CallExpr& call);
/// functions_window.cpp: warns about windows with samples whose counters began before the sample in front of them.
void NoteOverlaps(Annotator& notes, std::string_view metric, Position at, std::span<const std::int64_t> times,
                  std::span<const std::int64_t> starts, std::span<const Window> windows);
/// functions_mixed.cpp: `code` over the windows of a series that has native histograms, into the last row of `out`.
Status RunMixedWindows(Evaluator& eval, const CallExpr& call, const FunctionCode& code, const Steps& steps,
                       const RangeShape& shape, std::span<const Scalar> scalars, const RowName& name,
                       const SeriesSamples& samples, Vector& out);
/// functions_window.cpp: runs `code.window` over the range-vector argument of `call`.
Result<Vector> CallWindowFunction(Evaluator& eval, const CallExpr& call, const FunctionCode& code, const Steps& steps);

namespace fn {

// functions_math.cpp
double Sgn(double value);
double Deg(double value);
double Rad(double value);
Result<Vector> Round(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> Clamp(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> ClampMin(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> ClampMax(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> Pi(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> MinOf(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> MaxOf(Evaluator& eval, const CallExpr& call, const Steps& steps);

// functions_time.cpp
Result<Vector> DaysInMonth(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> DayOfMonth(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> DayOfWeek(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> DayOfYear(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> Hour(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> Minute(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> Month(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> Year(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> Timestamp(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> StartTimestamp(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> Time(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> Start(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> End(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> Range(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> Step(Evaluator& eval, const CallExpr& call, const Steps& steps);

// functions_label.cpp
Result<Vector> LabelReplace(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> LabelJoin(Evaluator& eval, const CallExpr& call, const Steps& steps);

// functions_sort.cpp
Result<Vector> Sort(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> SortDesc(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> SortByLabel(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> SortByLabelDesc(Evaluator& eval, const CallExpr& call, const Steps& steps);

// functions_convert.cpp
Result<Vector> VectorOf(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Scalar> ScalarOf(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> Absent(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> AbsentOverTime(Evaluator& eval, const CallExpr& call, const Steps& steps);

// functions_histogram.cpp
Result<Vector> HistogramQuantile(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> HistogramQuantiles(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> HistogramFraction(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> HistogramAvg(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> HistogramCount(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> HistogramStddev(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> HistogramStdvar(Evaluator& eval, const CallExpr& call, const Steps& steps);
Result<Vector> HistogramSumOf(Evaluator& eval, const CallExpr& call, const Steps& steps);

// functions_info.cpp
Result<Vector> Info(Evaluator& eval, const CallExpr& call, const Steps& steps);

}  // namespace fn

}  // namespace vedette::promql
