// Reading a section of the configuration: a table says which key fills which member and how.
//
//   constexpr Field<StorageOptions> kStorageFields[] = {{"path", Set<&StorageOptions::path>}, ...};
//   VEDETTE_CHECK(ReadFields<StorageOptions>(node, kStorageFields, options));
//
// A key that no row names is an error with its place, so a typing mistake never passes silently. An absent or null key
// leaves the default. Used by the read_*.cpp files of this folder only.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/labels.h"
#include "core/matcher.h"
#include "core/secret.h"
#include "core/yaml.h"

namespace vedette::config {

template <class T>
struct Field {
  std::string_view key;
  Status (*read)(const YamlNode& value, T& out);
};

/// Errors: not a map, a key without a row ("field x not found in ..."), or what a row's reader says. `what` names the
/// section in messages.
template <class T>
Status ReadFields(const YamlNode& map, std::span<const Field<T>> fields, T& out, std::string_view what) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, map.Map());
  for (const YamlNode::Entry& entry : entries) {
    const Field<T>* found = nullptr;
    for (const Field<T>& field : fields) {
      if (field.key == entry.key) found = &field;
    }
    if (found == nullptr) {
      return Fail(Code::kBadData, "{}:{}:{}: field {} not found in {}", map.file(), entry.line, entry.column, entry.key,
                  what);
    }
    if (entry.value.IsNull()) continue;
    VEDETTE_CHECK(found->read(entry.value, out));
  }
  return Ok();
}

template <class T, std::size_t N>
Status ReadFields(const YamlNode& map, const Field<T> (&fields)[N], T& out, std::string_view what) {
  return ReadFields(map, std::span<const Field<T>>(fields), out, what);
}

/// Readers of single values; what a text means depends on the type it is read into.
Status ReadValue(const YamlNode& node, std::string& out);
Status ReadValue(const YamlNode& node, bool& out);
Status ReadValue(const YamlNode& node, int& out);
Status ReadValue(const YamlNode& node, std::size_t& out);
Status ReadValue(const YamlNode& node, double& out);
Status ReadValue(const YamlNode& node, Millis& out);
Status ReadValue(const YamlNode& node, Secret& out);
Status ReadValue(const YamlNode& node, std::vector<std::string>& out);
/// A map of texts, in the order of the file.
Status ReadValue(const YamlNode& node, std::vector<std::pair<std::string, std::string>>& out);
Status ReadValue(const YamlNode& node, std::map<std::string, bool>& out);
/// Label names are checked.
Status ReadValue(const YamlNode& node, Labels& out);
template <class T>
Status ReadValue(const YamlNode& node, std::optional<T>& out) {
  return ReadValue(node, out.emplace());
}

/// "15MB": B, KB, MB, GB, TB, PB, EB and KiB ... in steps of 1024, as Prometheus reads sizes; 0 is no limit.
Status ReadBytes(const YamlNode& node, std::size_t& out);
/// A URL with http or https and a host.
Status ReadHttpUrl(const YamlNode& node, std::string& out);
/// Alertmanager matchers: a list of texts such as `severity="page"`.
Status ReadMatchers(const YamlNode& node, std::vector<Matcher>& out);

namespace internal {
template <class>
struct MemberOf;
template <class Owner, class Value>
struct MemberOf<Value Owner::*> {
  using Class = Owner;
};
template <auto Member>
using OwnerOf = typename MemberOf<decltype(Member)>::Class;
}  // namespace internal

template <auto Member>
Status Set(const YamlNode& node, internal::OwnerOf<Member>& out) {
  return ReadValue(node, out.*Member);
}
template <auto Member>
Status SetBytes(const YamlNode& node, internal::OwnerOf<Member>& out) {
  return ReadBytes(node, out.*Member);
}
/// For keys of which only the kind of their value is checked: not_run.cpp lists those that would do something.
template <class T, class Section>
Status Checked(const YamlNode& node, Section&) {
  T value{};
  return ReadValue(node, value);
}
/// For keys that Prometheus or Alertmanager know and Vedette does not act on yet: refused, never ignored.
template <class T>
Status NotSupported(const YamlNode& node, T&) {
  return node.At("is not supported by this version of Vedette; remove it to start");
}

/// A sequence of sections: each item is read by `read` into a new element. A null item is an error that names `what`.
template <class T, class Read>
Status ReadList(const YamlNode& node, std::vector<T>& out, std::string_view what, Read read) {
  VEDETTE_TRY(const std::vector<YamlNode> items, node.Sequence());
  for (const YamlNode& item : items) {
    if (item.IsNull()) return item.At(fmt::format("empty or null {}", what));
    VEDETTE_CHECK(read(item, out.emplace_back()));
  }
  return Ok();
}

}  // namespace vedette::config
