#include "core/utf8.h"

namespace vedette {

void AppendUtf8(std::string& out, std::uint32_t rune) {
  if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) rune = kReplacementRune;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((rune >> shift) & 0x3f)); };
  if (rune < 0x80) {
    out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    out += static_cast<char>(0xc0 | (rune >> 6));
    tail(0);
  } else if (rune < 0x10000) {
    out += static_cast<char>(0xe0 | (rune >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (rune >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

DecodedRune DecodeUtf8(std::string_view text) {
  if (text.empty()) return {};
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {kReplacementRune, 1};
  std::uint32_t rune = first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return {kReplacementRune, 1};
    rune = (rune << 6) | (byte & 0x3f);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (rune < kSmallest[size] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) return {kReplacementRune, 1};
  return {rune, size};
}

}  // namespace vedette
