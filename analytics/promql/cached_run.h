// A range query that goes on where the result of an earlier one ends: a dashboard that is refreshed.
//
// Kept are results of queries that can be answered step by step (step_wise.h), by the printed expression, the step, the
// phase of the steps, the lookback and roughly the number of steps. A kept step is used while no sample changed that
// its evaluation may look at: the store tells from which time on samples changed since (storage::ChangeLog). As scrapes
// change what is newest, all but the last few steps stay; late samples, deletions and imports take away what they may
// have changed. The steps that are left are evaluated as a query of their own, and the parts joined by labels.
//
// What is answered is what an evaluation as a whole would say, but for the last digit of functions that add up long
// windows. Where only such an evaluation can tell (histograms, annotations of steps that are not looked at again), it
// is done.
#pragma once

#include <string_view>

#include "analytics/promql/engine_run.h"
#include "analytics/promql/result_cache.h"

namespace vedette::promql {

/// As Run(), for range queries. Fills QueryOutcome::cache.
Result<QueryOutcome> RunCached(ResultCache& cache, const Expr& expr, const QueryRun& run);

}  // namespace vedette::promql
