// Single code points of UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vedette {

inline constexpr std::uint32_t kReplacementRune = 0xfffd;

/// Appends the code point; what is none (surrogates, beyond U+10FFFF) becomes U+FFFD.
void AppendUtf8(std::string& out, std::uint32_t rune);

struct DecodedRune {
  std::uint32_t rune = kReplacementRune;
  std::size_t size = 0;  // bytes; 0 only for empty text, 1 for a byte that is not UTF-8
};
/// The first code point of `text`. Overlong forms and surrogates are not UTF-8.
DecodedRune DecodeUtf8(std::string_view text);

}  // namespace vedette
