// Which queries can be answered series by series: what comes out for one series depends on no other one.
#pragma once

#include "analytics/promql/ast.h"

namespace vedette::promql {

/// The only selector of the expression, when the query may be evaluated for any part of the series that it finds and
/// the results strung together: functions over single series, operations with numbers, subqueries of these. Null
/// otherwise, also when series of several names might come out with the same labels.
const VectorSelector* SeriesWiseSelector(const Expr& expr);

}  // namespace vedette::promql
