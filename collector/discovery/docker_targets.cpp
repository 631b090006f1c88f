#include "collector/discovery/docker_targets.h"

#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "collector/discovery/discovery_task.h"
#include "collector/discovery/json_reader.h"
#include "core/url.h"

namespace vedette::collector {
namespace {

using Json = JsonReader::Json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

struct DockerPort {
  std::string address, type;
  std::int64_t inside = 0, outside = 0;
};
struct DockerEndpoint {
  std::string network, address;
};
struct DockerContainer {
  std::string mode;
  Pairs labels;
  bool named = false;
  std::vector<DockerPort> ports;
  std::map<std::string, DockerEndpoint> networks;  // by name
};

void AddSanitized(const Pairs& pairs, std::string_view prefix, Pairs& out) {
  for (const auto& [name, value] : pairs) out.emplace_back(SanitizedLabel(prefix, name), value);
}

/// The labels of each network, by its id.
std::unordered_map<std::string, Pairs> NetworkLabels(JsonReader& reader) {
  std::unordered_map<std::string, Pairs> all;
  for (const Json& network : reader.RootList()) {
    const auto flag = [&](std::string_view key) { return reader.Flag(network, key) ? "true" : "false"; };
    std::string id = reader.Text(network, "Id");
    Pairs labels = {{"__meta_docker_network_id", id},
                    {"__meta_docker_network_name", reader.Text(network, "Name")},
                    {"__meta_docker_network_scope", reader.Text(network, "Scope")},
                    {"__meta_docker_network_internal", flag("Internal")},
                    {"__meta_docker_network_ingress", flag("Ingress")}};
    AddSanitized(reader.TextMap(network, "Labels"), "__meta_docker_network_label_", labels);
    all[std::move(id)] = std::move(labels);
  }
  return all;
}

DockerContainer ReadContainer(JsonReader& reader, const Json& json, const std::string& id) {
  DockerContainer container;
  container.mode = reader.Text(reader.Object(json, "HostConfig"), "NetworkMode");
  const std::vector<std::string> names = reader.Texts(json, "Names");
  container.named = !names.empty();
  container.labels = {{"__meta_docker_container_id", id},
                      {"__meta_docker_container_name", names.empty() ? std::string() : names.front()},
                      {"__meta_docker_container_network_mode", container.mode},
                      {"__meta_docker_container_image", reader.Text(json, "Image")},
                      {"__meta_docker_container_image_id", reader.Text(json, "ImageID")}};
  AddSanitized(reader.TextMap(json, "Labels"), "__meta_docker_container_label_", container.labels);
  for (const Json& port : reader.List(json, "Ports")) {
    container.ports.push_back({reader.Text(port, "IP"), reader.Text(port, "Type"), reader.Number(port, "PrivatePort"),
                               reader.Number(port, "PublicPort")});
  }
  for (const auto& [name, network] : reader.Object(reader.Object(json, "NetworkSettings"), "Networks").items()) {
    if (network.is_null()) continue;
    std::string address = reader.Text(network, "IPAddress");
    if (address.empty()) address = reader.Text(network, "GlobalIPv6Address");
    container.networks[name] = {reader.Text(network, "NetworkID"), std::move(address)};
  }
  return container;
}

/// In the order of the reply, and where in it each id is.
struct DockerContainers {
  std::vector<DockerContainer> all;
  std::unordered_map<std::string, std::size_t> by_id;
};

/// A container may live in the network of another, and that again.
const DockerContainer& NetworkOwner(const DockerContainer& container, const DockerContainers& containers) {
  constexpr std::string_view kOther = "container:";
  const DockerContainer* owner = &container;
  for (std::size_t hops = 0; hops < containers.all.size() && owner->networks.empty(); ++hops) {  // no circles
    if (!owner->mode.starts_with(kOther)) break;
    const auto other = containers.by_id.find(owner->mode.substr(kOther.size()));
    if (other == containers.by_id.end()) break;
    owner = &containers.all[other->second];
  }
  return *owner;
}

void AddTargets(const DockerContainer& container, const DockerEndpoint& endpoint, const Pairs* network_labels,
                const DockerSdConfig& config, std::vector<Labels>& out) {
  LabelsBuilder common;
  common.Set("__meta_docker_network_ip", endpoint.address);
  for (const auto& [name, value] : container.labels) common.Set(name, value);
  if (network_labels != nullptr) {
    for (const auto& [name, value] : *network_labels) common.Set(name, value);
  }
  bool added = false;
  for (const DockerPort& port : container.ports) {
    if (port.type != "tcp") continue;
    LabelsBuilder labels = common;
    labels.Set("__meta_docker_port_private", std::to_string(port.inside));
    if (port.outside > 0) {
      labels.Set("__meta_docker_port_public", std::to_string(port.outside));
      labels.Set("__meta_docker_port_public_ip", port.address);
    }
    labels.Set("__address__", JoinHostPort(endpoint.address, port.inside));
    out.push_back(labels.Build());
    added = true;
  }
  if (added) return;
  const bool on_host = container.mode == "host";
  common.Set("__address__", on_host ? config.host_networking_host : JoinHostPort(endpoint.address, config.port));
  out.push_back(common.Build());
}

}  // namespace

Result<HttpRequest> DockerRequest(const DockerSdConfig& config, std::string_view version, std::string_view path) {
  HttpRequest request;
  std::string base;
  const std::string_view host = config.host;
  const std::size_t end = host.find("://");
  const std::string_view scheme = host.substr(0, end);
  if (end == std::string_view::npos) return Fail(Code::kBadData, "unable to parse docker host {}", Quote(host));
  if (scheme == "unix") {
    request.unix_socket = host.substr(end + 3);
    base = "http://docker";
  } else if (scheme == "tcp") {
    base = "http" + std::string(host.substr(end));
  } else if (scheme == "http" || scheme == "https") {
    base = host;
  } else {
    return Fail(Code::kBadData, "docker host {}: unix, tcp, http and https are spoken", Quote(host));
  }
  while (base.ends_with('/')) base.pop_back();
  request.url = base + (version.empty() ? std::string() : "/v" + std::string(version)) + std::string(path);
  request.max_body_bytes = kMaxDiscoveryReply;
  request.headers = {{"Accept", "application/json"}};
  VEDETTE_CHECK(ParseUrl(request.url));
  return request;
}

std::string DockerFilters(const std::vector<SdFilter>& filters) {
  if (filters.empty()) return {};
  Json json = Json::object();
  for (const SdFilter& filter : filters) {
    for (const std::string& value : filter.values) json[filter.name][value] = true;
  }
  return "?filters=" + PercentEncode(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Result<TargetGroup> ParseDockerTargets(std::string_view containers, std::string_view networks,
                                       const DockerSdConfig& config) {
  JsonReader container_reader(containers), network_reader(networks);
  const auto network_labels = NetworkLabels(network_reader);
  VEDETTE_CHECK(network_reader.status());
  DockerContainers found;
  for (const Json& json : container_reader.RootList()) {
    if (!json.is_object()) return Fail(Code::kBadData, "container {} is not an object", found.all.size());
    std::string id = container_reader.Text(json, "Id");
    found.all.push_back(ReadContainer(container_reader, json, id));
    found.by_id[std::move(id)] = found.all.size() - 1;
  }
  VEDETTE_CHECK(container_reader.status());

  TargetGroup group{"Docker", {}, {}};
  for (const DockerContainer& container : found.all) {
    if (!container.named) continue;
    for (const auto& [name, endpoint] : NetworkOwner(container, found).networks) {
      const auto labels = network_labels.find(endpoint.network);
      AddTargets(container, endpoint, labels == network_labels.end() ? nullptr : &labels->second, config,
                 group.targets);
      if (config.match_first_network) break;  // by name
    }
  }
  return group;
}

}  // namespace vedette::collector
