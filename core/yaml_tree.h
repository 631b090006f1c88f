// What stands behind YamlNode: all nodes of a document in one array. Made by yaml_parse.cpp, read by yaml.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/yaml.h"

namespace vedette {

struct YamlTree {
  static constexpr std::uint32_t kNoNode = 0xffffffff;

  struct Key {
    std::string text;
    int line = 0, column = 0;
  };
  struct Node {
    YamlNode::Kind kind = YamlNode::Kind::kNull;
    bool quoted = false;
    int line = 1, column = 1;  // from 1
    std::uint32_t parent = kNoNode;
    std::uint32_t place = 0;  // which child of the parent this is
    std::string text;
    std::vector<Key> keys;                // of a map, one per child
    std::vector<std::uint32_t> children;  // of a map or sequence; an alias repeats the index of what it names
    std::size_t weight = 1;               // nodes below and this one, aliases written out
  };

  std::string file;
  std::vector<Node> nodes;
  std::uint32_t root = 0;
};

}  // namespace vedette
