// YAML for configuration and rule files: a tree whose nodes know where they stand in the text.
//
// Everything wrong gives "<file>:<line>:<column>: <path>: <reason>", so that loaders only say the reason. Strict: a key
// given twice, a key that is no text, text that is not UTF-8 are errors; unknown keys are for the loader to refuse
// (ExpectKeys). Size, nesting and what aliases expand to are bounded. Merge keys (`<<: *defaults`) are resolved. Values
// are typed by who reads them, as Go's yaml does: `for: 5` is the text "5" to a string field; "5" in quotes is no
// number.
//
// Immutable after loading, cheap to copy, thread-safe. No YAML library in this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace vedette {

struct YamlLimits {
  std::size_t max_bytes = 16 << 20;
  int max_depth = 100;
  /// Nodes of the document with every alias written out.
  std::size_t max_nodes = 2'000'000;
};

struct YamlTree;  // core/yaml_tree.h

/// One value of a document: null, scalar, sequence or map. Holds the whole document alive.
class YamlNode {
 public:
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };

  /// An empty document.
  YamlNode();
  YamlNode(std::shared_ptr<const YamlTree> tree, std::uint32_t index);

  Kind kind() const;
  bool IsNull() const { return kind() == Kind::kNull; }
  bool IsScalar() const { return kind() == Kind::kScalar; }
  bool IsSequence() const { return kind() == Kind::kSequence; }
  bool IsMap() const { return kind() == Kind::kMap; }

  /// From 1. Of an aliased node: where it is defined.
  int line() const;
  int column() const;
  const std::string& file() const;
  /// Way from the root: "groups[0].rules[2].expr"; empty for the root.
  std::string Path() const;
  /// kBadData, "<file>:<line>:<column>: <path>: <reason>".
  Error At(std::string_view reason) const;

  /// The raw text of a scalar, empty for anything else. `quoted`: written in quotes, as a block, or tagged !!str.
  const std::string& text() const;
  bool quoted() const;

  /// Of a map: the value of `key`; nothing when this is no map, has no such key.
  std::optional<YamlNode> Get(std::string_view key) const;
  bool Has(std::string_view key) const { return Get(key).has_value(); }
  /// Errors: the key is missing, or this is no map.
  Result<YamlNode> Need(std::string_view key) const;

  struct Entry;
  /// Entries in the order of the text; null counts as empty. Errors: not a map (sequence).
  Result<std::vector<Entry>> Map() const;
  Result<std::vector<YamlNode>> Sequence() const;

  /// T: std::string (null is ""), bool, int, std::int64_t, std::uint64_t, std::size_t, double, Millis (Prometheus'
  /// duration, "1h30m"), std::vector<std::string> (a sequence of scalars; null is empty). Errors: another type of
  /// value.
  template <class T>
  Result<T> As() const;

  /// Reads the value of `key` into `out`; a key that is missing or null leaves `out` as it is.
  template <class T>
  Status Read(std::string_view key, T& out) const {
    const std::optional<YamlNode> value = Get(key);
    if (!value || value->IsNull()) return Ok();
    VEDETTE_TRY(out, value->As<T>());
    return Ok();
  }

  /// Errors: not a map (null is fine), or the first key that is not in `keys`, named with its place.
  Status ExpectKeys(std::initializer_list<std::string_view> keys) const {
    return ExpectKeys({keys.begin(), keys.size()});
  }
  Status ExpectKeys(std::span<const std::string_view> keys) const;
  /// All of them, for loaders that list every mistake.
  std::vector<Error> UnknownKeys(std::span<const std::string_view> keys) const;

 private:
  std::shared_ptr<const YamlTree> tree_;
  std::uint32_t index_ = 0;
};

struct YamlNode::Entry {
  std::string key;
  int line = 0, column = 0;  // of the key
  YamlNode value;
};

struct YamlDocument {
  YamlNode root;  // null for an empty file
  /// Text after the first document that was not read: callers warn.
  bool more_documents = false;
};

/// `file` is only named in messages. Errors: kBadData (syntax, duplicate key, UTF-8), kLimit.
Result<YamlDocument> ParseYaml(std::string_view text, std::string_view file, const YamlLimits& limits = {});

/// Errors: additionally kNotFound and kIo.
Result<YamlDocument> LoadYamlFile(const std::string& path, const YamlLimits& limits = {});

// clang-format off
template <> Result<std::string> YamlNode::As<std::string>() const;
template <> Result<bool> YamlNode::As<bool>() const;
template <> Result<int> YamlNode::As<int>() const;
template <> Result<std::int64_t> YamlNode::As<std::int64_t>() const;
template <> Result<std::uint64_t> YamlNode::As<std::uint64_t>() const;
template <> Result<double> YamlNode::As<double>() const;
template <> Result<Millis> YamlNode::As<Millis>() const;
template <> Result<std::vector<std::string>> YamlNode::As<std::vector<std::string>>() const;
// clang-format on

}  // namespace vedette
