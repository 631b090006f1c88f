#include "collector/discovery/discovery_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

namespace vedette::collector {
namespace {

prometheus::Counter* DiscoveryCounter(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

DiscoveryMetrics::DiscoveryMetrics(prometheus::Registry& registry)
    : file_read_failures(
          DiscoveryCounter(registry, "vedette_collector_file_sd_read_failures_total",
                           "Target files that could not be read; their last good content stays in force.")),
      http_failures(
          DiscoveryCounter(registry, "vedette_collector_http_sd_failures_total",
                           "Target endpoints that did not answer as they should; their last good targets stay.")),
      dns_lookups(DiscoveryCounter(registry, "vedette_collector_dns_sd_lookups_total", "Names looked up by dns_sd.")),
      dns_lookup_failures(
          DiscoveryCounter(registry, "vedette_collector_dns_sd_lookup_failures_total",
                           "Names that no DNS server had an answer for; their last good targets stay.")),
      consul_failures(
          DiscoveryCounter(registry, "vedette_collector_consul_sd_rpc_failures_total",
                           "Requests that Consul did not answer as it should; the last good targets stay.")),
      docker_failures(DiscoveryCounter(registry, "vedette_collector_docker_sd_failures_total",
                                       "Refreshes that a Docker daemon did not answer as it should.")),
      ec2_failures(DiscoveryCounter(registry, "vedette_collector_ec2_sd_failures_total",
                                    "Refreshes that EC2, or who gives the credentials for it, did not answer.")),
      kubernetes(registry) {}

}  // namespace vedette::collector
