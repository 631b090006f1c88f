// Names and labels of the engine's own metrics.
#include "analytics/promql/engine_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace vedette::promql {

namespace {

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& AddResult(prometheus::Registry& registry, const char* result) {
  return prometheus::BuildCounter()
      .Name("vedette_promql_queries_total")
      .Help("Queries evaluated, by what became of them.")
      .Register(registry)
      .Add({{"result", result}});
}

}  // namespace

EngineMetrics::EngineMetrics(prometheus::Registry& registry)
    : running(AddGauge(registry, "vedette_promql_queries_running", "Queries being evaluated.")),
      waiting(AddGauge(registry, "vedette_promql_queries_waiting", "Queries waiting for a place.")),
      query_log_enabled(AddGauge(registry, "vedette_promql_query_log_enabled", "Whether queries are written down.")),
      query_log_failures(prometheus::BuildCounter()
                             .Name("vedette_promql_query_log_failures_total")
                             .Help("Queries that are not in the query log, because its file cannot take them.")
                             .Register(registry)
                             .Add({})),
      seconds_(prometheus::BuildHistogram()
                   .Name("vedette_promql_query_seconds")
                   .Help("Time of a query from its arrival to its result, waiting included.")
                   .Register(registry)
                   .Add({}, prometheus::Histogram::BucketBoundaries{0.001, 0.01, 0.1, 1, 10, 100})),
      samples_read_(prometheus::BuildCounter()
                        .Name("vedette_promql_samples_read_total")
                        .Help("Samples that queries read from the store.")
                        .Register(registry)
                        .Add({})),
      succeeded_(AddResult(registry, "success")),
      bad_data_(AddResult(registry, "bad_data")),
      failed_(AddResult(registry, "execution")),
      over_limit_(AddResult(registry, "limit")),
      timed_out_(AddResult(registry, "timeout")),
      canceled_(AddResult(registry, "canceled")) {}

void EngineMetrics::Finished(const Result<QueryOutcome>& outcome, std::chrono::nanoseconds total) {
  seconds_.Observe(std::chrono::duration<double>(total).count());
  if (outcome) {
    samples_read_.Increment(static_cast<double>(outcome->stats.samples_read));
    succeeded_.Increment();
    return;
  }
  switch (outcome.error().code) {
    case Code::kBadData:
      return bad_data_.Increment();
    case Code::kLimit:
      return over_limit_.Increment();
    case Code::kTimeout:
      return timed_out_.Increment();
    case Code::kCanceled:
      return canceled_.Increment();
    default:
      return failed_.Increment();
  }
}

}  // namespace vedette::promql
