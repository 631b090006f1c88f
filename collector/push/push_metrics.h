// Our own metrics about what is pushed.
#pragma once

#include <array>

#include "collector/push/intake.h"

namespace prometheus {
class Counter;
class Gauge;
}  // namespace prometheus

namespace vedette::collector {

struct PushMetrics {
  explicit PushMetrics(prometheus::Registry& registry);

  struct OfProtocol {
    prometheus::Counter *ok, *refused, *failed, *samples;
  };
  static constexpr std::size_t kProtocols = 6, kReasons = 10;
  std::array<OfProtocol, kProtocols> by_protocol;   // by PushProtocol
  std::array<prometheus::Counter*, kReasons> drop;  // by PushDrop
  prometheus::Counter *cached, *parsed;
  prometheus::Gauge* bytes_in_flight;

  OfProtocol& Of(PushProtocol protocol) { return by_protocol[static_cast<std::size_t>(protocol)]; }
  prometheus::Counter& Dropped(PushDrop reason) { return *drop[static_cast<std::size_t>(reason)]; }
};

}  // namespace vedette::collector
