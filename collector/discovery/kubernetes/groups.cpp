#include "collector/discovery/kubernetes/groups.h"

#include <algorithm>
#include <array>

#include "collector/discovery/kubernetes/object_meta.h"

namespace vedette::collector::kube {
namespace {

using Attached = KubernetesSdConfig::Attached;

/// The group's labels: those of the object, which are shared as long as nothing is attached.
Labels WithNamespace(const Labels& labels, const std::string& ns, const Attached& attach, const Find& find) {
  if (!attach.namespace_labels) return labels;
  LabelsBuilder out(labels);
  MergeNamespace(out, ns, attach, find);
  return out.Build();
}

TargetGroup PodGroup(const std::string& ns, const Pod& pod, const Attached& attach, const Find& find) {
  TargetGroup group;
  if (pod.ip.empty()) return group;  // it is starting, or was evicted
  const Node* node = nullptr;
  if (attach.node) {
    node = FindAs<Node>(find, Resource::kNodes, pod.node);
    if (node == nullptr) return group;  // a selector of nodes leaves this one out
  }
  if (attach == Attached{}) {
    group.labels = pod.labels;
  } else {
    LabelsBuilder labels;
    MergePod(labels, ns, pod, attach, find);
    labels.Set(kNamespaceLabel, ns);
    if (node != nullptr) Merge(labels, node->labels);
    MergeNamespace(labels, ns, attach, find);
    group.labels = labels.Build();
  }
  for (const Container& container : pod.containers) {
    LabelsBuilder target;
    target.Set("__meta_kubernetes_pod_container_name", container.name);
    target.Set("__meta_kubernetes_pod_container_id", container.id);
    target.Set("__meta_kubernetes_pod_container_image", container.image);
    target.Set("__meta_kubernetes_pod_container_init", container.init ? "true" : "false");
    if (container.ports.empty()) {
      // Relabelling has to add a port.
      target.Set("__address__", pod.ip);
      group.targets.push_back(target.Build());
    }
    for (const ContainerPort& port : container.ports) {
      target.Set("__address__", JoinHostPort(pod.ip, port.number));
      SetContainerPort(target, container, port, port.protocol);
      group.targets.push_back(target.Build());
    }
  }
  return group;
}

TargetGroup ServiceGroup(const std::string& ns, const std::string& name, const Service& service, const Attached& attach,
                         const Find& find) {
  TargetGroup group;
  group.labels = WithNamespace(service.labels, ns, attach, find);
  for (const ServicePort& port : service.ports) {
    LabelsBuilder target;
    target.Set("__address__", JoinHostPort(name + "." + ns + ".svc", port.number));
    target.Set("__meta_kubernetes_service_port_name", port.name);
    target.Set("__meta_kubernetes_service_port_number", std::to_string(port.number));
    target.Set("__meta_kubernetes_service_port_protocol", port.protocol);
    target.Set("__meta_kubernetes_service_type", service.type);
    const bool external = service.type == "ExternalName";
    target.Set(external ? "__meta_kubernetes_service_external_name" : "__meta_kubernetes_service_cluster_ip",
               external ? service.external_name : service.cluster_ip);
    if (service.type == "LoadBalancer") {
      target.Set("__meta_kubernetes_service_loadbalancer_ip", service.load_balancer_ips);
    }
    group.targets.push_back(target.Build());
  }
  return group;
}

/// Equal, or a wildcard for the first part of a host name.
bool MatchesHost(std::string_view pattern, std::string_view host) {
  if (pattern == host) return true;
  const std::size_t pattern_dot = pattern.find('.'), host_dot = host.find('.');
  if (pattern.substr(0, pattern_dot) != "*") return false;
  if (pattern_dot == std::string_view::npos || host_dot == std::string_view::npos) return pattern_dot == host_dot;
  return pattern.substr(pattern_dot) == host.substr(host_dot);
}

TargetGroup IngressGroup(const std::string& ns, const Ingress& ingress, const Attached& attach, const Find& find) {
  TargetGroup group;
  group.labels = WithNamespace(ingress.labels, ns, attach, find);
  for (const IngressRule& rule : ingress.rules) {
    const bool tls =
        std::ranges::any_of(ingress.tls_hosts, [&](const std::string& host) { return MatchesHost(host, rule.host); });
    for (const std::string& path : rule.paths) {
      group.targets.push_back({{"__address__", rule.host},
                               {"__meta_kubernetes_ingress_scheme", tls ? "https" : "http"},
                               {"__meta_kubernetes_ingress_host", rule.host},
                               {"__meta_kubernetes_ingress_path", path}});
    }
  }
  return group;
}

/// The address by which a node is scraped, or null.
const std::string* AddressOf(const Node& node) {
  constexpr std::array<std::string_view, 6> kOrder = {"InternalIP",  "InternalDNS",  "ExternalIP",
                                                      "ExternalDNS", "LegacyHostIP", "Hostname"};
  for (const std::string_view type : kOrder) {
    const auto found = std::ranges::find(node.addresses, type, &std::pair<std::string, std::string>::first);
    if (found != node.addresses.end()) return &found->second;
  }
  return nullptr;
}

TargetGroup NodeGroup(const std::string& name, const Node& node) {
  TargetGroup group;
  const std::string* const address = AddressOf(node);
  if (address == nullptr) return group;
  group.labels = node.own;
  LabelsBuilder target;
  target.Set("__address__", JoinHostPort(*address, node.kubelet_port));
  target.Set("instance", name);
  for (const auto& [type, value] : node.addresses) {
    const std::string label = "__meta_kubernetes_node_address_" + SanitizeName(type);
    if (target.Get(label).empty()) target.Set(label, value);  // the first of its type
  }
  group.targets.push_back(target.Build());
  return group;
}

constexpr std::array<std::pair<Resource, std::string_view>, 6> kSources = {
    {{Resource::kPods, "pod/"},
     {Resource::kServices, "svc/"},
     {Resource::kEndpoints, "endpoints/"},
     {Resource::kEndpointSlices, "endpointslice/"},
     {Resource::kIngresses, "ingress/"},
     {Resource::kNodes, "node/"}}};

}  // namespace

Resource ResourceOf(KubernetesRole role) {
  switch (role) {
    case KubernetesRole::kPod:
      return Resource::kPods;
    case KubernetesRole::kService:
      return Resource::kServices;
    case KubernetesRole::kEndpoints:
      return Resource::kEndpoints;
    case KubernetesRole::kEndpointSlice:
      return Resource::kEndpointSlices;
    case KubernetesRole::kNode:
      return Resource::kNodes;
    case KubernetesRole::kIngress:
      break;
  }
  return Resource::kIngresses;
}

std::string GroupSource(Resource resource, const std::string& key) {
  const auto* row = std::ranges::find(kSources, resource, &std::pair<Resource, std::string_view>::first);
  return std::string(row == kSources.end() ? "?/" : row->second) + key;
}

std::string JoinHostPort(std::string_view host, std::int64_t port) {
  const bool brackets = host.find_first_of(":%") != std::string_view::npos;
  return fmt::format(fmt::runtime(brackets ? "[{}]:{}" : "{}:{}"), host, port);
}

void Merge(LabelsBuilder& out, const Labels& labels, bool with_namespace) {
  for (const auto [name, value] : labels) {
    if (with_namespace || name != kNamespaceLabel) out.Set(name, value);
  }
}

void MergeNamespace(LabelsBuilder& out, const std::string& ns, const Attached& attach, const Find& find) {
  if (!attach.namespace_labels) return;
  if (const auto* found = FindAs<Namespace>(find, Resource::kNamespaces, ns)) Merge(out, found->labels);
}

void MergePod(LabelsBuilder& out, const std::string& ns, const Pod& pod, const Attached& attach, const Find& find) {
  Merge(out, pod.labels, false);
  const std::string key = ns + "/" + pod.owner.name;
  const auto set_grand_owner = [&](Resource resource, std::string_view kind, std::string_view label) {
    const auto* owner = FindAs<Owner>(find, resource, key);
    if (owner != nullptr && owner->kind == kind) out.Set(label, owner->name);
  };
  if (pod.owner.kind == "ReplicaSet" && attach.deployment) {
    set_grand_owner(Resource::kReplicaSets, "Deployment", "__meta_kubernetes_pod_deployment_name");
  } else if (pod.owner.kind == "Job") {
    if (attach.job) out.Set("__meta_kubernetes_pod_job_name", pod.owner.name);
    if (attach.cronjob) set_grand_owner(Resource::kJobs, "CronJob", "__meta_kubernetes_pod_cronjob_name");
  }
}

void SetContainerPort(LabelsBuilder& out, const Container& container, const ContainerPort& port,
                      std::string_view protocol) {
  out.Set("__meta_kubernetes_pod_container_name", container.name);
  out.Set("__meta_kubernetes_pod_container_image", container.image);
  out.Set("__meta_kubernetes_pod_container_port_name", port.name);
  out.Set("__meta_kubernetes_pod_container_port_number", std::to_string(port.number));
  out.Set("__meta_kubernetes_pod_container_port_protocol", protocol);
  out.Set("__meta_kubernetes_pod_container_init", container.init ? "true" : "false");
}

TargetGroup BuildGroup(Resource resource, const std::string& key, const Body& body, const Attached& attach,
                       const Find& find) {
  const std::size_t slash = key.find('/');
  const std::string ns = slash == std::string::npos ? "" : key.substr(0, slash);
  const std::string name = slash == std::string::npos ? key : key.substr(slash + 1);
  TargetGroup group;
  if (const auto* pod = std::get_if<Pod>(&body)) {
    group = PodGroup(ns, *pod, attach, find);
  } else if (const auto* service = std::get_if<Service>(&body)) {
    group = ServiceGroup(ns, name, *service, attach, find);
  } else if (const auto* endpoints = std::get_if<Endpoints>(&body)) {
    group = EndpointsGroup(ns, name, *endpoints, attach, find);
  } else if (const auto* slice = std::get_if<EndpointSlice>(&body)) {
    group = EndpointSliceGroup(ns, *slice, attach, find);
  } else if (const auto* ingress = std::get_if<Ingress>(&body)) {
    group = IngressGroup(ns, *ingress, attach, find);
  } else if (const auto* node = std::get_if<Node>(&body)) {
    group = NodeGroup(name, *node);
  }
  group.source = GroupSource(resource, key);
  return group;
}

}  // namespace vedette::collector::kube
