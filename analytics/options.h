// What the analytics jobs can be told. Filled by config/ from the `analytics:` section.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace vedette::analytics {

enum class JobKind : std::uint8_t { kAnomaly, kForecast };

/// One expression that is watched (anomaly) or looked ahead (forecast). Every series of its result has its own model.
struct JobOptions {
  /// [a-zA-Z_][a-zA-Z0-9_-]*, unique; the label `job_name` of anomaly series and `forecast` of forecast series.
  std::string name;
  JobKind kind = JobKind::kAnomaly;
  /// An instant vector; counters are wrapped in rate() here.
  std::string expr;
  /// A row of the model table (anomaly/models.h, forecast/models.h); empty: its first choice.
  std::string model;
  /// How often the job runs.
  Millis interval = std::chrono::minutes(1);
  /// Spacing of the samples a model is fed with, and of those a forecast yields.
  Millis step = std::chrono::minutes(1);
  /// How much of the past a model learns from when it has no state yet.
  Millis history = std::chrono::hours(24 * 14);
  /// How far a forecast looks ahead.
  Millis horizon = std::chrono::hours(24);
  /// Length of the season; zero: found by autocorrelation.
  Millis season{0};
  /// Series beyond this many are left out and counted as dropped.
  std::size_t max_series = 1000;
};

struct AnalyticsOptions {
  bool enabled = true;
  std::vector<JobOptions> jobs;
  /// How often model states are written to the state tables; a crash costs a replay of at most this much.
  Millis save_interval = std::chrono::minutes(5);

  /// Errors: kBadData naming the job and field (empty or double name, no expression, unknown model, a step or interval
  /// below one second, more than 100,000 steps in the history or 10,000 in the horizon, a negative span).
  Status Validate() const;
};

}  // namespace vedette::analytics
