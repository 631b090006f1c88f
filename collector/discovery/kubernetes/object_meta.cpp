#include "collector/discovery/kubernetes/object_meta.h"

#include <algorithm>

namespace vedette::collector::kube {
namespace {

constexpr std::string_view kMetaPrefix = "__meta_kubernetes_";

void ReadOwners(JsonCursor& json, Owner& out) {
  bool found = false;
  json.Array([&] {
    Owner owner;
    bool controls = false;
    json.Object([&](std::string_view key) {
      if (key == "kind") owner.kind = json.String();
      if (key == "name") owner.name = json.String();
      if (key == "controller") controls = json.Bool();
    });
    if (controls && !std::exchange(found, true)) out = std::move(owner);
  });
}

}  // namespace

std::string SanitizeName(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;  // of a character that has its underscore
    if (!continues) out += plain ? c : '_';
  }
  return out;
}

std::string LowerCase(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

void MetaLabels::Add(std::string_view name, std::string_view value) {
  std::string full(kMetaPrefix);
  full += name;
  items_.emplace_back(std::move(full), value);
}

void MetaLabels::AddSanitized(std::string_view prefix, std::string_view key, std::string_view value) {
  std::string full(kMetaPrefix);
  full += prefix;
  full += SanitizeName(key);
  items_.emplace_back(std::move(full), value);
}

Labels MetaLabels::Build() {
  std::ranges::stable_sort(items_, {}, &std::pair<std::string, std::string>::first);
  std::vector<LabelView> views;
  views.reserve(items_.size());
  for (const auto& [name, value] : items_) {
    if (!views.empty() && views.back().name == name) views.pop_back();
    views.push_back({name, value});
  }
  std::erase_if(views, [](const LabelView& label) { return label.value.empty(); });
  return Labels::FromSorted(views);
}

ObjectMeta ReadObjectMeta(JsonCursor& json) {
  ObjectMeta meta;
  json.Object([&](std::string_view key) {
    if (key == "name") meta.name = json.String();
    if (key == "namespace") meta.ns = json.String();
    if (key == "uid") meta.uid = json.String();
    if (key == "resourceVersion") meta.version = json.String();
    if (key == "labels") meta.labels = ReadStringMap(json);
    if (key == "annotations") meta.annotations = ReadStringMap(json);
    if (key == "ownerReferences") ReadOwners(json, meta.owner);
  });
  return meta;
}

void AddLabelsAndAnnotations(MetaLabels& out, std::string_view what, const ObjectMeta& meta) {
  const auto add = [&](const auto& items, std::string_view kind) {
    const std::string value_prefix = fmt::format("{}_{}_", what, kind);
    const std::string present_prefix = fmt::format("{}_{}present_", what, kind);
    for (const auto& [key, value] : items) {
      out.AddSanitized(value_prefix, key, value);
      out.AddSanitized(present_prefix, key, "true");
    }
  };
  add(meta.labels, "label");
  add(meta.annotations, "annotation");
}

void AddMeta(MetaLabels& out, std::string_view what, const ObjectMeta& meta) {
  if (!meta.ns.empty()) out.Add("namespace", meta.ns);
  out.Add(fmt::format("{}_name", what), meta.name);
  AddLabelsAndAnnotations(out, what, meta);
}

std::vector<std::pair<std::string, std::string>> ReadStringMap(JsonCursor& json) {
  std::vector<std::pair<std::string, std::string>> out;
  json.Object([&](std::string_view key) {
    std::string name(key);
    out.emplace_back(std::move(name), json.String());
  });
  return out;
}

std::vector<std::string> ReadStrings(JsonCursor& json) {
  std::vector<std::string> out;
  json.Array([&] { out.push_back(json.String()); });
  return out;
}

}  // namespace vedette::collector::kube
