// What the discoveries count, one struct for all jobs. Thread-safe, as prometheus-cpp's counters are.
#pragma once

#include "collector/discovery/kubernetes/metrics.h"

namespace prometheus {
class Counter;
class Registry;
}  // namespace prometheus

namespace vedette::collector {

/// Good for as long as the registry lives, copies too: what may outlive the scrape manager by a moment keeps one.
struct DiscoveryMetrics {
  explicit DiscoveryMetrics(prometheus::Registry& registry);

  prometheus::Counter* file_read_failures;  // target files that could not be read or made no sense
  prometheus::Counter* http_failures;       // replies of target endpoints that were not usable
  prometheus::Counter* dns_lookups;         // one for each name and refresh
  prometheus::Counter* dns_lookup_failures;
  prometheus::Counter* consul_failures;  // requests without a usable answer
  prometheus::Counter* docker_failures;  // refreshes that failed
  prometheus::Counter* ec2_failures;     // refreshes that failed
  KubernetesMetrics kubernetes;
};

}  // namespace vedette::collector
