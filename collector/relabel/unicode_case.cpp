#include "collector/relabel/unicode_case.h"

#include <clocale>
#include <cstdint>
#include <cwctype>

namespace vedette::collector {
namespace {

/// Reads one code point at `text[at]`; returns its length, 0 when these bytes are none.
std::size_t Decode(std::string_view text, std::size_t at, std::uint32_t& code) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || at + length > text.size()) return 0;
  code = length == 1 ? lead : lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xc0) != 0x80) return 0;
    code = code << 6 | (next & 0x3f);
  }
  return length;
}

void Encode(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const std::uint32_t lead_bits = tail == 1 ? 0xc0 : tail == 2 ? 0xe0 : 0xf0;
  out += static_cast<char>(lead_bits | code >> (6 * tail));
  for (int i = tail - 1; i >= 0; --i) out += static_cast<char>(0x80 | (code >> (6 * i) & 0x3f));
}

/// glibc carries C.UTF-8 itself (since 2.35), so it is there on every system.
locale_t Utf8Locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

template <class Ascii, class Wide>
std::string MapCase(std::string_view text, Ascii ascii, Wide wide) {
  std::string out;
  out.reserve(text.size());
  const locale_t locale = Utf8Locale();
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t code = 0;
    const std::size_t length = Decode(text, at, code);
    if (length <= 1) {
      out += length == 1 ? ascii(text[at]) : text[at];
      ++at;
      continue;
    }
    if (locale != locale_t(0)) code = static_cast<std::uint32_t>(wide(static_cast<wint_t>(code), locale));
    Encode(code, out);
    at += length;
  }
  return out;
}

}  // namespace

std::string ToLowerUtf8(std::string_view text) {
  return MapCase(
      text, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; },
      [](wint_t c, locale_t locale) { return towlower_l(c, locale); });
}

std::string ToUpperUtf8(std::string_view text) {
  return MapCase(
      text, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; },
      [](wint_t c, locale_t locale) { return towupper_l(c, locale); });
}

}  // namespace vedette::collector
