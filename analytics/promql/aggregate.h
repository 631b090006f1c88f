// Aggregation operators: sum, avg, topk, count_values, ... over groups of series.
#pragma once

#include <span>
#include <vector>

#include "analytics/promql/eval.h"

namespace vedette::promql {

/// Evaluates the operand and its parameter, then aggregates. Errors: kExecution for a parameter out of range, and those
/// of the operand.
Result<Vector> EvalAggregate(Evaluator& eval, const AggregateExpr& aggregate, const Steps& steps);

/// Rows of one group, in the order of the input.
struct Group {
  RowName name;
  std::vector<std::size_t> rows;
};

/// Groups by labels, in the order in which they appear.
std::vector<Group> GroupRows(const AggregateExpr& aggregate, const Vector& vector);

/// What sum, avg, count and group make of native histograms, in rows of `out` that hold the result of the floats, one
/// per group; the other operators leave histograms out and say so (aggregate_histograms.cpp).
Status AggregateHistograms(Evaluator& eval, const AggregateExpr& aggregate, const Vector& vector,
                           std::span<const Group> groups, Vector& out);

/// topk, bottomk, limitk, limit_ratio: a choice of the input's own series (aggregate_choice.cpp).
Result<Vector> ChooseSeries(Evaluator& eval, const AggregateExpr& aggregate, const Steps& steps, Vector vector,
                            const Scalar& param);

/// count_values: one series per group and value (aggregate_values.cpp).
Result<Vector> CountValues(Evaluator& eval, const AggregateExpr& aggregate, const Steps& steps, const Vector& vector);

}  // namespace vedette::promql
