// Any bytes as a configuration file: an error or a tree that can be walked, within the limits.
#include <cstdint>
#include <string_view>

#include "core/yaml.h"

namespace {

void Walk(const vedette::YamlNode& node, int& budget) {
  if (--budget < 0) return;
  (void)node.Path();
  (void)node.As<double>();
  (void)node.As<std::int64_t>();
  if (const auto items = node.Sequence()) {
    for (const auto& item : *items) Walk(item, budget);
  }
  if (const auto entries = node.Map()) {
    for (const auto& entry : *entries) Walk(entry.value, budget);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = vedette::ParseYaml({reinterpret_cast<const char*>(data), size}, "fuzz.yml");
  int budget = 10'000;
  if (document) Walk(document->root, budget);
  return 0;
}
