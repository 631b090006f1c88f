// Tree to text. Print(Parse(Print(x))) == Print(x) for every expression.
#pragma once

#include <string>

#include "analytics/promql/ast.h"

namespace vedette::promql {

/// One line, as Prometheus' String(): `sum by (job) (rate(http_requests_total[5m]))`.
std::string Print(const Expr& expr);

/// Indented over several lines where it is long, as /api/v1/format_query answers.
std::string PrettyPrint(const Expr& expr);

}  // namespace vedette::promql
