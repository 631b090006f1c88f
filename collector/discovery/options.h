// What the kinds of service discovery can be told, under Prometheus' names. config/ fills these from the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/http_client.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"

namespace vedette::collector {

struct StaticConfig {
  std::vector<std::string> targets;  // host:port
  Labels labels;
  bool operator==(const StaticConfig&) const = default;
};

struct FileSdConfig {
  std::vector<std::string> files;  // paths; a * is allowed in the last component; .json, .yml, .yaml
  Millis refresh_interval = std::chrono::minutes(5);
  bool operator==(const FileSdConfig&) const = default;
  /// Errors: kBadData for no file at all or a path with another ending.
  Status Validate() const;
};

struct HttpSdConfig {
  std::string url;
  Millis refresh_interval = std::chrono::seconds(60);
  HttpConfig http;
  bool operator==(const HttpSdConfig&) const = default;
};

/// The kinds of record that can be asked for; the numbers are those of the protocol.
enum class DnsType : std::uint16_t { kA = 1, kNs = 2, kMx = 15, kAaaa = 28, kSrv = 33 };
/// "SRV" and so on, in upper or lower case. Errors: kBadData.
Result<DnsType> ParseDnsType(std::string_view text);

struct DnsSdConfig {
  std::vector<std::string> names;
  DnsType type = DnsType::kSrv;
  int port = 0;  // SRV records have their own
  Millis refresh_interval = std::chrono::seconds(30);
  bool operator==(const DnsSdConfig&) const = default;
};

struct ConsulSdConfig {
  std::string server = "localhost:8500";  // may say http://, https:// or unix:// itself
  std::string path_prefix;
  Secret token;
  std::string datacenter;  // empty: the agent's own
  std::string namespace_;  // of Consul Enterprise
  std::string partition;   // of Consul Enterprise
  std::string tag_separator = ",";
  std::string scheme = "http";
  bool allow_stale = true;
  Millis refresh_interval = std::chrono::seconds(30);  // the least time between two requests of one kind
  std::vector<std::string> services;                   // empty: all
  std::vector<std::string> tags;                       // an instance has all of them
  std::vector<std::pair<std::string, std::string>> node_meta;
  std::string filter;         // of the catalog
  std::string health_filter;  // of instances
  HttpConfig http;
  bool operator==(const ConsulSdConfig&) const = default;
};

/// `name` has one of the `values`.
struct SdFilter {
  std::string name;
  std::vector<std::string> values;
  bool operator==(const SdFilter&) const = default;
};

struct DockerSdConfig {
  std::string host;  // unix:///path, tcp://, http:// or https://host:port
  int port = 80;     // of containers that publish none
  std::vector<SdFilter> filters;
  std::string host_networking_host = "localhost";  // the address of containers in the host's network
  bool match_first_network = true;                 // of several, the first by name
  Millis refresh_interval = std::chrono::seconds(60);
  HttpConfig http;
  bool operator==(const DockerSdConfig&) const = default;
};

struct Ec2SdConfig {
  std::string endpoint;  // empty: Amazon's of the region
  std::string region;    // empty: of the environment or of this instance
  std::string access_key;
  Secret secret_key;  // without these two: the environment, the files of `profile`, the role of this instance
  std::string profile;
  std::string role_arn;  // assumed with the credentials above
  std::string external_id;
  int port = 80;
  std::vector<SdFilter> filters;
  Millis refresh_interval = std::chrono::seconds(60);
  HttpConfig http;
  bool operator==(const Ec2SdConfig&) const = default;
};

enum class KubernetesRole : std::uint8_t { kPod, kService, kEndpoints, kEndpointSlice, kNode, kIngress };
/// "pod", "service", "endpoints", "endpointslice", "node", "ingress"; nothing for another text.
std::optional<KubernetesRole> ParseKubernetesRole(std::string_view text);
std::string_view KubernetesRoleName(KubernetesRole role);

struct KubernetesSdConfig {
  /// Narrows what is asked of the API server, in its own syntax.
  struct Selector {
    KubernetesRole role = KubernetesRole::kPod;
    std::string label, field;
    bool operator==(const Selector&) const = default;
  };
  /// Labels of other objects that targets get.
  struct Attached {
    bool node = false, namespace_labels = false, deployment = false, job = false, cronjob = false;
    bool operator==(const Attached&) const = default;
  };

  KubernetesRole role = KubernetesRole::kPod;
  std::string api_server;       // URL; empty: the kubeconfig's, or that of the cluster we run in
  std::string kubeconfig_file;  // path
  std::vector<std::string> namespaces;
  bool own_namespace = false;  // besides `namespaces`, of which none means all
  std::vector<Selector> selectors;
  Attached attach;
  HttpConfig http;  // with api_server only
  bool operator==(const KubernetesSdConfig&) const = default;
};

}  // namespace vedette::collector
