#include "collector/discovery/kubernetes/objects.h"

#include <algorithm>
#include <array>

#include "collector/discovery/kubernetes/json_cursor.h"
#include "collector/discovery/kubernetes/object_meta.h"

namespace vedette::collector::kube {
namespace {

using Role = KubernetesRole;

struct Row {
  ResourceInfo info;
  Body (*read)(JsonCursor& json, const ObjectMeta& meta);
};
constexpr std::array<Row, kResourceCount> kResources = {{
    {{"pods", "/api/v1", "Pod", Role::kPod}, ReadPod},
    {{"services", "/api/v1", "Service", Role::kService}, ReadService},
    {{"endpoints", "/api/v1", "Endpoints", Role::kEndpoints}, ReadEndpoints},
    {{"endpointslices", "/apis/discovery.k8s.io/v1", "EndpointSlice", Role::kEndpointSlice}, ReadEndpointSlice},
    {{"ingresses", "/apis/networking.k8s.io/v1", "Ingress", Role::kIngress}, ReadIngress},
    {{"nodes", "/api/v1", "Node", Role::kNode, false}, ReadNode},
    {{"namespaces", "/api/v1", "Namespace", {}, false}, ReadNamespace},
    {{"replicasets", "/apis/apps/v1", "ReplicaSet", {}}, ReadOwner},
    {{"jobs", "/apis/batch/v1", "Job", {}}, ReadOwner},
}};

}  // namespace

const ResourceInfo& InfoOf(Resource resource) { return kResources[static_cast<std::size_t>(resource)].info; }

Result<Object> ReadObject(Resource resource, std::string_view json) {
  const Row& row = kResources[static_cast<std::size_t>(resource)];
  ObjectMeta meta;
  std::string kind;
  JsonCursor top(json);
  top.Object([&](std::string_view key) {
    if (key == "kind") kind = top.String();
    if (key == "metadata") meta = ReadObjectMeta(top);
  });
  VEDETTE_CHECK(top.Finish());
  if (meta.name.empty()) return Fail(Code::kBadData, "an object without a name");
  // Items of a list do not say what they are.
  if (!kind.empty() && kind != row.info.kind) return Fail(Code::kBadData, "a {} among {}", Quote(kind), row.info.name);
  JsonCursor rest(json);
  Body body = row.read(rest, meta);
  VEDETTE_CHECK(rest.Finish());
  return Object{row.info.namespaced ? meta.ns : "", meta.name, meta.version, std::move(body)};
}

Result<Object> ReadIdentity(std::string_view json) {
  Object out;
  JsonCursor cursor(json);
  cursor.Object([&](std::string_view key) {
    if (key != "metadata") return;
    cursor.Object([&](std::string_view member) {
      if (member == "name") out.name = cursor.String();
      if (member == "namespace") out.ns = cursor.String();
      if (member == "resourceVersion") out.version = cursor.String();
      // The server writes the name first and the large parts last.
      if (member == "managedFields") cursor.Fail("enough");
    });
  });
  if (out.name.empty()) return Fail(Code::kBadData, "an object without a name");
  return out;
}

Result<Event> ReadEvent(std::string_view json) {
  constexpr std::array<std::string_view, 5> kTypes = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};
  Event out;
  std::string type;
  JsonCursor cursor(json);
  cursor.Object([&](std::string_view key) {
    if (key == "type") type = cursor.String();
    if (key == "object") out.object = cursor.Skip();
  });
  VEDETTE_CHECK(cursor.Finish());
  const auto found = std::find(kTypes.begin(), kTypes.end(), type);
  if (found == kTypes.end()) return Fail(Code::kBadData, "an event of unknown type {}", Quote(type));
  if (!out.object.starts_with('{')) return Fail(Code::kBadData, "an event without an object");
  out.type = static_cast<Event::Type>(found - kTypes.begin());
  return out;
}

Result<ListHead> ReadListHead(std::string_view json) {
  ListHead out;
  JsonCursor cursor(json);
  cursor.Object([&](std::string_view key) {
    if (key == "kind") out.kind = cursor.String();
    if (key != "metadata") return;
    cursor.Object([&](std::string_view member) {
      if (member == "resourceVersion") out.version = cursor.String();
      if (member == "continue") out.next_page = cursor.String();
    });
  });
  VEDETTE_CHECK(cursor.Finish());
  return out;
}

Result<ServerStatus> ReadServerStatus(std::string_view json) {
  ServerStatus out;
  JsonCursor cursor(json);
  cursor.Object([&](std::string_view key) {
    if (key == "code") out.code = cursor.Integer();
    if (key == "reason") out.reason = cursor.String();
    if (key == "message") out.message = cursor.String();
  });
  VEDETTE_CHECK(cursor.Finish());
  return out;
}

}  // namespace vedette::collector::kube
