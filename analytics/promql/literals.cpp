// Reading of number and string literals by Go's rules, which are PromQL's.
#include "analytics/promql/literals.h"

#include <algorithm>
#include <cmath>

#include "core/numbers.h"
#include "core/utf8.h"

namespace vedette::promql {

namespace {

constexpr std::uint32_t kMaxCodePoint = 0x10ffff;

int DigitValue(std::uint32_t c) {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A') + 10;
  return 16;  // larger than any digit
}

bool IsSurrogate(std::uint32_t code) { return code >= 0xd800 && code < 0xe000; }

/// "_" only between two digits; the base prefix counts as a digit.
bool UnderscoresSeparateDigits(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    const bool after_prefix = i == 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const bool digit_before = i > 0 && DigitValue(static_cast<unsigned char>(text[i - 1])) < 16;
    const bool digit_after = i + 1 < text.size() && DigitValue(static_cast<unsigned char>(text[i + 1])) < 16;
    if (!(digit_before || after_prefix) || !digit_after) return false;
  }
  return true;
}

/// Digits of one base, as a signed 64-bit integer; nothing when another character occurs or it does not fit.
std::optional<double> ParseInteger(std::string_view digits, int base) {
  if (digits.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) {
    const int digit = DigitValue(static_cast<unsigned char>(c));
    if (digit >= base || __builtin_mul_overflow(value, std::int64_t{base}, &value) ||
        __builtin_add_overflow(value, std::int64_t{digit}, &value)) {
      return std::nullopt;
    }
  }
  return static_cast<double>(value);
}

/// "U+002E '.'", as Go's %#U prints a character.
std::string DescribeRune(std::uint32_t rune) { return fmt::format("U+{:04X} {}", rune, QuoteRune(rune)); }

}  // namespace

std::optional<double> ParseNumberLiteral(std::string_view text) {
  if (!UnderscoresSeparateDigits(text)) return std::nullopt;
  std::string digits(text);
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  const std::string_view view(digits);
  if (view.starts_with("0x") || view.starts_with("0X")) return ParseInteger(view.substr(2), 16);
  if (view.size() > 1 && view.front() == '0') {
    if (const auto octal = ParseInteger(view.substr(1), 8)) return octal;
  }
  return ParseFloat(view);
}

Result<Escape> ReadEscape(std::string_view text, char quote) {
  const DecodedRune letter = DecodeUtf8(text.substr(1));
  if (letter.size == 0) return Fail(Code::kBadData, "escape sequence not terminated");
  constexpr std::string_view kLetters = "abfnrtv\\";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\";
  const char c = letter.rune < 0x80 ? static_cast<char>(letter.rune) : '\0';
  if (c == quote && c != '\0') return Escape{2, letter.rune, false};
  if (const auto at = kLetters.find(c); c != '\0' && at != std::string_view::npos) {
    return Escape{2, static_cast<unsigned char>(kMeanings[at]), false};
  }
  std::size_t digits = 3, at = 1;
  std::uint32_t base = 8, limit = 255;
  if (c == 'x' || c == 'u' || c == 'U') {
    digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    base = 16;
    limit = c == 'x' ? 255 : kMaxCodePoint;
    at = 2;
  } else if (c < '0' || c > '7') {
    return Fail(Code::kBadData, "unknown escape sequence {}", DescribeRune(letter.rune));
  }
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < digits; ++i, ++at) {
    const DecodedRune digit = DecodeUtf8(text.substr(std::min(at, text.size())));
    if (digit.size == 0) return Fail(Code::kBadData, "escape sequence not terminated");
    const auto value = static_cast<std::uint32_t>(DigitValue(digit.rune));
    if (value >= base) return Fail(Code::kBadData, "illegal character {} in escape sequence", DescribeRune(digit.rune));
    code = code * base + value;
  }
  if (code > limit || (base == 16 && limit == kMaxCodePoint && IsSurrogate(code))) {
    return Fail(Code::kBadData, "escape sequence is an invalid Unicode code point");
  }
  return Escape{at, code, limit == kMaxCodePoint};
}

std::string Unquote(std::string_view token) {
  const char quote = token.front();
  const std::string_view body = token.substr(1, token.size() - 2);
  if (quote == '`') return std::string(body);
  std::string out;
  out.reserve(body.size());
  for (std::size_t i = 0; i < body.size();) {
    if (body[i] != '\\') {
      out.push_back(body[i++]);
      continue;
    }
    const auto escape = ReadEscape(body.substr(i), quote);
    if (!escape) break;  // the lexer lets none through
    if (escape->code_point) {
      AppendUtf8(out, escape->code);
    } else {
      out.push_back(static_cast<char>(escape->code));
    }
    i += escape->length;
  }
  return out;
}

std::string QuoteRune(std::uint32_t rune) {
  switch (rune) {
    case '\'':
      return "'\\''";
    case '\\':
      return "'\\\\'";
    case '\n':
      return "'\\n'";
    case '\r':
      return "'\\r'";
    case '\t':
      return "'\\t'";
    default:
      break;
  }
  if (rune < 0x20 || rune == 0x7f) return fmt::format("'\\x{:02x}'", rune);
  std::string out = "'";
  AppendUtf8(out, rune);
  return out + "'";
}

}  // namespace vedette::promql
