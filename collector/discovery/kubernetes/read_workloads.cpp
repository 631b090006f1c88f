// Pods, nodes, and the objects of which only the metadata counts.
#include <algorithm>

#include "collector/discovery/kubernetes/object_meta.h"

namespace vedette::collector::kube {
namespace {

Container ReadContainer(JsonCursor& json, bool init) {
  Container out;
  out.init = init;
  json.Object([&](std::string_view key) {
    if (key == "name") out.name = json.String();
    if (key == "image") out.image = json.String();
    if (key != "ports") return;
    json.Array([&] {
      ContainerPort& port = out.ports.emplace_back();
      json.Object([&](std::string_view member) {
        if (member == "name") port.name = json.String();
        if (member == "protocol") port.protocol = json.String();
        if (member == "containerPort") port.number = json.Integer();
      });
    });
  });
  return out;
}

struct ContainerStatus {
  std::string name, id;
  bool init = false;
};
void ReadContainerStatuses(JsonCursor& json, bool init, std::vector<ContainerStatus>& out) {
  json.Array([&] {
    ContainerStatus& status = out.emplace_back();
    status.init = init;
    json.Object([&](std::string_view key) {
      if (key == "name") status.name = json.String();
      if (key == "containerID") status.id = json.String();
    });
  });
}

/// `each(type, status)`
template <class Each>
void ReadConditions(JsonCursor& json, Each each) {
  json.Array([&] {
    std::string type, status;
    json.Object([&](std::string_view key) {
      if (key == "type") type = json.String();
      if (key == "status") status = json.String();
    });
    each(type, LowerCase(std::move(status)));
  });
}

struct PodStatus {
  std::string ip, host_ip, phase;
  std::optional<std::string> ready;
  std::vector<ContainerStatus> containers;
};
PodStatus ReadPodStatus(JsonCursor& json) {
  PodStatus out;
  json.Object([&](std::string_view key) {
    if (key == "podIP") out.ip = json.String();
    if (key == "hostIP") out.host_ip = json.String();
    if (key == "phase") out.phase = json.String();
    if (key == "containerStatuses") ReadContainerStatuses(json, false, out.containers);
    if (key == "initContainerStatuses") ReadContainerStatuses(json, true, out.containers);
    if (key == "conditions") {
      ReadConditions(json, [&](const std::string& type, const std::string& status) {
        if (type == "Ready" && !out.ready) out.ready = status;
      });
    }
  });
  return out;
}

}  // namespace

Body ReadPod(JsonCursor& json, const ObjectMeta& meta) {
  Pod pod;
  PodStatus status;
  std::vector<Container> init;
  json.Object([&](std::string_view key) {
    if (key == "status") status = ReadPodStatus(json);
    if (key != "spec") return;
    json.Object([&](std::string_view member) {
      if (member == "nodeName") pod.node = json.String();
      if (member == "containers") json.Array([&] { pod.containers.push_back(ReadContainer(json, false)); });
      if (member == "initContainers") json.Array([&] { init.push_back(ReadContainer(json, true)); });
    });
  });
  std::ranges::move(init, std::back_inserter(pod.containers));
  for (Container& container : pod.containers) {
    const auto same = [&](const ContainerStatus& s) { return s.init == container.init && s.name == container.name; };
    const auto found = std::ranges::find_if(status.containers, same);
    if (found != status.containers.end()) container.id = found->id;
  }
  pod.ip = status.ip;
  pod.owner = meta.owner;

  MetaLabels labels;
  AddMeta(labels, "pod", meta);
  labels.Add("pod_ip", status.ip);
  labels.Add("pod_ready", status.ready.value_or("unknown"));
  labels.Add("pod_phase", status.phase);
  labels.Add("pod_node_name", pod.node);
  labels.Add("pod_host_ip", status.host_ip);
  labels.Add("pod_uid", meta.uid);
  labels.Add("pod_controller_kind", meta.owner.kind);
  labels.Add("pod_controller_name", meta.owner.name);
  pod.labels = labels.Build();
  return pod;
}

Body ReadNode(JsonCursor& json, const ObjectMeta& meta) {
  Node node;
  MetaLabels labels, own;
  AddMeta(labels, "node", meta);
  json.Object([&](std::string_view key) {
    if (key == "spec") {
      json.Object([&](std::string_view member) {
        if (member == "providerID") own.Add("node_provider_id", json.String());
      });
    }
    if (key != "status") return;
    json.Object([&](std::string_view member) {
      if (member == "conditions") {
        ReadConditions(json, [&](const std::string& type, const std::string& status) {
          own.AddSanitized("node_condition_", LowerCase(type), status);
        });
      } else if (member == "addresses") {
        json.Array([&] {
          auto& [type, address] = node.addresses.emplace_back();
          json.Object([&](std::string_view part) {
            if (part == "type") type = json.String();
            if (part == "address") address = json.String();
          });
        });
      } else if (member == "daemonEndpoints") {
        json.Object([&](std::string_view daemon) {
          if (daemon != "kubeletEndpoint") return;
          json.Object([&](std::string_view part) {
            if (part == "Port") node.kubelet_port = json.Integer();
          });
        });
      }
    });
  });
  AddMeta(own, "node", meta);
  node.own = own.Build();
  node.labels = labels.Build();
  return node;
}

Body ReadNamespace(JsonCursor& json, const ObjectMeta& meta) {
  json.Skip();
  MetaLabels labels;
  AddLabelsAndAnnotations(labels, "namespace", meta);
  return Namespace{labels.Build()};
}

Body ReadOwner(JsonCursor& json, const ObjectMeta& meta) {
  json.Skip();
  return meta.owner;
}

}  // namespace vedette::collector::kube
