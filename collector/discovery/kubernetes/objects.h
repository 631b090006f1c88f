// What is kept of the objects of a Kubernetes cluster: what target labels are made of, and nothing else.
//
// Each kind has its meta labels ready (`labels`: name, labels and annotations under their sanitised names, and what
// else every target of the object carries), because most objects are targets themselves, and label sets are shared. Two
// objects that compare equal give the same targets: most changes of an object are not visible here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "collector/options.h"
#include "core/labels.h"
#include "core/result.h"

namespace vedette::collector::kube {

/// In the order of kResources.
enum class Resource : std::uint8_t {
  kPods,
  kServices,
  kEndpoints,
  kEndpointSlices,
  kIngresses,
  kNodes,
  kNamespaces,
  kReplicaSets,
  kJobs,
};
inline constexpr std::size_t kResourceCount = 9;

/// The owner that controls an object.
struct Owner {
  std::string kind, name;
  bool operator==(const Owner&) const = default;
};

struct ContainerPort {
  std::string name, protocol;
  std::int64_t number = 0;
  bool operator==(const ContainerPort&) const = default;
};
struct Container {
  std::string name, image, id;
  bool init = false;
  std::vector<ContainerPort> ports;
  bool operator==(const Container&) const = default;
};
struct Pod {
  Labels labels;  // with the namespace
  std::string ip, node;
  Owner owner;
  std::vector<Container> containers;  // those that initialise come last
  bool operator==(const Pod&) const = default;
};

struct ServicePort {
  std::string name, protocol;
  std::int64_t number = 0;
  bool operator==(const ServicePort&) const = default;
};
struct Service {
  Labels labels;  // with the namespace
  std::string type, cluster_ip, external_name, load_balancer_ips;
  std::string primary_family;  // of a service with two IP families: whose slices are its targets
  std::vector<ServicePort> ports;
  bool operator==(const Service&) const = default;
};

/// What an address of an endpoint refers to.
struct Reference {
  std::string kind, ns, name;
  bool operator==(const Reference&) const = default;
};
struct EndpointAddress {
  std::string ip, hostname;
  std::optional<std::string> node;
  std::optional<Reference> reference;
  bool ready = true;
  bool operator==(const EndpointAddress&) const = default;
};
struct EndpointSubset {
  std::vector<EndpointAddress> addresses;  // those that are ready come first
  std::vector<ServicePort> ports;
  bool operator==(const EndpointSubset&) const = default;
};
struct Endpoints {
  Labels labels;
  std::vector<EndpointSubset> subsets;
  bool operator==(const Endpoints&) const = default;
};

struct SlicePort {
  std::optional<std::string> name, protocol, app_protocol;
  std::optional<std::int64_t> number;
  bool operator==(const SlicePort&) const = default;
};
struct SliceEndpoint {
  std::vector<std::string> addresses;
  Labels labels;  // conditions, hostname, zone, node name, target, topology
  std::optional<std::string> node;
  std::optional<Reference> reference;
  bool operator==(const SliceEndpoint&) const = default;
};
struct EndpointSlice {
  Labels labels;  // with the namespace
  std::string address_type, service;
  std::vector<SliceEndpoint> endpoints;
  std::vector<SlicePort> ports;
  bool operator==(const EndpointSlice&) const = default;
};

struct IngressRule {
  std::string host;
  std::vector<std::string> paths;
  bool operator==(const IngressRule&) const = default;
};
struct Ingress {
  Labels labels;  // with the namespace
  std::vector<std::string> tls_hosts;
  std::vector<IngressRule> rules;
  bool operator==(const Ingress&) const = default;
};

struct Node {
  Labels labels;                                               // name, labels and annotations: what others attach
  Labels own;                                                  // those, the provider's id and the conditions
  std::vector<std::pair<std::string, std::string>> addresses;  // type and address
  std::int64_t kubelet_port = 0;
  bool operator==(const Node&) const = default;
};
struct Namespace {
  Labels labels;  // labels and annotations
  bool operator==(const Namespace&) const = default;
};

/// ReplicaSets and Jobs are of interest for who owns them.
using Body = std::variant<Pod, Service, Endpoints, EndpointSlice, Ingress, Node, Namespace, Owner>;

struct Object {
  std::string ns, name;
  std::string version;  // metadata.resourceVersion
  Body body;
  /// "ns/name", or the name alone of what is in no namespace.
  std::string Key() const { return ns.empty() ? name : ns + "/" + name; }
};

struct ResourceInfo {
  std::string_view name;   // in URLs
  std::string_view group;  // "/api/v1"
  std::string_view kind;
  std::optional<KubernetesRole> role;  // whose events are counted and whose selector narrows the watch
  bool namespaced = true;
};
const ResourceInfo& InfoOf(Resource resource);

/// Errors: kBadData: no JSON, a value of another type than the API has there, or an object without a name.
Result<Object> ReadObject(Resource resource, std::string_view json);
/// Namespace, name and version of an object of which only the beginning may be there. Error: kBadData.
Result<Object> ReadIdentity(std::string_view json);

/// A line of a watch.
struct Event {
  enum class Type : std::uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };
  Type type = Type::kError;
  std::string_view object;  // its text
};
/// Errors: kBadData.
Result<Event> ReadEvent(std::string_view json);

/// What a bookmark and the end of a list say.
struct ListHead {
  std::string kind, version, next_page;
};
Result<ListHead> ReadListHead(std::string_view json);

/// A "Status" object: what the server says went wrong.
struct ServerStatus {
  std::int64_t code = 0;
  std::string reason, message;
};
Result<ServerStatus> ReadServerStatus(std::string_view json);

/// Letters, digits and underscores stay, everything else becomes an underscore.
std::string SanitizeName(std::string_view text);

}  // namespace vedette::collector::kube
