// Values of duration expressions, which depend on the step and the range of the query that asks.
#pragma once

#include "analytics/promql/ast.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::promql {

/// What step() and range() mean; both are zero in instant queries.
struct DurationContext {
  Millis step{0};
  Millis range{0};
};

/// The value in whole milliseconds, cut towards zero.
/// Errors: kExecution when it is NaN, infinite or beyond 292 years, divides by zero, or is not above zero and
/// `allow_negative` is off. The message starts with the place, `<start>:<end>` in bytes, as Prometheus writes it.
Result<Millis> EvaluateDuration(const DurationExpr& expr, const DurationContext& context, bool allow_negative);

/// Fills `range`, `step` and `offset` of every selector and subquery that has an expression for them. Meant for the
/// engine's own copy of the tree. Errors: those of EvaluateDuration().
Status ResolveDurations(Expr& expr, const DurationContext& context);

}  // namespace vedette::promql
