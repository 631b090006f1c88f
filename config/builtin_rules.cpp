// The built-in rule file, put into the binary as it stands.
#include "config/config.h"

extern "C" {
extern const char vedette_builtin_rules[];
extern const char vedette_builtin_rules_end[];
}

namespace vedette::config {

std::string_view BuiltinRules() {
  return {vedette_builtin_rules, static_cast<std::size_t>(vedette_builtin_rules_end - vedette_builtin_rules)};
}

}  // namespace vedette::config
