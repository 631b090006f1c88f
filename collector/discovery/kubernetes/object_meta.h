// The metadata of an object and the labels it gives. For the readers of this folder.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/discovery/kubernetes/json_cursor.h"
#include "collector/discovery/kubernetes/objects.h"

namespace vedette::collector::kube {

inline constexpr std::string_view kNamespaceLabel = "__meta_kubernetes_namespace";

/// Labels in the order in which they come; of a name given twice the last counts, empty values are none.
class MetaLabels {
 public:
  /// `name` follows "__meta_kubernetes_".
  void Add(std::string_view name, std::string_view value);
  /// `prefix` likewise; what `key` has that no label name may have becomes underscores.
  void AddSanitized(std::string_view prefix, std::string_view key, std::string_view value);
  Labels Build();

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

struct ObjectMeta {
  std::string ns, name, uid, version;
  std::vector<std::pair<std::string, std::string>> labels, annotations;
  Owner owner;
};
ObjectMeta ReadObjectMeta(JsonCursor& json);

/// "<what>_label_*", "<what>_labelpresent_*" and the same of annotations.
void AddLabelsAndAnnotations(MetaLabels& out, std::string_view what, const ObjectMeta& meta);
/// Those, "<what>_name" and, of what is in one, the namespace.
void AddMeta(MetaLabels& out, std::string_view what, const ObjectMeta& meta);

std::vector<std::pair<std::string, std::string>> ReadStringMap(JsonCursor& json);
std::vector<std::string> ReadStrings(JsonCursor& json);
std::string LowerCase(std::string text);

// The readers of each kind: from its text to its body. `meta` has been read already.
Body ReadPod(JsonCursor& json, const ObjectMeta& meta);
Body ReadService(JsonCursor& json, const ObjectMeta& meta);
Body ReadEndpoints(JsonCursor& json, const ObjectMeta& meta);
Body ReadEndpointSlice(JsonCursor& json, const ObjectMeta& meta);
Body ReadIngress(JsonCursor& json, const ObjectMeta& meta);
Body ReadNode(JsonCursor& json, const ObjectMeta& meta);
Body ReadNamespace(JsonCursor& json, const ObjectMeta& meta);
Body ReadOwner(JsonCursor& json, const ObjectMeta& meta);

}  // namespace vedette::collector::kube
