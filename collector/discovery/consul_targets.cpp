#include "collector/discovery/consul_targets.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "collector/discovery/discovery_task.h"
#include "collector/discovery/json_reader.h"
#include "core/url.h"

namespace vedette::collector {
namespace {

/// Where `server` says that the agent is: "host:port", with a scheme and a path prefix if it likes.
struct ConsulPlace {
  std::string base;  // without a slash at its end
  std::string unix_socket;
};

Result<ConsulPlace> ConsulPlaceOf(const ConsulSdConfig& config) {
  std::string scheme = config.scheme, prefix = config.path_prefix;
  std::string_view server = config.server;
  if (const std::size_t end = server.find("://"); end != std::string_view::npos) {
    const std::string_view own = server.substr(0, end);
    server.remove_prefix(end + 3);
    if (own == "unix") return ConsulPlace{"http://localhost" + prefix, std::string(server)};
    if (own != "http" && own != "https") return Fail(Code::kBadData, "unknown protocol scheme: {}", own);
    if (own == "https") scheme = "https";
  }
  const std::size_t slash = std::min(server.find('/'), server.size());
  if (prefix.empty()) prefix = server.substr(slash);
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty() && !prefix.starts_with('/')) prefix.insert(0, 1, '/');
  return ConsulPlace{fmt::format("{}://{}{}", scheme, server.substr(0, slash), prefix), {}};
}

/// As Consul's own client sums up the checks of an instance and of its node.
std::string AggregatedStatus(JsonReader& reader, const JsonReader::Json& checks) {
  bool warning = false, critical = false, maintenance = false;
  for (const JsonReader::Json& check : checks) {
    const std::string id = reader.Text(check, "CheckID");
    const std::string status = reader.Text(check, "Status");
    if (id == "_node_maintenance" || id.starts_with("_service_maintenance:")) {
      maintenance = true;
    } else if (status == "critical") {
      critical = true;
    } else if (status == "warning") {
      warning = true;
    } else if (status != "passing") {
      return {};
    }
  }
  return maintenance ? "maintenance" : critical ? "critical" : warning ? "warning" : "passing";
}

Labels InstanceLabels(JsonReader& reader, const JsonReader::Json& entry, std::string_view separator) {
  const auto& node = reader.Object(entry, "Node");
  const auto& service = reader.Object(entry, "Service");
  const std::string node_address = reader.Text(node, "Address"), address = reader.Text(service, "Address");
  const std::int64_t port = reader.Number(service, "Port");
  LabelsBuilder labels;
  const auto add_map = [&](const JsonReader::Json& object, std::string_view key, std::string_view prefix) {
    for (const auto& [name, value] : reader.TextMap(object, key)) labels.Set(SanitizedLabel(prefix, name), value);
  };
  add_map(node, "Meta", "__meta_consul_metadata_");
  add_map(service, "Meta", "__meta_consul_service_metadata_");
  add_map(node, "TaggedAddresses", "__meta_consul_tagged_address_");

  // A service may be registered through another node than its own.
  const std::string& host = address.empty() ? node_address : address;
  labels.Set("__address__", JoinHostPort(host, port));
  labels.Set("__meta_consul_address", node_address);
  labels.Set("__meta_consul_node", reader.Text(node, "Node"));
  labels.Set("__meta_consul_namespace", reader.Text(service, "Namespace"));
  labels.Set("__meta_consul_partition", reader.Text(service, "Partition"));
  // The separator around them, too: a pattern need not know where in the list a tag is.
  const auto tags = reader.Texts(service, "Tags");
  labels.Set("__meta_consul_tags", fmt::format("{}{}{}", separator, fmt::join(tags, separator), separator));
  labels.Set("__meta_consul_service_address", address);
  labels.Set("__meta_consul_service_port", std::to_string(port));
  labels.Set("__meta_consul_service_id", reader.Text(service, "ID"));
  labels.Set("__meta_consul_health", AggregatedStatus(reader, reader.List(entry, "Checks")));
  return labels.Build();
}

}  // namespace

Result<HttpRequest> ConsulRequest(const ConsulSdConfig& config, std::string_view path, std::uint64_t index, Millis wait,
                                  std::string_view filter) {
  VEDETTE_TRY(const ConsulPlace place, ConsulPlaceOf(config));
  std::string query;
  const auto add = [&](std::string_view key, std::string_view value) {
    query += fmt::format("{}{}={}", query.empty() ? "?" : "&", key, PercentEncode(value));
  };
  const auto add_set = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, value);
  };
  add_set("dc", config.datacenter);
  add_set("ns", config.namespace_);
  add_set("partition", config.partition);
  if (path.starts_with("/v1/agent/")) {
    query.clear();
  } else {
    if (config.allow_stale) add("stale", "");
    if (index > 0) add("index", std::to_string(index));
    add("wait", fmt::format("{}ms", wait.count()));
    add_set("filter", filter);
    for (const auto& [key, value] : config.node_meta) add("node-meta", key + ":" + value);
    if (path.starts_with("/v1/health/")) {
      for (const std::string& tag : config.tags) add("tag", tag);
    }
  }
  HttpRequest request;
  request.url = place.base + std::string(path) + query;
  request.unix_socket = place.unix_socket;
  request.max_body_bytes = kMaxDiscoveryReply;
  request.headers = {{"Accept", "application/json"}};
  if (!config.token.empty()) request.headers.emplace_back("X-Consul-Token", config.token.Reveal());
  VEDETTE_CHECK(ParseUrl(request.url));
  return request;
}

std::string ConsulServicePath(std::string_view service) { return "/v1/health/service/" + PercentEncode(service); }

std::uint64_t ConsulIndex(const HttpResponse& response) {
  const std::string_view text = response.Header("X-Consul-Index");
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  return error == std::errc() && end == text.data() + text.size() ? index : 0;
}

Result<std::string> ParseConsulDatacenter(std::string_view body) {
  JsonReader reader(body);
  std::string datacenter = reader.Text(reader.Object(reader.RootObject(), "Config"), "Datacenter");
  VEDETTE_CHECK(reader.status());
  if (datacenter.empty()) return Fail(Code::kBadData, "Config.Datacenter is missing");
  return datacenter;
}

Result<std::map<std::string, std::vector<std::string>>> ParseConsulServices(std::string_view body) {
  JsonReader reader(body);
  std::map<std::string, std::vector<std::string>> services;
  const auto& root = reader.RootObject();
  for (const auto& [name, tags] : root.items()) services.emplace(name, reader.Texts(root, name));
  VEDETTE_CHECK(reader.status());
  return services;
}

Result<TargetGroup> ParseConsulTargets(std::string_view body, std::string_view service, std::string_view datacenter,
                                       std::string_view tag_separator) {
  JsonReader reader(body);
  TargetGroup group{std::string(service), {}, {{"__meta_consul_service", service}, {"__meta_consul_dc", datacenter}}};
  for (const JsonReader::Json& entry : reader.RootList()) {
    if (!entry.is_object()) return Fail(Code::kBadData, "instance {} is not an object", group.targets.size());
    group.targets.push_back(InstanceLabels(reader, entry, tag_separator));
  }
  VEDETTE_CHECK(reader.status());
  return group;
}

}  // namespace vedette::collector
