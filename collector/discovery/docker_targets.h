// What a Docker daemon is asked for, and what it answers.
#pragma once

#include <string>
#include <string_view>

#include "collector/discovery/discovery.h"
#include "core/http_client.h"
#include "core/result.h"

namespace vedette::collector {

/// GET of `path` ("/containers/json"), without a deadline. `version` ("1.45"): of the daemon's interface; empty: its
/// own choice. Errors: kBadData for a host that cannot be asked.
Result<HttpRequest> DockerRequest(const DockerSdConfig& config, std::string_view version, std::string_view path);
/// The query that selects containers; empty when all are wanted.
std::string DockerFilters(const std::vector<SdFilter>& filters);

/// Of /containers/json and /networks: a target for each TCP port of each network of each container.
Result<TargetGroup> ParseDockerTargets(std::string_view containers, std::string_view networks,
                                       const DockerSdConfig& config);

}  // namespace vedette::collector
