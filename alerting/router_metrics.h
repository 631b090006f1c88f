// Own metrics of the alert router: vedette_alerting_*.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "alerting/notify/outbox.h"
#include "alerting/router_core.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace vedette::alerting {

/// Thread-safe; the registry outlives it.
class RouterMetrics {
 public:
  explicit RouterMetrics(prometheus::Registry& registry);

  /// After a step, under the router's lock: what has been counted since, and the present sizes.
  void Publish(RouterCore& core);
  /// A message's answer.
  void Delivery(std::string_view kind, const OutboxReport& report, TimeMs now);
  void TemplateFailed(std::string_view kind);

 private:
  prometheus::Family<prometheus::Gauge>& open_;
  prometheus::Family<prometheus::Counter>& opened_;
  prometheus::Counter& resolved_;
  prometheus::Counter& accepted_;
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Family<prometheus::Gauge>& depth_;
  prometheus::Family<prometheus::Counter>& dropped_;
  prometheus::Family<prometheus::Counter>& deliveries_;
  prometheus::Family<prometheus::Histogram>& latency_;
  prometheus::Family<prometheus::Counter>& template_failures_;
  prometheus::Counter& failed_writes_;
  prometheus::Counter& bad_rows_;
};

}  // namespace vedette::alerting
