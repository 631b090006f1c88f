// Turns the event stream of the YAML library into a YamlTree. Building from events (and not from the library's own
// tree) gives exact places, finds duplicate keys, and keeps aliases shared, so that an alias bomb costs nothing.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>
#include <streambuf>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/binary.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "core/labels.h"
#include "core/yaml.h"
#include "core/yaml_tree.h"

namespace vedette {
namespace {

constexpr std::string_view kMergeKey = "<<";

/// Thrown through the library by the builder, caught in ParseYaml.
struct BuildError {
  Error error;
};

class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view file, const YamlLimits& limits) : limits_(limits), tree_(std::make_shared<YamlTree>()) {
    tree_->file = file;
    anchors_.push_back(YamlTree::kNoNode);  // the library counts anchors from 1
  }

  std::shared_ptr<const YamlTree> Take() {
    if (tree_->nodes.empty()) tree_->nodes.emplace_back();
    return std::move(tree_);
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Leaf(mark, "?", anchor, nullptr); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag != "tag:yaml.org,2002:binary") return Leaf(mark, tag, anchor, &value);
    const std::vector<unsigned char> bytes = YAML::DecodeBase64(value);
    const std::string decoded(bytes.begin(), bytes.end());
    Leaf(mark, "!", anchor, &decoded);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const std::uint32_t target = anchor < anchors_.size() ? anchors_[anchor] : YamlTree::kNoNode;
    if (target == YamlTree::kNoNode) Refuse(mark, Code::kBadData, "an alias inside the value that it names");
    const YamlTree::Node& node = tree_->nodes[target];
    if (WantsKey()) {
      if (node.kind != YamlNode::Kind::kScalar) Refuse(mark, Code::kBadData, "a key must be text");
      return TakeKey(mark, node.text, node.quoted);
    }
    Attach(mark, target);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Kind::kSequence, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Kind::kMap, anchor);
  }
  void OnMapEnd() override {
    ResolveMerges();
    Close();
  }

 private:
  struct Frame {
    std::uint32_t node;
    YAML::anchor_t anchor;
    std::unordered_set<std::string> keys;
    bool has_key = false;  // a key was read, its value comes next
    bool merging = false;  // ... and the key is <<
    std::vector<std::uint32_t> merges;
  };

  [[noreturn]] void Refuse(const YAML::Mark& mark, Code code, std::string_view reason) const {
    throw BuildError{Fail(code, "{}:{}:{}: {}", tree_->file, mark.line + 1, mark.column + 1, reason)};
  }

  bool WantsKey() const {
    return !open_.empty() && tree_->nodes[open_.back().node].kind == YamlNode::Kind::kMap && !open_.back().has_key;
  }

  std::uint32_t NewNode(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (tree_->nodes.size() >= limits_.max_nodes) Refuse(mark, Code::kLimit, "too many values");
    YamlTree::Node& node = tree_->nodes.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return static_cast<std::uint32_t>(tree_->nodes.size() - 1);
  }

  void Bind(YAML::anchor_t anchor, std::uint32_t node) {
    if (anchor == 0) return;
    if (anchors_.size() <= anchor) anchors_.resize(anchor + 1, YamlTree::kNoNode);
    anchors_[anchor] = node;
  }

  void TakeKey(const YAML::Mark& mark, const std::string& text, bool quoted) {
    Frame& frame = open_.back();
    frame.merging = text == kMergeKey && !quoted;
    frame.has_key = true;
    if (frame.merging) return;
    if (!frame.keys.insert(text).second) {
      Refuse(mark, Code::kBadData, fmt::format("the key '{:.100}' is given twice", text));
    }
    tree_->nodes[frame.node].keys.push_back({text, mark.line + 1, mark.column + 1});
  }

  void Leaf(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string* value) {
    const bool quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (WantsKey()) {
      if (value == nullptr) Refuse(mark, Code::kBadData, "a key must be text");
      if (anchor != 0) Refuse(mark, Code::kBadData, "an anchor on a key is not supported");
      return TakeKey(mark, *value, quoted);
    }
    const std::uint32_t node = NewNode(mark, value ? YamlNode::Kind::kScalar : YamlNode::Kind::kNull);
    tree_->nodes[node].quoted = quoted;
    if (value) tree_->nodes[node].text = *value;
    Bind(anchor, node);
    Attach(mark, node);
  }

  void Open(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    if (WantsKey()) Refuse(mark, Code::kBadData, "a key must be text");
    if (static_cast<int>(open_.size()) >= limits_.max_depth) {
      Refuse(mark, Code::kLimit, fmt::format("nested deeper than {} levels", limits_.max_depth));
    }
    const std::uint32_t node = NewNode(mark, kind);
    open_.push_back({node, anchor, {}, false, false, {}});
  }

  void Close() {
    const Frame frame = std::move(open_.back());
    open_.pop_back();
    const YamlTree::Node& node = tree_->nodes[frame.node];
    Bind(frame.anchor, frame.node);
    Attach(YAML::Mark(), frame.node, node.line);
  }

  /// Makes `child` a value of the innermost open node, or the root.
  void Attach(const YAML::Mark& mark, std::uint32_t child, int line = 0) {
    if (open_.empty()) {
      tree_->root = child;
      return;
    }
    Frame& frame = open_.back();
    YamlTree::Node& parent = tree_->nodes[frame.node];
    frame.has_key = false;
    parent.weight += tree_->nodes[child].weight;
    if (parent.weight > limits_.max_nodes) {
      throw BuildError{
          Fail(Code::kLimit, "{}:{}: too many values, aliases included", tree_->file, line > 0 ? line : mark.line + 1)};
    }
    if (frame.merging) {
      frame.merges.push_back(child);
      return;
    }
    YamlTree::Node& node = tree_->nodes[child];
    if (node.parent == YamlTree::kNoNode) {
      node.parent = frame.node;
      node.place = static_cast<std::uint32_t>(parent.children.size());
    }
    parent.children.push_back(child);
  }

  /// Adds the entries of merged maps that the map has not itself; the first of several wins.
  void ResolveMerges() {
    Frame& frame = open_.back();
    std::vector<std::uint32_t> sources;
    for (const std::uint32_t merge : frame.merges) {
      const YamlTree::Node& node = tree_->nodes[merge];
      if (node.kind == YamlNode::Kind::kSequence) {
        sources.insert(sources.end(), node.children.begin(), node.children.end());
      } else {
        sources.push_back(merge);
      }
    }
    for (const std::uint32_t source : sources) {
      const YamlTree::Node& from = tree_->nodes[source];
      if (from.kind != YamlNode::Kind::kMap) {
        throw BuildError{
            Fail(Code::kBadData, "{}:{}:{}: only maps can be merged with '<<'", tree_->file, from.line, from.column)};
      }
      YamlTree::Node& to = tree_->nodes[frame.node];
      for (std::size_t i = 0; i < from.keys.size(); ++i) {
        if (!frame.keys.insert(from.keys[i].text).second) continue;
        to.keys.push_back(from.keys[i]);
        to.children.push_back(from.children[i]);
      }
    }
  }

  YamlLimits limits_;
  std::shared_ptr<YamlTree> tree_;
  std::vector<Frame> open_;
  std::vector<std::uint32_t> anchors_;
};

/// Stops the library at the first thing it finds.
class FindAnything final : public YAML::EventHandler {
 public:
  struct Found {};
  void OnDocumentStart(const YAML::Mark&) override { throw Found{}; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// A stream over text that is not copied.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // the get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

bool HasMore(YAML::Parser& parser) {
  FindAnything any;
  try {
    return parser.HandleNextDocument(any);
  } catch (const FindAnything::Found&) {
    return true;
  } catch (const YAML::Exception&) {
    return true;  // what follows is not even YAML: still ignored text
  }
}

}  // namespace

Result<YamlDocument> ParseYaml(std::string_view text, std::string_view file, const YamlLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Fail(Code::kLimit, "{}: {} bytes, the limit is {}", file, text.size(), limits.max_bytes);
  }
  if (!IsValidUtf8(text)) return Fail(Code::kBadData, "{}: not valid UTF-8", file);
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(zero), '\n');
    return Fail(Code::kBadData, "{}:{}: a zero byte", file, line);
  }
  Builder builder(file, limits);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    YamlDocument document;
    if (parser.HandleNextDocument(builder)) document.more_documents = HasMore(parser);
    std::shared_ptr<const YamlTree> tree = builder.Take();
    const std::uint32_t root = tree->root;
    document.root = YamlNode(std::move(tree), root);
    return document;
  } catch (const BuildError& error) {
    return error.error;
  } catch (const YAML::Exception& error) {
    return Fail(Code::kBadData, "{}:{}:{}: {}", file, error.mark.line + 1, error.mark.column + 1, error.msg);
  } catch (const std::exception& error) {
    return Fail(Code::kBadData, "{}: {}", file, error.what());
  }
}

Result<YamlDocument> LoadYamlFile(const std::string& path, const YamlLimits& limits) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const int reason = errno;
    return Fail(reason == ENOENT ? Code::kNotFound : Code::kIo, "{}: {}", path, std::strerror(reason));
  }
  std::string text;
  std::array<char, 64 << 10> block;
  // One byte more than allowed is enough to see that it is too much.
  while (text.size() <= limits.max_bytes && in.read(block.data(), block.size()).gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) return Fail(Code::kIo, "{}: cannot be read (a folder?)", path);
  return ParseYaml(text, path, limits);
}

}  // namespace vedette
