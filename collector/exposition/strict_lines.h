// The tokens that both strict readers share: names, quoted values, label sets, numbers. Used by strict_*.cpp only.
#pragma once

#include <string>
#include <string_view>

#include "collector/exposition/strict.h"

namespace vedette::collector {

inline Error AtLine(std::size_t line, std::string_view reason) {
  return Fail(Code::kBadData, "line {}: {}", line, reason);
}

/// What is left of one line.
struct LineReader {
  std::string_view left;
  std::size_t number;

  bool Take(char c) {
    if (left.empty() || left.front() != c) return false;
    left.remove_prefix(1);
    return true;
  }
  /// Letters, digits and underscores, not beginning with a digit; empty when there is none. `colons`: of a metric.
  std::string_view Name(bool colons);
  /// Up to the next blank or the end.
  std::string_view Word();
  Error At(std::string_view reason) const { return AtLine(number, reason); }
};

/// The text of a label value behind its opening quote, to the closing one. Escapes: \\, \", \n; `others` as well, as
/// they are. Errors: no end, an escape that there is not, text that is not UTF-8.
Result<std::string> ReadQuoted(LineReader& in, bool others);

/// "# HELP name" and what follows a blank: `rest` of a HELP line without its escapes.
std::string Unescaped(std::string_view text);

}  // namespace vedette::collector
