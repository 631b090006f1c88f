#include "alerting/template/literals.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/numbers.h"
#include "core/utf8.h"

namespace vedette::alerting::tmpl {
namespace {

/// `count` digits of `base` at the start of `text`, eaten.
std::optional<std::uint32_t> TakeDigits(std::string_view& text, std::size_t count, int base) {
  std::uint32_t value = 0;
  if (text.size() < count) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + count, value, base);
  if (error != std::errc() || end != text.data() + count) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

/// One escape after its backslash, eaten.
bool AppendEscape(std::string& out, std::string_view& text, char quote) {
  const char c = text.front();
  if (c >= '0' && c <= '7') {
    const auto byte = TakeDigits(text, 3, 8);
    if (!byte || *byte > 255) return false;
    out += static_cast<char>(*byte);
    return true;
  }
  text.remove_prefix(1);
  if (c == quote || c == '\\') return out += c, true;
  if (c == 'x') {
    const auto byte = TakeDigits(text, 2, 16);
    if (byte) out += static_cast<char>(*byte);
    return byte.has_value();
  }
  if (c == 'u' || c == 'U') {
    const auto rune = TakeDigits(text, c == 'u' ? 4 : 8, 16);
    if (!rune || *rune > 0x10ffff || (*rune >= 0xd800 && *rune < 0xe000)) return false;
    AppendUtf8(out, *rune);
    return true;
  }
  constexpr std::string_view kNames = "abfnrtv", kBytes = "\a\b\f\n\r\t\v";
  const std::size_t i = kNames.find(c);
  if (i == std::string_view::npos) return false;
  out += kBytes[i];
  return true;
}

}  // namespace

std::optional<std::string> Unquote(std::string_view quoted) {
  if (quoted.size() < 2) return std::nullopt;
  const char quote = quoted.front();
  std::string_view text = quoted.substr(1, quoted.size() - 2);
  std::string out;
  if (quote == '`') {
    std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return c != '\r'; });
    return out;
  }
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (text.empty() || !AppendEscape(out, text, quote)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::int64_t> UnquoteCharacter(std::string_view quoted) {
  const std::optional<std::string> text = Unquote(quoted);
  if (!text || text->empty()) return std::nullopt;
  const DecodedRune rune = DecodeUtf8(*text);
  if (rune.size != text->size()) return std::nullopt;
  return rune.rune;
}

std::optional<Value> ParseNumber(std::string_view text) {
  std::string plain(text);
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  std::string_view digits = plain;
  const bool negative = !digits.empty() && digits.front() == '-';
  if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = static_cast<char>(digits[1] | 32);
    base = mark == 'x'                                           ? 16
           : mark == 'b'                                         ? 2
           : mark == 'o'                                         ? 8
           : digits.find_first_not_of("01234567") == digits.npos ? 8
                                                                 : 10;
    if (mark == 'x' || mark == 'b' || mark == 'o') digits.remove_prefix(2);
  }
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error == std::errc() && end == digits.data() + digits.size() && magnitude <= kMost) {
    const auto value = static_cast<std::int64_t>(magnitude);
    return Value(negative ? -value : value);
  }
  if (digits.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  const std::optional<double> value = ParseFloat(plain);
  if (!value) return std::nullopt;
  return Value(*value);
}

}  // namespace vedette::alerting::tmpl
