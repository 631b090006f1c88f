// Limits in time, and views of the data.
#include "analytics/promql/eval_context.h"

namespace vedette::promql {

Status EvalContext::Check() const {
  if (stop.stop_requested()) return Fail(Code::kCanceled, "query was canceled in expression evaluation");
  if (deadline.Passed()) return Fail(Code::kTimeout, "query timed out in expression evaluation");
  return Ok();
}

const storage::Querier& EvalContext::QuerierFor(const TimeRange& range) {
  for (const auto& [covered, querier] : queriers_) {
    if (covered.min <= range.min && range.max <= covered.max) return *querier;
  }
  queriers_.emplace_back(range, storage.NewQuerier(range));
  return *queriers_.back().second;
}

}  // namespace vedette::promql
