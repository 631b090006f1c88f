#include "analytics/job.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "storage/coding.h"

namespace vedette::analytics {
namespace {

constexpr std::uint8_t kRowVersion = 1;

prometheus::Counter& CounterOf(prometheus::Registry& registry, const char* name, const char* help,
                               const std::string& job_name) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({{"job_name", job_name}});
}

prometheus::Gauge& GaugeOf(prometheus::Registry& registry, const char* name, const char* help,
                           const std::string& job_name) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({{"job_name", job_name}});
}

prometheus::Counter& DroppedOf(prometheus::Registry& registry, const std::string& job_name, const char* reason) {
  return prometheus::BuildCounter()
      .Name("vedette_analytics_dropped_total")
      .Help("Series and samples that analytics jobs left out.")
      .Register(registry)
      .Add({{"job_name", job_name}, {"reason", reason}});
}

}  // namespace

JobMetrics::JobMetrics(prometheus::Registry& registry, const std::string& job_name)
    : runs(CounterOf(registry, "vedette_analytics_job_runs_total", "Runs of analytics jobs.", job_name)),
      failures(CounterOf(registry, "vedette_analytics_job_failures_total", "Runs that ended with an error.", job_name)),
      duration_seconds(
          GaugeOf(registry, "vedette_analytics_job_duration_seconds", "Duration of the last run.", job_name)),
      series(GaugeOf(registry, "vedette_analytics_job_series", "Series that have a model or a forecast.", job_name)),
      dropped_limit(DroppedOf(registry, job_name, "max_series")),
      dropped_duplicate(DroppedOf(registry, job_name, "duplicate_labels")),
      dropped_refused(DroppedOf(registry, job_name, "cannot_be_forecast")),
      dropped_by_store(DroppedOf(registry, job_name, "refused_by_store")) {}

TimeMs AlignDown(TimeMs time, Millis span) {
  const std::int64_t within = ((time.ms % span.count()) + span.count()) % span.count();
  return time - Millis(within);
}

std::vector<promql::ResultSeries> WatchedSeries(promql::QueryOutcome outcome, const JobContext& context) {
  std::vector<promql::ResultSeries> watched;
  std::set<Labels> seen;
  for (promql::ResultSeries& series : outcome.value.series) {
    Labels labels = LabelsBuilder(series.labels).Delete(kMetricName).Build();
    if (seen.size() >= context.options.max_series) {
      context.metrics.dropped_limit.Increment();
    } else if (!seen.insert(labels).second) {
      context.metrics.dropped_duplicate.Increment();
    } else if (series.points.empty()) {
      context.metrics.dropped_refused.Increment();  // only native histograms
    } else {
      watched.push_back({std::move(labels), std::move(series.points)});
    }
  }
  return watched;
}

Status CommitResults(storage::Appender& appender, const JobContext& context) {
  VEDETTE_TRY(const storage::AppendOutcome outcome, appender.Commit());
  context.metrics.dropped_by_store.Increment(static_cast<double>(outcome.too_old + outcome.too_new));
  return Ok();
}

std::string Fingerprint(const JobOptions& options) {
  return fmt::format("{}\n{}\n{}\n{}", options.kind == JobKind::kAnomaly ? "anomaly" : "forecast", options.model,
                     options.step.count(), options.expr);
}

std::string JobRow::Encode(const JobRow& row) {
  std::string out;
  out.push_back(static_cast<char>(kRowVersion));
  storage::PutSigned(out, row.last_run.ms);
  return out + row.fingerprint;
}

Result<JobRow> JobRow::Decode(std::string_view bytes) {
  storage::ByteReader in(bytes);
  const auto version = in.Byte();
  const auto last_run = in.Signed();
  if (version != kRowVersion || !last_run) return Fail(Code::kCorruption, "damaged state of an analytics job");
  return JobRow{std::string(in.rest()), TimeMs(*last_run)};
}

}  // namespace vedette::analytics
