// Any rule on any labels: what Validate() accepts can be applied, and the result is a proper label set.
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/relabel/relabel.h"

namespace {

/// The next line of `text`.
std::string Take(std::string_view& text) {
  const auto end = text.find('\n');
  const std::string line(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::collector;
  if (size < 2) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  RelabelConfig rule;
  rule.action = static_cast<RelabelAction>(data[0] % 11);
  rule.modulus = data[1];
  auto regex = vedette::Regex::Compile(Take(text));
  if (!regex) return 0;
  rule.regex = *std::move(regex);
  rule.target_label = Take(text);
  rule.replacement = Take(text);
  rule.separator = Take(text);
  rule.source_labels = {Take(text), "a"};
  const auto names = data[1] % 2 == 0 ? NameValidation::kUtf8 : NameValidation::kLegacy;
  if (!rule.Validate(names)) return 0;

  vedette::LabelsBuilder labels;
  labels.Set("a", Take(text)).Set("b", "1").Set("__name__", "m");
  if (Relabel(labels, {&rule, 1}, names)) static_cast<void>(labels.Build().ToString());
  return 0;
}
