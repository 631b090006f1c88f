// Evaluates a planned expression over all steps, operator by operator.
//
// One object per query and thread. Types were checked by the parser, so each node is asked for the kind of value that
// it has. The operators live in files of their own and are friends in spirit: functions that take the Evaluator.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "analytics/promql/ast.h"
#include "analytics/promql/eval_context.h"
#include "analytics/promql/eval_value.h"
#include "analytics/promql/plan.h"
#include "analytics/promql/series_samples.h"
#include "analytics/promql/window.h"

namespace vedette::promql {

/// Gets each series of a range vector with all its samples; the spans are valid during the call only.
using SeriesSink = std::function<Status(const RowName& name, const SeriesSamples& samples)>;

/// What is read of a series beside its samples.
struct ReadOptions {
  bool starts = false;       // when the counters began, if the query is to know it at all
  bool counts_only = false;  // of histograms no buckets
};

class Evaluator {
 public:
  Evaluator(const Plan& plan, EvalContext& context) : plan_(plan), context_(context) {}

  /// An instant vector at every step. Errors: kExecution, kLimit, kTimeout, kCanceled, and those of the storage.
  Result<Vector> EvalVector(const Expr& expr, const Steps& steps);
  /// A scalar at every step.
  Result<Scalar> EvalScalar(const Expr& expr, const Steps& steps);
  /// The text of a string literal, parentheses removed.
  static const std::string& StringOf(const Expr& expr);

  /// The windows of a range vector expression.
  RangeShape ShapeOf(const Expr& range_vector) const;
  /// The samples that the windows of `steps` need.
  TimeRange RangeOf(const MatrixSelector& selector, const Steps& steps) const;
  /// Hands out the series of a range vector expression with the samples that the windows of `steps` need.
  /// `starts`: with the start times of the counters; subqueries have none.
  Status EachSeries(const Expr& range_vector, const Steps& steps, const SeriesSink& sink, bool starts = false);

  /// The times of the samples that a selector finds, in seconds, instead of their values; or those when their counters
  /// began, 0 where that is not known. kInfo: histograms are refused.
  enum class TimeOf { kSample, kStart, kInfo };
  Result<Vector> SampleTimes(const VectorSelector& selector, const Steps& steps, TimeOf what = TimeOf::kSample);

  EvalContext& context() { return context_; }
  const Plan& plan() const { return plan_; }
  Vector NewVector(std::size_t steps) { return Vector(context_.budget, steps); }

 private:
  Result<Vector> VectorAt(const Expr& expr, const Steps& steps);
  Result<Vector> VectorOnce(const Expr& expr, const Steps& steps);
  Result<Scalar> ScalarOnce(const Expr& expr, const Steps& steps);
  Result<Vector> CallVector(const CallExpr& call, const Steps& steps);
  Result<Scalar> CallScalar(const CallExpr& call, const Steps& steps);
  Result<Vector> Negate(const UnaryExpr& unary, const Steps& steps);
  Status EachSelected(const MatrixSelector& selector, const Steps& steps, const SeriesSink& sink, bool starts);
  Status EachOfSubquery(const SubqueryExpr& subquery, const Steps& steps, const SeriesSink& sink);

  const Plan& plan_;
  EvalContext& context_;
};

// eval_selector.cpp
Result<Vector> SelectVector(Evaluator& eval, const VectorSelector& selector, const Steps& steps);
/// The samples of one series within `range`, staleness markers included; `held` covers them.
Status ReadOne(EvalContext& context, const storage::Querier& querier, storage::SeriesReader& reader,
               storage::SeriesId series, const TimeRange& range, const ReadOptions& options, SeriesSamples& out,
               SampleLease& held);
/// Samples of the selected series within `range`, series by series, staleness markers included.
Status ReadSeries(EvalContext& context, std::span<const Matcher> matchers, const TimeRange& range,
                  const ReadOptions& options, const SeriesSink& sink);

// eval_smooth.cpp
/// Values on the straight line between the samples around each step; the newest sample where none follows.
Status SmoothSelected(EvalContext& context, const VectorSelector& selector, const Steps& steps,
                      const SeriesSamples& samples, Vector& out, std::size_t row);

// eval_names.cpp
/// The values mean something else from here on: names go now, or are marked to go at the end.
/// Errors: kExecution when two series become the same and overlap.
Status DropNames(EvalContext& context, Vector& vector);
/// Rows that are marked lose their names; then as MergeRows().
Status DropMarkedNames(Vector& vector);
/// Rows with equal labels become one. Errors: kExecution when two of them have a value at the same step.
Status MergeRows(Vector& vector);

}  // namespace vedette::promql
