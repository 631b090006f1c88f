// Any bytes as definitions of series: an error, or label sets that are in order and survive being written again.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "storage/index/definitions.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  using namespace vedette::storage;
  Definitions definitions;
  if (!definitions.Decode({reinterpret_cast<const char*>(data), size})) {
    if (!definitions.empty()) std::abort();
    return 0;
  }
  DefinitionsEncoder encoder;
  std::vector<LabelView> labels;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    if (definitions.Find(definitions.id(i)) != i) std::abort();
    definitions.ViewLabels(i, labels);
    for (std::size_t l = 0; l < labels.size(); ++l) {
      if (labels[l].value.empty() || (l > 0 && labels[l].name <= labels[l - 1].name)) std::abort();
    }
    encoder.Add(definitions.id(i), labels);
  }
  const std::string bytes = encoder.Take();
  Definitions again;
  if (!again.Decode(bytes) || again.size() != definitions.size()) std::abort();
  for (std::size_t i = 0; i < again.size(); ++i) {
    if (again.id(i) != definitions.id(i) || again.LabelsOf(i) != definitions.LabelsOf(i)) std::abort();
  }
  return 0;
}
