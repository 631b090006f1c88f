// Where targets come from. A discovery reports what it knows, or what of it has changed; the scrape pool does the rest.
//
// Another kind is a struct in options.h and a list of it in ScrapeConfig, one more function that returns a Discovery
// (most are a PolledTask, see discovery_task.h), and its rows in kinds.h and kinds.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/discovery/options.h"
#include "core/clock.h"
#include "core/http_client.h"
#include "core/labels.h"
#include "core/result.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio

namespace vedette::collector {

struct DiscoveryMetrics;
struct KubernetesClusters;

/// Targets that were found in one place and share labels.
struct TargetGroup {
  std::string source;           // names the place: "file.json:0"
  std::vector<Labels> targets;  // each with __address__
  Labels labels;                // added to each target, which wins
  bool operator==(const TargetGroup&) const = default;
};

/// What a discovery reports.
struct TargetUpdate {
  TargetUpdate() = default;
  /// All groups: those that are not among them are gone.
  TargetUpdate(std::vector<TargetGroup> all) : groups(std::move(all)) {}  // NOLINT: a list of groups is such a report

  std::vector<TargetGroup> groups;
  /// False: the groups that have changed, each whole; one without targets is gone, all others stay as they are.
  bool complete = true;
};

class Discovery {
 public:
  /// Called from any thread, never from two at once.
  using Update = std::function<void(TargetUpdate)>;

  /// Ends it. An update under way may still arrive a moment later: what `update` refers to must be able to tell.
  virtual ~Discovery() = default;
  /// Once. The first update may come before Start() returns.
  virtual void Start(Update update) = 0;
};

/// What discoveries need from the rest of the agent. Everything outlives them.
struct DiscoveryEnvironment {
  boost::asio::io_context& io;
  boost::asio::thread_pool& workers;
  const Clock& clock;
  DiscoveryMetrics& metrics;
  std::function<Result<std::unique_ptr<HttpClient>>(boost::asio::io_context&, const HttpConfig&)> new_client;
  KubernetesClusters* clusters = nullptr;  // null: each Kubernetes discovery is for itself
};

/// Of a discovery of the same place that a reload replaces: what it reported last.
using KnownGroups = std::optional<std::vector<TargetGroup>>;

/// A group for each list.
std::vector<TargetGroup> StaticGroups(const std::vector<StaticConfig>& configs);
std::unique_ptr<Discovery> NewStaticDiscovery(const std::vector<StaticConfig>& configs);

/// Looks at the files every few seconds and reads those that changed; reads all of them at each refresh_interval. A
/// file that is broken keeps its last good targets, is logged once per change and counted. Reading happens on a worker.
std::unique_ptr<Discovery> NewFileDiscovery(const DiscoveryEnvironment& environment, const FileSdConfig& config);

/// Asks the endpoint at each refresh_interval. A reply that is not 200, JSON and a list of groups keeps the last good
/// targets, is logged when it begins and counted. Errors of this and the following: of the HTTP client.
Result<std::unique_ptr<Discovery>> NewHttpDiscovery(const DiscoveryEnvironment& environment, const HttpSdConfig& config,
                                                    KnownGroups known);

struct DnsPlace {  // where tests have their own
  std::string resolv_conf = "/etc/resolv.conf";
  std::uint16_t port = 53;
};
/// Looks each name up at each refresh_interval. A name that cannot be resolved keeps its last good targets, is logged
/// when that begins and counted.
std::unique_ptr<Discovery> NewDnsDiscovery(const DiscoveryEnvironment& environment, const DnsSdConfig& config,
                                           const DnsPlace& place = {});

/// Watches the catalog and each service with blocking queries. What a query that fails would have said stays as it was.
/// Reports at most a few times in a second.
Result<std::unique_ptr<Discovery>> NewConsulDiscovery(const DiscoveryEnvironment& environment,
                                                      const ConsulSdConfig& config, KnownGroups known);

/// Asks the daemon for its containers and networks at each refresh_interval.
Result<std::unique_ptr<Discovery>> NewDockerDiscovery(const DiscoveryEnvironment& environment,
                                                      const DockerSdConfig& config, KnownGroups known);

/// The value of an environment variable, empty when it is not set.
using EnvironmentLookup = std::function<std::string(const char* name)>;
/// Asks EC2 for the instances of the region at each refresh_interval. `lookup` null: the environment of the process.
Result<std::unique_ptr<Discovery>> NewEc2Discovery(const DiscoveryEnvironment& environment, const Ec2SdConfig& config,
                                                   KnownGroups known, EnvironmentLookup lookup = {});

/// Watches the objects of a cluster and reports the groups that a change concerns, soon after it. While the API server
/// cannot be asked, what is known stays; before anything is, none are reported. `has_known`: the listener goes on with
/// what an earlier discovery of the same cluster reported, until this one knows. Those of equal configurations share
/// their watches.
std::unique_ptr<Discovery> NewKubernetesDiscovery(const DiscoveryEnvironment& environment,
                                                  const KubernetesSdConfig& config, bool has_known = false);

}  // namespace vedette::collector
