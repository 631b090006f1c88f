#include "dashboards/http/http_metrics.h"

namespace vedette::dashboards {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

/// Seconds: a label look-up takes a millisecond, a month of data some seconds, and two minutes is the query timeout.
const prometheus::Histogram::BucketBoundaries kDurations = {0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 120};

}  // namespace

HttpMetrics::HttpMetrics(prometheus::Registry& registry)
    : connections(BuildGauge().Name("vedette_http_connections").Help("Open connections.").Register(registry).Add({})),
      requests_(BuildCounter()
                    .Name("vedette_http_requests_total")
                    .Help("Answered requests by route and status code.")
                    .Register(registry)),
      durations_(BuildHistogram()
                     .Name("vedette_http_request_duration_seconds")
                     .Help("From the complete request to the complete answer, waiting for a worker included.")
                     .Register(registry)),
      refused_(BuildCounter()
                   .Name("vedette_http_refused_total")
                   .Help("Connections and requests that no handler has seen.")
                   .Register(registry)),
      hung_up_(BuildCounter()
                   .Name("vedette_http_hang_ups_total")
                   .Help("Clients that left before their answer was complete.")
                   .Register(registry)
                   .Add({})),
      sent_bytes_(BuildCounter()
                      .Name("vedette_http_sent_body_bytes_total")
                      .Help("Response bodies as sent.")
                      .Register(registry)
                      .Add({})) {}

void HttpMetrics::Answered(std::string_view pattern, int status, double seconds, std::size_t body_bytes) {
  prometheus::Counter* counter = nullptr;
  prometheus::Histogram* histogram = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    prometheus::Counter*& by_code = by_code_[{pattern, status}];
    if (by_code == nullptr) {
      by_code = &requests_.Add({{"handler", std::string(pattern)}, {"code", std::to_string(status)}});
    }
    prometheus::Histogram*& by_pattern = by_pattern_[pattern];
    if (by_pattern == nullptr) by_pattern = &durations_.Add({{"handler", std::string(pattern)}}, kDurations);
    counter = by_code;
    histogram = by_pattern;
  }
  counter->Increment();
  histogram->Observe(seconds);
  sent_bytes_.Increment(static_cast<double>(body_bytes));
}

void HttpMetrics::Refused(std::string_view reason) { refused_.Add({{"reason", std::string(reason)}}).Increment(); }

}  // namespace vedette::dashboards
