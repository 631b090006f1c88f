#include "collector/push/push_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace vedette::collector {
namespace {

// In the order of the enums.
constexpr std::array<const char*, PushMetrics::kProtocols> kProtocolNames = {
    "remote_write", "remote_write_2", "otlp", "pushgateway", "influx", "graphite"};
constexpr std::array<const char*, PushMetrics::kReasons> kReasonNames = {
    "too_new",       "too_old",      "before_1970", "bad_labels",  "series_limit",
    "bad_histogram", "bad_exemplar", "no_number",   "temporality", "bad_line"};

prometheus::Family<prometheus::Counter>& PushCounters(prometheus::Registry& registry, const char* name,
                                                      const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

}  // namespace

PushMetrics::PushMetrics(prometheus::Registry& registry) {
  auto& requests =
      PushCounters(registry, "vedette_collector_push_requests_total", "Pushed requests by protocol and result.");
  auto& samples = PushCounters(registry, "vedette_collector_push_samples_total", "Samples taken in by pushing.");
  for (std::size_t i = 0; i < kProtocols; ++i) {
    const std::string protocol = kProtocolNames[i];
    by_protocol[i] = {.ok = &requests.Add({{"protocol", protocol}, {"result", "ok"}}),
                      .refused = &requests.Add({{"protocol", protocol}, {"result", "refused"}}),
                      .failed = &requests.Add({{"protocol", protocol}, {"result", "failed"}}),
                      .samples = &samples.Add({{"protocol", protocol}})};
  }
  auto& dropped = PushCounters(registry, "vedette_collector_push_samples_dropped_total", "Pushed samples not kept.");
  for (std::size_t i = 0; i < kReasons; ++i) drop[i] = &dropped.Add({{"reason", kReasonNames[i]}});
  auto& found = PushCounters(registry, "vedette_collector_push_series_total", "Pushed series by how they were found.");
  cached = &found.Add({{"way", "cached"}});
  parsed = &found.Add({{"way", "parsed"}});
  bytes_in_flight = &prometheus::BuildGauge()
                         .Name("vedette_collector_push_in_flight_bytes")
                         .Help("Memory of the pushed requests that are being worked on.")
                         .Register(registry)
                         .Add({});
}

}  // namespace vedette::collector
