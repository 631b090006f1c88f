// What the Kubernetes discoveries of all jobs count: two of Prometheus' metrics, and what was refused.
#pragma once

#include <array>

#include "collector/discovery/options.h"

namespace prometheus {
class Counter;
class Registry;
}  // namespace prometheus

namespace vedette::collector {

/// Good for as long as the registry lives, copies too. Thread-safe.
struct KubernetesMetrics {
  explicit KubernetesMetrics(prometheus::Registry& registry);

  struct Events {
    prometheus::Counter *added, *updated, *deleted;
  };
  std::array<Events, 6> events;    // by KubernetesRole
  prometheus::Counter* failures;   // requests to list or watch
  prometheus::Counter* too_large;  // objects that were not taken, by reason
  prometheus::Counter* malformed;
  prometheus::Counter* unexpected;
  prometheus::Counter* group_limit;  // groups that are empty because of their targets, by reason
  prometheus::Counter* total_limit;
};

}  // namespace vedette::collector
