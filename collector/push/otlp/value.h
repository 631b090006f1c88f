// A value of an attribute on its way to a label: only its text is wanted.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vedette::collector::otlp {

struct Value {
  enum class Kind : std::uint8_t { kEmpty, kText, kPlain, kArray, kMap };
  Kind kind = Kind::kEmpty;
  std::string text;                                    // of kText, and of kPlain: numbers, true and false
  std::vector<std::pair<std::string, Value>> items{};  // of arrays (without keys) and maps

  /// Texts and plain values as they are, the others as JSON with sorted keys, nothing for what is empty.
  std::string Text() &&;

 private:
  void AppendJson(std::string& out) const;
};

}  // namespace vedette::collector::otlp
