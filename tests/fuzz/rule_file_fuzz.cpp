// Any bytes as a rule file: a list of mistakes, or rules that can be used.
#include <cstdint>
#include <string_view>

#include "alerting/rules/rule_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto check = vedette::alerting::CheckRuleText({reinterpret_cast<const char*>(data), size}, "fuzz.yml");
  if (!check.errors.empty()) return 0;
  for (const auto& group : check.file.groups) {
    for (const auto& rule : group.rules) {
      if (rule.expr == nullptr || rule.name.empty()) __builtin_trap();
    }
  }
  return 0;
}
