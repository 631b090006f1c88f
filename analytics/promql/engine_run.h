// One query from its tree to its outcome, without queueing and own metrics.
#pragma once

#include <string_view>

#include "analytics/promql/engine.h"
#include "analytics/promql/plan.h"
#include "analytics/promql/query_registry.h"
#include "analytics/promql/workers.h"
#include "core/clock.h"

namespace vedette::promql {

struct QueryRun {
  const storage::Storage& storage;
  Workers& workers;
  const EngineOptions& options;
  const Clock& clock;
  std::string_view text;  // what positions in the tree refer to; empty when it is not known
  QueryTimes times;
  bool instant = false;
  Deadline deadline;
  QueryRegistry::Ticket& ticket;
  bool explain = false;
  const std::vector<storage::SeriesEntry>* only = nullptr;  // EvalContext::only
  bool* bound_to_range = nullptr;                           // asks for EvalContext::bound_to_range
};

/// Errors: as Engine::Instant() and Engine::Range(); an exception of a library becomes kInternal.
Result<QueryOutcome> Run(const Expr& expr, const QueryRun& run);

}  // namespace vedette::promql
