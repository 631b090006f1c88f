// The tree of an expression as JSON, in the shape that Prometheus' own page reads (/api/v1/parse_query).
#pragma once

#include "analytics/promql/ast.h"
#include "dashboards/api/json_writer.h"

namespace vedette::dashboards {

void WriteExpression(JsonWriter& json, const promql::Expr& expr);

}  // namespace vedette::dashboards
