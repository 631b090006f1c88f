// What can be said about the matches of an anchored RE2 expression by reading it: often everything. "a|b(c|d)" is four
// texts, "web-.*" a prefix, ".*timeout.*" a piece of text; such expressions need no automaton, and an index can look
// them up instead of trying every value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vedette {

struct RegexShape {
  /// The expression matches exactly these texts: sorted, each once.
  std::vector<std::string> literals;
  /// (?i): `literals` are lower case, and are exact for ASCII texts only (a Kelvin sign folds to k).
  bool folded = false;

  // Without literals: necessary conditions of every match; with `exact` they are sufficient as well.
  std::vector<std::string> prefixes;  // it starts with one of them; empty: nothing known
  std::vector<std::string> suffixes;  // it ends with one of them
  std::string infix;                  // it has this between prefix and suffix
  std::size_t more = 0;               // and so many bytes at least beside them
  bool exact = false;

  /// Whether `text` fulfils the conditions. Not for shapes with literals.
  bool MayMatch(std::string_view text) const;
};

/// Nothing when the expression uses syntax that is not looked at here. `pattern` compiles in RE2, dot matches all.
std::optional<RegexShape> ReadShape(std::string_view pattern);

}  // namespace vedette
