// The engine's own metrics.
#pragma once

#include "analytics/promql/engine.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace vedette::promql {

/// Registered once per engine; every member is thread-safe.
struct EngineMetrics {
  explicit EngineMetrics(prometheus::Registry& registry);

  /// Counts a query that is over.
  void Finished(const Result<QueryOutcome>& outcome, std::chrono::nanoseconds total);

  prometheus::Gauge& running;
  prometheus::Gauge& waiting;
  prometheus::Gauge& query_log_enabled;
  prometheus::Counter& query_log_failures;

 private:
  prometheus::Histogram& seconds_;
  prometheus::Counter& samples_read_;
  prometheus::Counter& succeeded_;
  prometheus::Counter& bad_data_;
  prometheus::Counter& failed_;
  prometheus::Counter& over_limit_;
  prometheus::Counter& timed_out_;
  prometheus::Counter& canceled_;
};

}  // namespace vedette::promql
