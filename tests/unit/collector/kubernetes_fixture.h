// Objects of a small shop, as an API server writes them.
#pragma once

namespace vedette::collector::kube::test {

inline constexpr const char* kPod = R"({
  "metadata": {"name": "cart-5d4f-x", "generateName": "cart-5d4f-", "namespace": "shop", "uid": "u-1",
    "resourceVersion": "77", "creationTimestamp": "2026-05-01T10:00:00Z", "deletionGracePeriodSeconds": null,
    "labels": {"app": "cart", "app.kubernetes.io/name": "caf\u00e9", "empty": ""},
    "annotations": {"prometheus.io/scrape": "true"},
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-5d4f", "controller": true}],
    "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:metadata": {"f:name": {}}}}]},
  "spec": {"nodeName": "node-7", "priority": 0, "volumes": [{"name": "config", "configMap": {"defaultMode": 420}}],
    "containers": [
      {"name": "cart", "image": "r/cart:1", "env": [{"name": "name", "value": "a \"quoted\\\" }] text"}],
       "ports": [{"name": "metrics", "containerPort": 9102, "protocol": "TCP"},
                 {"containerPort": 53, "protocol": "UDP"}]},
      {"name": "proxy", "image": "r/proxy:2", "ports": null}],
    "initContainers": [{"name": "setup", "image": "r/init:3",
       "ports": [{"name": "probe", "containerPort": 15020, "protocol": "TCP"}]}]},
  "status": {"phase": "Running", "podIP": "10.2.3.4", "hostIP": "10.1.0.7",
    "conditions": [{"type": "Initialized", "status": "False"}, {"type": "Ready", "status": "True"}],
    "containerStatuses": [{"name": "cart", "containerID": "containerd://aa", "restartCount": 0}],
    "initContainerStatuses": [{"name": "setup", "containerID": "containerd://ii"}]}})";

inline constexpr const char* kNode = R"({
  "kind": "Node", "apiVersion": "v1",
  "metadata": {"name": "node-7", "labels": {"zone": "z1"}},
  "spec": {"providerID": "cloud://7"},
  "status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}],
    "addresses": [{"type": "Hostname", "address": "node-7.local"}, {"type": "InternalIP", "address": "10.1.0.7"},
                  {"type": "InternalIP", "address": "fd00::7"}],
    "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}})";

inline constexpr const char* kService = R"({
  "metadata": {"name": "cart", "namespace": "shop", "labels": {"app": "cart"}},
  "spec": {"type": "ClusterIP", "clusterIP": "10.3.0.1", "selector": {"app": "cart"},
    "ports": [{"name": "metrics", "port": 9102, "protocol": "TCP", "targetPort": "metrics"},
              {"name": "web", "port": 80, "protocol": "TCP", "targetPort": 8080}]},
  "status": {"loadBalancer": {}}})";

}  // namespace vedette::collector::kube::test
