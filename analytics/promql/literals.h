// Numbers and strings of the query language: what their texts mean. Used by the lexer and the parser only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace vedette::promql {

/// Decimal, 0x hexadecimal, leading-zero octal, "_" between digits, exponents, Inf and NaN in any case; no sign.
/// Nothing when the text is not a number or too large for a double.
std::optional<double> ParseNumberLiteral(std::string_view text);

/// One escape sequence of a quoted string.
struct Escape {
  std::size_t length = 0;  // bytes it takes in the text, the backslash included
  std::uint32_t code = 0;  // a byte (\x, \ooo and the one-letter forms) or a Unicode code point (\u, \U)
  bool code_point = false;
};
/// Reads the escape that starts with the backslash `text` begins with, as Go defines them; of the two quotes only
/// `quote` may be escaped.
Result<Escape> ReadEscape(std::string_view text, char quote);

/// The value of a string token, quotes included in `token`. The lexer has checked its escapes.
std::string Unquote(std::string_view token);

/// 'x' as Go's %q prints a character.
std::string QuoteRune(std::uint32_t rune);

}  // namespace vedette::promql
