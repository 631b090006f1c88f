// The line of a query in the query log, with the members that Prometheus writes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "analytics/promql/engine.h"
#include "analytics/promql/plan.h"
#include "core/result.h"

namespace vedette::promql {

/// `text`: of the query. `total`: how long it took, which is all there is to say of one that failed.
std::string QueryLogMembers(std::string_view text, const QueryTimes& times, bool instant, std::string_view origin,
                            const Result<QueryOutcome>& outcome, std::chrono::nanoseconds total);

}  // namespace vedette::promql
