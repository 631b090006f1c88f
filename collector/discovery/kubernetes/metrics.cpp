#include "collector/discovery/kubernetes/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

namespace vedette::collector {

KubernetesMetrics::KubernetesMetrics(prometheus::Registry& registry) {
  auto& all_events = prometheus::BuildCounter()
                         .Name("prometheus_sd_kubernetes_events_total")
                         .Help("The number of Kubernetes events handled.")
                         .Register(registry);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::string role(KubernetesRoleName(static_cast<KubernetesRole>(i)));
    events[i] = {&all_events.Add({{"role", role}, {"event", "add"}}),
                 &all_events.Add({{"role", role}, {"event", "update"}}),
                 &all_events.Add({{"role", role}, {"event", "delete"}})};
  }
  failures = &prometheus::BuildCounter()
                  .Name("prometheus_sd_kubernetes_failures_total")
                  .Help("The number of failed WATCH/LIST requests.")
                  .Register(registry)
                  .Add({});
  auto& refused = prometheus::BuildCounter()
                      .Name("vedette_collector_kubernetes_objects_refused_total")
                      .Help("Objects of the Kubernetes API that were not taken; what was known of them stays.")
                      .Register(registry);
  too_large = &refused.Add({{"reason", "too_large"}});
  malformed = &refused.Add({{"reason", "malformed"}});
  unexpected = &refused.Add({{"reason", "unexpected"}});
  auto& emptied = prometheus::BuildCounter()
                      .Name("vedette_collector_kubernetes_groups_emptied_total")
                      .Help("Target groups that were left without targets because there would have been too many.")
                      .Register(registry);
  group_limit = &emptied.Add({{"reason", "group_limit"}});
  total_limit = &emptied.Add({{"reason", "total_limit"}});
}

}  // namespace vedette::collector
