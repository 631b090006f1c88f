// Which range queries can be answered step by step: what comes out at a step depends on that step and the data around
// it, not on where the range begins and ends. Results of such queries can be kept and continued (cached_run.h).
#pragma once

#include <string_view>

#include "analytics/promql/ast.h"

namespace vedette::promql {

/// Why an expression cannot be answered step by step, a word for metrics and people; empty: it can, unless histograms
/// or labels say otherwise once data is read (EvalContext::bound_to_range).
///   "time"       `@`, range(): a fixed time, or the range itself
///   "order"      topk, bottomk, limitk choose by the order of what has no order of its own
///   "names"      series of several names that may lose them: whether that is an error is asked over the whole range
///   "parameter"  a parameter of an aggregation is not a plain number: all its values are looked at together
///   "function"   info()
std::string_view BoundToRange(const Expr& expr, bool delayed_name_removal);

}  // namespace vedette::promql
