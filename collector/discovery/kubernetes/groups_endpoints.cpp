// The groups of the roles endpoints and endpointslice: their addresses, with what pod, node and service say, and the
// ports of their pods that the service leaves out.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "collector/discovery/kubernetes/groups.h"

namespace vedette::collector::kube {
namespace {

using Attached = KubernetesSdConfig::Attached;

/// The pod that `reference` names, or null.
const Pod* PodOf(const std::optional<Reference>& reference, const Find& find) {
  if (!reference || reference->kind != "Pod") return nullptr;
  return FindAs<Pod>(find, Resource::kPods, reference->ns + "/" + reference->name);
}

/// The pods that an endpoints object or a slice refers to, and which of their ports it has targets for.
class SeenPods {
 public:
  SeenPods(const Attached& attach, const Find& find) : attach_(attach), find_(find) {}

  /// A target has this pod's `port`.
  void Add(const Reference& reference, const Pod& pod, std::optional<std::int64_t> port) {
    const auto [at, added] = places_.try_emplace(&pod, seen_.size());
    if (added) seen_.push_back({reference.ns, &pod, {}});
    if (port) seen_[at->second].ports.push_back(*port);
  }

  /// Targets for the ports that no target has.
  void AddOtherPorts(std::vector<Labels>& targets) const {
    for (const Seen& seen : seen_) {
      if (seen.pod->ip.empty()) continue;
      for (const Container& container : seen.pod->containers) {
        for (const ContainerPort& port : container.ports) {
          if (std::ranges::find(seen.ports, port.number) != seen.ports.end()) continue;
          LabelsBuilder target;
          MergePod(target, seen.ns, *seen.pod, attach_, find_);
          SetContainerPort(target, container, port, port.protocol);
          target.Set("__address__", JoinHostPort(seen.pod->ip, port.number));
          targets.push_back(target.Build());
        }
      }
    }
  }

 private:
  struct Seen {
    std::string ns;
    const Pod* pod;
    std::vector<std::int64_t> ports;
  };
  const Attached& attach_;
  const Find& find_;
  std::vector<Seen> seen_;
  std::unordered_map<const Pod*, std::size_t> places_;  // in seen_
};

/// How many ports the pods have that addresses refer to.
class PodPorts {
 public:
  explicit PodPorts(const Find& find) : find_(find) {}
  void Add(const std::optional<Reference>& reference) {
    const Pod* const pod = PodOf(reference, find_);
    if (pod == nullptr || !counted_.insert(pod).second) return;
    for (const Container& container : pod->containers) count_ += container.ports.size();
  }
  std::size_t count() const { return count_; }

 private:
  const Find& find_;
  std::unordered_set<const Pod*> counted_;
  std::size_t count_ = 0;
};

void MergeNode(LabelsBuilder& out, const std::optional<std::string>& name, const Find& find) {
  const Node* const node = name ? FindAs<Node>(find, Resource::kNodes, *name) : nullptr;
  if (node != nullptr) Merge(out, node->labels);
}

}  // namespace

std::size_t TargetBound(const Body& body, const Find& find) {
  std::size_t bound = 0;
  PodPorts pods(find);
  if (const auto* endpoints = std::get_if<Endpoints>(&body)) {
    for (const EndpointSubset& subset : endpoints->subsets) {
      bound += subset.ports.size() * subset.addresses.size();
      for (const EndpointAddress& address : subset.addresses) pods.Add(address.reference);
    }
  } else if (const auto* slice = std::get_if<EndpointSlice>(&body)) {
    for (const SliceEndpoint& endpoint : slice->endpoints) {
      bound += slice->ports.size() * endpoint.addresses.size();
      pods.Add(endpoint.reference);
    }
  }
  return bound + pods.count();
}

TargetGroup EndpointsGroup(const std::string& ns, const std::string& name, const Endpoints& endpoints,
                           const Attached& attach, const Find& find) {
  TargetGroup group;
  LabelsBuilder labels(endpoints.labels);
  if (const auto* service = FindAs<Service>(find, Resource::kServices, ns + "/" + name)) Merge(labels, service->labels);
  MergeNamespace(labels, ns, attach, find);
  group.labels = labels.Build();

  SeenPods pods(attach, find);
  const auto add = [&](const EndpointAddress& address, const ServicePort& port) {
    LabelsBuilder target;
    target.Set("__address__", JoinHostPort(address.ip, port.number));
    target.Set("__meta_kubernetes_endpoint_port_name", port.name);
    target.Set("__meta_kubernetes_endpoint_port_protocol", port.protocol);
    target.Set("__meta_kubernetes_endpoint_ready", address.ready ? "true" : "false");
    target.Set("__meta_kubernetes_endpoint_hostname", address.hostname);
    target.Set("__meta_kubernetes_endpoint_node_name", address.node.value_or(""));
    if (address.reference) {
      target.Set("__meta_kubernetes_endpoint_address_target_kind", address.reference->kind);
      target.Set("__meta_kubernetes_endpoint_address_target_name", address.reference->name);
    }
    if (attach.node) {
      const bool is_node = !address.node && address.reference && address.reference->kind == "Node";
      MergeNode(target, is_node ? std::optional(address.reference->name) : address.node, find);
    }
    if (const Pod* const pod = PodOf(address.reference, find)) {
      MergePod(target, address.reference->ns, *pod, attach, find);
      for (const Container& container : pod->containers) {
        const auto found = std::ranges::find(container.ports, port.number, &ContainerPort::number);
        if (found != container.ports.end()) SetContainerPort(target, container, *found, port.protocol);
      }
      pods.Add(*address.reference, *pod, port.number);
    }
    group.targets.push_back(target.Build());
  };
  for (const EndpointSubset& subset : endpoints.subsets) {
    for (const ServicePort& port : subset.ports) {
      for (const EndpointAddress& address : subset.addresses) add(address, port);
    }
  }
  pods.AddOtherPorts(group.targets);
  return group;
}

TargetGroup EndpointSliceGroup(const std::string& ns, const EndpointSlice& slice, const Attached& attach,
                               const Find& find) {
  TargetGroup group;
  LabelsBuilder labels(slice.labels);
  const Service* const service =
      slice.service.empty() ? nullptr : FindAs<Service>(find, Resource::kServices, ns + "/" + slice.service);
  if (service != nullptr) Merge(labels, service->labels);
  MergeNamespace(labels, ns, attach, find);
  group.labels = labels.Build();
  // The other family's slice of the same service has the same targets.
  if (service != nullptr && !service->primary_family.empty() && service->primary_family != slice.address_type) {
    return group;
  }

  SeenPods pods(attach, find);
  const auto add = [&](const std::string& address, const SliceEndpoint& endpoint, const SlicePort& port) {
    LabelsBuilder target(endpoint.labels);
    target.Set("__address__", port.number ? JoinHostPort(address, *port.number) : address);
    target.Set("__meta_kubernetes_endpointslice_port_name", port.name.value_or(""));
    target.Set("__meta_kubernetes_endpointslice_port_protocol", port.protocol.value_or(""));
    target.Set("__meta_kubernetes_endpointslice_port_app_protocol", port.app_protocol.value_or(""));
    if (port.number) target.Set("__meta_kubernetes_endpointslice_port", std::to_string(*port.number));
    if (attach.node) {
      const bool is_node = endpoint.reference && endpoint.reference->kind == "Node";
      MergeNode(target, is_node ? std::optional(endpoint.reference->name) : endpoint.node, find);
    }
    if (const Pod* const pod = PodOf(endpoint.reference, find)) {
      MergePod(target, endpoint.reference->ns, *pod, attach, find);
      for (const Container& container : pod->containers) {
        if (!port.number) break;
        const auto found = std::ranges::find(container.ports, *port.number, &ContainerPort::number);
        if (found != container.ports.end()) SetContainerPort(target, container, *found, found->protocol);
      }
      pods.Add(*endpoint.reference, *pod, port.number);
    }
    group.targets.push_back(target.Build());
  };
  for (const SliceEndpoint& endpoint : slice.endpoints) {
    for (const SlicePort& port : slice.ports) {
      for (const std::string& address : endpoint.addresses) add(address, endpoint, port);
    }
  }
  pods.AddOtherPorts(group.targets);
  return group;
}

}  // namespace vedette::collector::kube
