// Pieces of an expression that the one-line and the indented form share.
#pragma once

#include <string>

#include "analytics/promql/ast.h"

namespace vedette::promql {

/// `sum by (job) `, `topk`: what stands before the arguments.
void AppendAggregateHead(std::string& out, const AggregateExpr& aggregate);
/// `== bool on (job) group_left ()`: the operator with its modifiers.
void AppendOperator(std::string& out, const BinaryExpr& binary);
/// `Inf ^ x`: the infinity is written without its usual sign, which would be read as one of the whole power.
bool IsPowerOfInfinity(const BinaryExpr& binary);
/// `[5m:1m] @ end() offset 1h`
void AppendSubquerySuffix(std::string& out, const SubqueryExpr& subquery);

}  // namespace vedette::promql
