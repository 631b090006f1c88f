// From an object of the cluster to its target group: the __meta_kubernetes_* labels of each role.
//
// Pure functions. What they look at besides the object itself they ask `find` for, so that the store knows which groups
// to make again when another object changes.
#pragma once

#include <functional>
#include <string>

#include "collector/discovery/discovery.h"
#include "collector/discovery/kubernetes/objects.h"

namespace vedette::collector::kube {

/// The object under "ns/name" (or the name of what is in no namespace), or null.
using Find = std::function<const Body*(Resource resource, const std::string& key)>;

/// The objects that are the targets of a role.
Resource ResourceOf(KubernetesRole role);

/// "pod/ns/name", "svc/ns/name", "node/name" ...
std::string GroupSource(Resource resource, const std::string& key);

/// More targets than this are made of no object.
inline constexpr std::size_t kMaxGroupTargets = 50'000;

/// How many targets BuildGroup() would make at most, for the roles where they are many more than the object is long:
/// each address with each port, and the other ports of the pods. 0 for the other roles.
std::size_t TargetBound(const Body& body, const Find& find);

/// Without targets when the object has none now.
TargetGroup BuildGroup(Resource resource, const std::string& key, const Body& body,
                       const KubernetesSdConfig::Attached& attach, const Find& find);

// For the files that BuildGroup() is spread over.
TargetGroup EndpointsGroup(const std::string& ns, const std::string& name, const Endpoints& endpoints,
                           const KubernetesSdConfig::Attached& attach, const Find& find);
TargetGroup EndpointSliceGroup(const std::string& ns, const EndpointSlice& slice,
                               const KubernetesSdConfig::Attached& attach, const Find& find);

template <class T>
const T* FindAs(const Find& find, Resource resource, const std::string& key) {
  const Body* body = find(resource, key);
  return body == nullptr ? nullptr : std::get_if<T>(body);
}
/// Sets what `labels` holds, except the namespace when `with_namespace` is false: that is the group's.
void Merge(LabelsBuilder& out, const Labels& labels, bool with_namespace = true);
void MergeNamespace(LabelsBuilder& out, const std::string& ns, const KubernetesSdConfig::Attached& attach,
                    const Find& find);
/// Everything that a pod says about itself, and who owns its owner.
void MergePod(LabelsBuilder& out, const std::string& ns, const Pod& pod, const KubernetesSdConfig::Attached& attach,
              const Find& find);
void SetContainerPort(LabelsBuilder& out, const Container& container, const ContainerPort& port,
                      std::string_view protocol);
/// "host:port", IPv6 in brackets.
std::string JoinHostPort(std::string_view host, std::int64_t port);

}  // namespace vedette::collector::kube
