// The kinds of service discovery that a job can have: what the scrape pool needs to know about them.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "collector/discovery/discovery.h"
#include "collector/options.h"

namespace vedette::collector {

/// One discovery of a job; all its static lists are one.
using DiscoveryConfig = std::variant<std::vector<StaticConfig>, FileSdConfig, HttpSdConfig, DnsSdConfig, ConsulSdConfig,
                                     DockerSdConfig, Ec2SdConfig, KubernetesSdConfig>;

std::vector<DiscoveryConfig> DiscoveriesOf(const ScrapeConfig& job);

/// Errors: kBadData for settings of an HTTP client that none can be made of; names the kind.
Status CheckDiscoveries(const ScrapeConfig& job);

/// Whether both ask the same place, though in other ways: targets that one has found are what the other will find.
bool AskSamePlace(const DiscoveryConfig& a, const DiscoveryConfig& b);

/// Errors: as CheckDiscoveries().
Result<std::unique_ptr<Discovery>> NewDiscovery(const DiscoveryEnvironment& environment, const DiscoveryConfig& config,
                                                KnownGroups known);

}  // namespace vedette::collector
