// What a Consul agent is asked for, and what it answers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/discovery/discovery.h"
#include "core/http_client.h"
#include "core/result.h"

namespace vedette::collector {

/// GET of `path` ("/v1/catalog/services"), without a deadline. `index` 0: answered at once; else when there is a newer
/// index, or after `wait`. Errors: kBadData for a server that cannot be asked.
Result<HttpRequest> ConsulRequest(const ConsulSdConfig& config, std::string_view path, std::uint64_t index, Millis wait,
                                  std::string_view filter);
/// `path` of the instances of a service; their tags are a matter of the query.
std::string ConsulServicePath(std::string_view service);

/// X-Consul-Index; 0 when there is none that makes sense.
std::uint64_t ConsulIndex(const HttpResponse& response);

/// Of /v1/agent/self.
Result<std::string> ParseConsulDatacenter(std::string_view body);
/// Of /v1/catalog/services: the tags of each service.
Result<std::map<std::string, std::vector<std::string>>> ParseConsulServices(std::string_view body);
/// Of /v1/health/service/<service>: its instances.
Result<TargetGroup> ParseConsulTargets(std::string_view body, std::string_view service, std::string_view datacenter,
                                       std::string_view tag_separator);

}  // namespace vedette::collector
