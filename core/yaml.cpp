#include "core/yaml.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "core/numbers.h"
#include "core/yaml_tree.h"

namespace vedette {
namespace {

std::string_view Describe(const YamlNode& node) {
  switch (node.kind()) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "?";
}

Error Mismatch(const YamlNode& node, std::string_view wanted) {
  if (node.IsScalar()) return node.At(fmt::format("expected {}, found '{:.100}'", wanted, node.text()));
  return node.At(fmt::format("expected {}, found {}", wanted, Describe(node)));
}

/// Sign and magnitude of a whole number in YAML's notations: 10, -3, +7, 1_000, 0x1f, 0o17, 0b11.
struct Whole {
  bool negative = false;
  std::uint64_t magnitude = 0;
};
std::optional<Whole> ParseWhole(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c != '_'; });
  std::string_view rest = digits;
  Whole whole;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    whole.negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  int base = 10;
  if (rest.size() > 2 && rest[0] == '0') {
    const char mark = rest[1];
    base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
    if (base != 10) rest.remove_prefix(2);
  }
  if (rest.empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), whole.magnitude, base);
  if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return whole;
}

template <class T>
Result<T> AsInteger(const YamlNode& node) {
  if (!node.IsScalar() || node.quoted()) return Mismatch(node, "a whole number");
  const std::optional<Whole> whole = ParseWhole(node.text());
  if (!whole) return Mismatch(node, "a whole number");
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  const bool fits = whole->negative
                        ? whole->magnitude == 0 || (std::numeric_limits<T>::is_signed && whole->magnitude <= most)
                        : whole->magnitude <= most;
  if (!fits) return node.At(fmt::format("'{}' is out of range", node.text()));
  const T value = static_cast<T>(whole->magnitude);
  return whole->negative ? static_cast<T>(T(0) - value) : value;
}

}  // namespace

YamlNode::YamlNode() {
  auto tree = std::make_shared<YamlTree>();
  tree->nodes.emplace_back();
  tree_ = std::move(tree);
}
YamlNode::YamlNode(std::shared_ptr<const YamlTree> tree, std::uint32_t index) : tree_(std::move(tree)), index_(index) {}

YamlNode::Kind YamlNode::kind() const { return tree_->nodes[index_].kind; }
int YamlNode::line() const { return tree_->nodes[index_].line; }
int YamlNode::column() const { return tree_->nodes[index_].column; }
const std::string& YamlNode::file() const { return tree_->file; }
const std::string& YamlNode::text() const { return tree_->nodes[index_].text; }
bool YamlNode::quoted() const { return tree_->nodes[index_].quoted; }

std::string YamlNode::Path() const {
  std::vector<std::uint32_t> way;
  for (std::uint32_t i = index_; i != YamlTree::kNoNode; i = tree_->nodes[i].parent) way.push_back(i);
  std::string path;
  for (std::size_t i = way.size(); i-- > 1;) {
    const YamlTree::Node& parent = tree_->nodes[way[i]];
    const std::uint32_t place = tree_->nodes[way[i - 1]].place;
    if (parent.kind == Kind::kSequence) {
      path += fmt::format("[{}]", place);
    } else {
      if (!path.empty()) path += '.';
      path += parent.keys[place].text;
    }
  }
  return path;
}

Error YamlNode::At(std::string_view reason) const {
  const std::string path = Path();
  return Fail(Code::kBadData, "{}:{}:{}: {}{}{}", file(), line(), column(), path, path.empty() ? "" : ": ", reason);
}

std::optional<YamlNode> YamlNode::Get(std::string_view key) const {
  const YamlTree::Node& node = tree_->nodes[index_];
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (node.keys[i].text == key) return YamlNode(tree_, node.children[i]);
  }
  return std::nullopt;
}

Result<YamlNode> YamlNode::Need(std::string_view key) const {
  if (!IsMap() && !IsNull()) return Mismatch(*this, "a map");
  std::optional<YamlNode> value = Get(key);
  if (!value) return At(fmt::format("the key '{}' is missing", key));
  return *std::move(value);
}

Result<std::vector<YamlNode::Entry>> YamlNode::Map() const {
  if (!IsMap() && !IsNull()) return Mismatch(*this, "a map");
  const YamlTree::Node& node = tree_->nodes[index_];
  std::vector<Entry> entries;
  entries.reserve(node.keys.size());
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const YamlTree::Key& key = node.keys[i];
    entries.push_back({key.text, key.line, key.column, YamlNode(tree_, node.children[i])});
  }
  return entries;
}

Result<std::vector<YamlNode>> YamlNode::Sequence() const {
  if (!IsSequence() && !IsNull()) return Mismatch(*this, "a list");
  std::vector<YamlNode> items;
  for (const std::uint32_t child : tree_->nodes[index_].children) items.emplace_back(tree_, child);
  return items;
}

std::vector<Error> YamlNode::UnknownKeys(std::span<const std::string_view> keys) const {
  std::vector<Error> errors;
  const YamlTree::Node& node = tree_->nodes[index_];
  const std::string path = Path();
  for (const YamlTree::Key& key : node.keys) {
    if (std::find(keys.begin(), keys.end(), key.text) != keys.end()) continue;
    errors.push_back(Fail(Code::kBadData, "{}:{}:{}: {}{}unknown key '{:.100}'", file(), key.line, key.column, path,
                          path.empty() ? "" : ": ", key.text));
  }
  return errors;
}

Status YamlNode::ExpectKeys(std::span<const std::string_view> keys) const {
  if (!IsMap() && !IsNull()) return Mismatch(*this, "a map");
  std::vector<Error> errors = UnknownKeys(keys);
  if (!errors.empty()) return std::move(errors.front());
  return Ok();
}

template <>
Result<std::string> YamlNode::As<std::string>() const {
  if (!IsScalar() && !IsNull()) return Mismatch(*this, "text");
  return text();
}

template <>
Result<bool> YamlNode::As<bool>() const {
  if (IsScalar() && !quoted()) {
    std::string lower = text();
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c | 32 : c; });
    if (lower == "true" || lower == "yes" || lower == "on" || lower == "y") return true;
    if (lower == "false" || lower == "no" || lower == "off" || lower == "n") return false;
  }
  return Mismatch(*this, "true or false");
}

// clang-format off
template <> Result<int> YamlNode::As<int>() const { return AsInteger<int>(*this); }
template <> Result<std::int64_t> YamlNode::As<std::int64_t>() const { return AsInteger<std::int64_t>(*this); }
template <> Result<std::uint64_t> YamlNode::As<std::uint64_t>() const { return AsInteger<std::uint64_t>(*this); }
// clang-format on

template <>
Result<double> YamlNode::As<double>() const {
  if (!IsScalar() || quoted()) return Mismatch(*this, "a number");
  if (const std::optional<Whole> whole = ParseWhole(text())) {
    const auto magnitude = static_cast<double>(whole->magnitude);
    return whole->negative ? -magnitude : magnitude;
  }
  std::string plain = text();
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  // YAML spells the special values with a dot: .inf, -.Inf, .nan.
  if (const std::size_t dot = plain.find('.'); dot != std::string::npos && dot <= 1 && dot + 4 == plain.size()) {
    if (const auto special = ParseFloat(std::string(plain).erase(dot, 1));
        special && (*special != *special || *special - *special != 0))
      return *special;
  }
  if (const std::optional<double> value = ParseFloat(plain)) return *value;
  return Mismatch(*this, "a number");
}

template <>
Result<Millis> YamlNode::As<Millis>() const {
  if (!IsScalar()) return Mismatch(*this, "a duration");
  auto span = ParseDuration(text());
  if (!span) return At(span.error().message);
  return *span;
}

template <>
Result<std::vector<std::string>> YamlNode::As<std::vector<std::string>>() const {
  VEDETTE_TRY(const std::vector<YamlNode> items, Sequence());
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (const YamlNode& item : items) {
    VEDETTE_TRY(std::string text, item.As<std::string>());
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace vedette
