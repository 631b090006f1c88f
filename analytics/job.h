// What a single analytics job is to the schedule in jobs.cpp, and what jobs share. Internal to analytics/.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/jobs.h"
#include "analytics/options.h"
#include "core/labels.h"
#include "core/result.h"
#include "storage/state.h"
#include "storage/storage.h"

namespace prometheus {
class Counter;
class Gauge;
class Registry;
}  // namespace prometheus

namespace vedette::analytics {

/// The table of model states. Keys: "<job>/" for the job itself, "<job>/<labels>" for the model of a series.
inline constexpr std::string_view kModelTable = "analytics_models";

/// Own metrics of one job.
struct JobMetrics {
  JobMetrics(prometheus::Registry& registry, const std::string& job_name);
  prometheus::Counter& runs;
  prometheus::Counter& failures;
  prometheus::Gauge& duration_seconds;
  prometheus::Gauge& series;
  prometheus::Counter& dropped_limit;      // series beyond max_series
  prometheus::Counter& dropped_duplicate;  // series that differ in their metric name only
  prometheus::Counter& dropped_refused;    // the model says that it cannot forecast them
  prometheus::Counter& dropped_by_store;   // samples that the store did not take
};

struct JobContext {
  const JobOptions& options;
  const RangeQuery& query;
  storage::Storage& storage;
  storage::StateStore& state;
  JobMetrics& metrics;
};

/// One thread at a time.
class Job {
 public:
  virtual ~Job() = default;
  /// Reads what Save() wrote. Damaged rows start anew and are logged. Errors: kIo.
  virtual Status Load() = 0;
  /// `now` is when it was due. Errors: of the query or the store.
  virtual Status Run(TimeMs now) = 0;
  /// Adds everything that changed since the last Save().
  virtual void Save(storage::StateBatch& batch) = 0;
  /// Run() has been done for all times up to this; nothing when it never was.
  virtual std::optional<TimeMs> LastRun() const = 0;
};
std::unique_ptr<Job> NewAnomalyJob(const JobContext& context);   // anomaly/anomaly_job.cpp
std::unique_ptr<Job> NewForecastJob(const JobContext& context);  // forecast/forecast_job.cpp

/// The latest multiple of `span` that is not after `time`.
TimeMs AlignDown(TimeMs time, Millis span);

/// The series of a result that a job works on: without their metric name, each label set once, at most max_series; the
/// others are counted as dropped.
std::vector<promql::ResultSeries> WatchedSeries(promql::QueryOutcome outcome, const JobContext& context);

/// Commits and counts what the store dropped.
Status CommitResults(storage::Appender& appender, const JobContext& context);

/// What the state of a job depends on: another expression, step or model starts anew.
std::string Fingerprint(const JobOptions& options);

/// The row of the job itself.
struct JobRow {
  std::string fingerprint;
  TimeMs last_run;

  static std::string Encode(const JobRow& row);
  static Result<JobRow> Decode(std::string_view bytes);
};

}  // namespace vedette::analytics
