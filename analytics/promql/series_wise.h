// Which queries can be answered series by series: what comes out for one series depends on no other one.
#pragma once

#include <span>

#include "analytics/promql/ast.h"
#include "storage/storage.h"

namespace vedette::promql {

/// A number, whatever its sign.
bool IsPlainNumber(const Expr& expr);

/// The selector names one metric.
bool HasOneName(const VectorSelector& selector);

/// The only selector of the expression, when the query may be evaluated for any part of the series that it finds and
/// the results strung together: functions over single series, operations with numbers, subqueries of these. Null
/// otherwise, also when series of several names might come out with the same labels.
const VectorSelector* SeriesWiseSelector(const Expr& expr);

/// Whether two of the series that the selector found might come out with the same labels all the same, which only an
/// evaluation as a whole notices: where __name__ goes, __type__ and __unit__ go as well.
bool MayComeOutAlike(const Expr& expr, std::span<const storage::SeriesEntry> found);

}  // namespace vedette::promql
