#include "alerting/notify/text_limits.h"

#include <cstdint>

#include "core/utf8.h"

namespace vedette::alerting {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

/// Control characters but line break and tab, and the marks that turn the direction of what follows.
bool IsHostile(std::uint32_t rune) {
  if (rune < 0x20) return rune != '\n' && rune != '\t';
  return (rune >= 0x7F && rune < 0xA0) || (rune >= 0x202A && rune <= 0x202E) || (rune >= 0x2066 && rune <= 0x2069);
}

}  // namespace

std::size_t TextLength(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

std::string CleanText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const DecodedRune decoded = DecodeUtf8(text);
    if (!IsHostile(decoded.rune)) AppendUtf8(out, decoded.rune);
    text.remove_prefix(decoded.size);
  }
  return out;
}

std::string CutText(std::string_view text, std::size_t max) {
  if (TextLength(text) <= max) return std::string(text);
  if (max == 0) return {};
  std::string out;
  std::size_t units = 0;
  while (!text.empty()) {
    const std::size_t bytes = DecodeUtf8(text).size;
    const std::size_t width = bytes == 4 ? 2 : 1;
    if (units + width > max - 1) break;
    units += width;
    out += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return out.append(kEllipsis);
}

std::string CleanAndCut(std::string_view text, std::size_t max) { return CutText(CleanText(text), max); }

}  // namespace vedette::alerting
