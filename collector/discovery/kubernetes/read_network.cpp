// Services, their endpoints, ingresses.
#include <algorithm>

#include "collector/discovery/kubernetes/object_meta.h"

namespace vedette::collector::kube {
namespace {

ServicePort ReadServicePort(JsonCursor& json) {
  ServicePort port;
  json.Object([&](std::string_view key) {
    if (key == "name") port.name = json.String();
    if (key == "protocol") port.protocol = json.String();
    if (key == "port") port.number = json.Integer();
  });
  return port;
}

struct ServiceSpec {
  std::string deprecated_ip, family_policy;
  std::vector<std::string> families;
};
void ReadServiceSpec(JsonCursor& json, Service& out, ServiceSpec& spec) {
  json.Object([&](std::string_view key) {
    if (key == "type") out.type = json.String();
    if (key == "clusterIP") out.cluster_ip = json.String();
    if (key == "externalName") out.external_name = json.String();
    if (key == "loadBalancerIP") spec.deprecated_ip = json.String();
    if (key == "ipFamilyPolicy") spec.family_policy = json.String();
    if (key == "ipFamilies") spec.families = ReadStrings(json);
    if (key == "ports") json.Array([&] { out.ports.push_back(ReadServicePort(json)); });
  });
}

/// The addresses of status.loadBalancer.ingress.
std::string ReadBalancerIps(JsonCursor& json) {
  std::string ips;
  json.Object([&](std::string_view key) {
    if (key != "loadBalancer") return;
    json.Object([&](std::string_view member) {
      if (member != "ingress") return;
      json.Array([&] {
        json.Object([&](std::string_view part) {
          if (part != "ip") return;
          const std::string ip = json.String();
          if (!ip.empty()) ips += (ips.empty() ? "" : ",") + ip;
        });
      });
    });
  });
  return ips;
}

std::optional<Reference> ReadReference(JsonCursor& json) {
  if (json.TakeNull()) return std::nullopt;
  Reference out;
  json.Object([&](std::string_view key) {
    if (key == "kind") out.kind = json.String();
    if (key == "namespace") out.ns = json.String();
    if (key == "name") out.name = json.String();
  });
  return out;
}

std::optional<std::string> ReadOptionalString(JsonCursor& json) {
  if (json.TakeNull()) return std::nullopt;
  return json.String();
}

void ReadAddresses(JsonCursor& json, bool ready, std::vector<EndpointAddress>& out) {
  json.Array([&] {
    EndpointAddress& address = out.emplace_back();
    address.ready = ready;
    json.Object([&](std::string_view key) {
      if (key == "ip") address.ip = json.String();
      if (key == "hostname") address.hostname = json.String();
      if (key == "nodeName") address.node = ReadOptionalString(json);
      if (key == "targetRef") address.reference = ReadReference(json);
    });
  });
}

void ReadSliceConditions(JsonCursor& json, MetaLabels& labels) {
  json.Object([&](std::string_view key) {
    if (key != "ready" && key != "serving" && key != "terminating") return;
    const std::string name = fmt::format("endpointslice_endpoint_conditions_{}", key);
    if (!json.TakeNull()) labels.Add(name, json.Bool() ? "true" : "false");
  });
}

SliceEndpoint ReadSliceEndpoint(JsonCursor& json) {
  SliceEndpoint out;
  MetaLabels labels;
  json.Object([&](std::string_view key) {
    if (key == "addresses") out.addresses = ReadStrings(json);
    if (key == "conditions") ReadSliceConditions(json, labels);
    if (key == "hostname") labels.Add("endpointslice_endpoint_hostname", json.String());
    if (key == "zone") labels.Add("endpointslice_endpoint_zone", json.String());
    if (key == "nodeName") out.node = ReadOptionalString(json);
    if (key == "targetRef") out.reference = ReadReference(json);
    if (key == "deprecatedTopology") {
      for (const auto& [name, value] : ReadStringMap(json)) {
        labels.AddSanitized("endpointslice_endpoint_topology_", name, value);
        labels.AddSanitized("endpointslice_endpoint_topology_present_", name, "true");
      }
    }
  });
  if (out.reference) {
    labels.Add("endpointslice_address_target_kind", out.reference->kind);
    labels.Add("endpointslice_address_target_name", out.reference->name);
  }
  if (out.node) labels.Add("endpointslice_endpoint_node_name", *out.node);
  out.labels = labels.Build();
  return out;
}

SlicePort ReadSlicePort(JsonCursor& json) {
  SlicePort port;
  json.Object([&](std::string_view key) {
    if (key == "name") port.name = ReadOptionalString(json);
    if (key == "protocol") port.protocol = ReadOptionalString(json);
    if (key == "appProtocol") port.app_protocol = ReadOptionalString(json);
    if (key == "port" && !json.TakeNull()) port.number = json.Integer();
  });
  return port;
}

/// Without `http` a rule stands for the root; with an empty list of paths for none.
IngressRule ReadRule(JsonCursor& json) {
  IngressRule rule;
  bool has_paths = false;
  json.Object([&](std::string_view key) {
    if (key == "host") rule.host = json.String();
    if (key != "http" || json.TakeNull()) return;
    has_paths = true;
    json.Object([&](std::string_view member) {
      if (member != "paths") return;
      json.Array([&] {
        std::string path;
        json.Object([&](std::string_view part) {
          if (part == "path") path = json.String();
        });
        rule.paths.push_back(path.empty() ? "/" : path);
      });
    });
  });
  if (!has_paths) rule.paths = {"/"};
  return rule;
}

}  // namespace

Body ReadService(JsonCursor& json, const ObjectMeta& meta) {
  Service out;
  ServiceSpec spec;
  json.Object([&](std::string_view key) {
    if (key == "spec") ReadServiceSpec(json, out, spec);
    if (key == "status") out.load_balancer_ips = ReadBalancerIps(json);
  });
  if (out.load_balancer_ips.empty()) out.load_balancer_ips = spec.deprecated_ip;
  const bool dual = spec.family_policy == "PreferDualStack" || spec.family_policy == "RequireDualStack";
  if (dual && !spec.families.empty()) out.primary_family = spec.families.front();
  MetaLabels labels;
  AddMeta(labels, "service", meta);
  out.labels = labels.Build();
  return out;
}

Body ReadEndpoints(JsonCursor& json, const ObjectMeta& meta) {
  Endpoints out;
  json.Object([&](std::string_view key) {
    if (key != "subsets") return;
    json.Array([&] {
      EndpointSubset& subset = out.subsets.emplace_back();
      std::vector<EndpointAddress> not_ready;
      json.Object([&](std::string_view member) {
        if (member == "addresses") ReadAddresses(json, true, subset.addresses);
        if (member == "notReadyAddresses") ReadAddresses(json, false, not_ready);
        if (member == "ports") json.Array([&] { subset.ports.push_back(ReadServicePort(json)); });
      });
      std::ranges::move(not_ready, std::back_inserter(subset.addresses));
    });
  });
  MetaLabels labels;
  AddMeta(labels, "endpoints", meta);
  out.labels = labels.Build();
  return out;
}

Body ReadEndpointSlice(JsonCursor& json, const ObjectMeta& meta) {
  EndpointSlice out;
  json.Object([&](std::string_view key) {
    if (key == "addressType") out.address_type = json.String();
    if (key == "endpoints") json.Array([&] { out.endpoints.push_back(ReadSliceEndpoint(json)); });
    if (key == "ports") json.Array([&] { out.ports.push_back(ReadSlicePort(json)); });
  });
  for (const auto& [name, value] : meta.labels) {
    if (name == "kubernetes.io/service-name") out.service = value;
  }
  MetaLabels labels;
  AddMeta(labels, "endpointslice", meta);
  labels.Add("endpointslice_address_type", out.address_type);
  out.labels = labels.Build();
  return out;
}

Body ReadIngress(JsonCursor& json, const ObjectMeta& meta) {
  Ingress out;
  MetaLabels labels;
  AddMeta(labels, "ingress", meta);
  json.Object([&](std::string_view key) {
    if (key != "spec") return;
    json.Object([&](std::string_view member) {
      if (member == "ingressClassName") labels.Add("ingress_class_name", json.String());
      if (member == "rules") json.Array([&] { out.rules.push_back(ReadRule(json)); });
      if (member != "tls") return;
      json.Array([&] {
        json.Object([&](std::string_view part) {
          if (part == "hosts") std::ranges::move(ReadStrings(json), std::back_inserter(out.tls_hosts));
        });
      });
    });
  });
  out.labels = labels.Build();
  return out;
}

}  // namespace vedette::collector::kube
