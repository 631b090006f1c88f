// Runs the configured analytics jobs: evaluates an expression, feeds a model per series, writes what the models say
// back as ordinary series.
//
//   vedette_anomaly_score, vedette_anomaly_expected, vedette_anomaly_lower, vedette_anomaly_upper
//       {job_name="<job>", <labels of the series>}, one sample per step
//   vedette_forecast{forecast="<job>", quantile="0.1" | "0.5" | "0.9", <labels of the series>}, ahead of the clock
//   vedette_forecast_error_ratio{forecast="<job>", <labels>}, how good past forecasts were beside the value one season
//   ago
//
// A sample of a forecast for time T that was made n whole job intervals ahead is written n milliseconds before T. So
// every run has its own samples, the newest forecast is what a query at T finds, and the older ones stay readable.
//
// App owns one AnalyticsJobs; Start() makes the one thread that runs the jobs. Everything else is on the caller's
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "analytics/options.h"
#include "analytics/promql/engine.h"
#include "core/clock.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/state.h"
#include "storage/storage.h"

namespace prometheus {
class Registry;
}

namespace vedette::analytics {

/// Evaluates an expression at start, start + step, ... <= end; Engine::Range in the agent, a table in tests.
using RangeQuery =
    std::function<Result<promql::QueryOutcome>(std::string_view expr, TimeMs start, TimeMs end, Millis step)>;
/// `engine` outlives the function.
RangeQuery EngineQuery(const promql::Engine& engine);

class AnalyticsJobs {
 public:
  /// Reads the saved model states. References outlive the jobs.
  /// Errors: as AnalyticsOptions::Validate(); kIo. A state of an unknown version or a changed job starts anew.
  static Result<std::unique_ptr<AnalyticsJobs>> Open(const AnalyticsOptions& options, RangeQuery query,
                                                     storage::Storage& storage, storage::StateStore& state,
                                                     const Clock& clock, prometheus::Registry& registry);
  virtual ~AnalyticsJobs() = default;

  /// Runs every job that is due at `now`, in the configured order, and saves states when that is due. What it writes
  /// depends on the data, the states and `now` only. One thread at a time; never together with Start().
  /// Errors: the first one; the other jobs are run all the same.
  virtual Status RunOnce(TimeMs now) = 0;

  /// Writes all changed states. RunOnce() does it every save_interval, Stop() at the end.
  virtual Status Save() = 0;

  /// Runs the jobs in a thread of its own until Stop(), which waits for the job at work and saves.
  virtual void Start() = 0;
  virtual void Stop() = 0;
};

}  // namespace vedette::analytics
