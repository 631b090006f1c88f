#include "collector/push/otlp/value.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "collector/push/otlp/model.h"
#include "core/numbers.h"
#include "core/utf8.h"

namespace vedette::collector::otlp {
namespace {

/// As Go's encoding/json writes a text.
void AppendJsonText(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const DecodedRune rune = DecodeUtf8(text);
    const char c = text.front();
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (rune.size == 1 && (rune.rune < 0x20 || c == '<' || c == '>' || c == '&')) {
      out += fmt::format("\\u{:04x}", rune.rune);
    } else if (rune.rune == 0x2028 || rune.rune == 0x2029) {
      out += fmt::format("\\u{:04x}", rune.rune);
    } else if (rune.rune == kReplacementRune && rune.size == 1) {
      out += "\\ufffd";
    } else {
      out += text.substr(0, rune.size);
    }
    text.remove_prefix(rune.size);
  }
  out += '"';
}

}  // namespace

void Value::AppendJson(std::string& out) const {
  switch (kind) {
    case Kind::kEmpty:
      out += "null";
      break;
    case Kind::kText:
      AppendJsonText(text, out);
      break;
    case Kind::kPlain:
      out += text;
      break;
    case Kind::kArray:
    case Kind::kMap: {
      const bool map = kind == Kind::kMap;
      out += map ? '{' : '[';
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += ',';
        if (map) {
          AppendJsonText(items[i].first, out);
          out += ':';
        }
        items[i].second.AppendJson(out);
      }
      out += map ? '}' : ']';
      break;
    }
  }
}

std::string Value::Text() && {
  if (kind == Kind::kEmpty) return {};
  if (kind == Kind::kText || kind == Kind::kPlain) return std::move(text);
  if (kind == Kind::kMap) std::ranges::stable_sort(items, {}, &std::pair<std::string, Value>::first);
  std::string out;
  AppendJson(out);
  return out;
}

std::string DoubleText(double value) {
  if (!std::isfinite(value)) return FormatSampleValue(value);
  std::string out = FormatSampleValue(value);
  // JSON has no second digit where one is enough.
  const std::size_t exponent = out.find('e');
  if (exponent != std::string::npos && out.size() == exponent + 4 && out[exponent + 2] == '0') {
    out.erase(exponent + 2, 1);
  }
  return out;
}

std::string Base64Text(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) three = three << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kDigits[three >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string HexText(std::string_view bytes) {
  // An id of nothing but zeros is none.
  if (std::ranges::all_of(bytes, [](char c) { return c == 0; })) return {};
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace vedette::collector::otlp
