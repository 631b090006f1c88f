// Reads one line of JSON from its front, piece by piece, for those who know what to expect (json_series.h).
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "collector/exposition/number.h"

namespace vedette::collector {

/// Reads from the front of a line; every getter says whether it found what it looks for.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

  std::size_t column() const { return static_cast<std::size_t>(at_ - begin_) + 1; }
  bool AtEnd() {
    SkipBlanks();
    return at_ == end_;
  }
  bool Take(char c) {
    SkipBlanks();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool TakeNull() {
    SkipBlanks();
    if (end_ - at_ < 4 || std::string_view(at_, 4) != "null") return false;
    at_ += 4;
    return true;
  }
  bool Bool(bool& value) {
    SkipBlanks();
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    value = rest.starts_with("true");
    if (!value && !rest.starts_with("false")) return false;
    at_ += value ? 4 : 5;
    return true;
  }

  bool String(std::string& out) {
    out.clear();
    if (!Take('"')) return false;
    while (at_ != end_ && *at_ != '"') {
      if (*at_ != '\\') {
        out.push_back(*at_++);
      } else if (!Escape(out)) {
        return false;
      }
    }
    return at_ != end_ && *at_++ == '"';
  }

  bool Number(double& value) {
    SkipBlanks();
    if (at_ != end_ && *at_ == '"') {
      std::string text;
      if (!String(text)) return false;
      if (text == "Infinity" || text == "-Infinity") text.resize(text.size() - 5);  // "Inf"
      const auto parsed = ParseSampleValue(text);
      if (!parsed) return false;
      value = *parsed;
      return true;
    }
    const char* stop = ParsePlainDecimal(at_, end_, value);
    if (stop == nullptr || (stop != end_ && *stop != ',' && *stop != ']' && *stop != '}' && *stop != ' ')) {
      stop = at_;
      while (stop != end_ && *stop != ',' && *stop != ']' && *stop != '}' && *stop != ' ') ++stop;
      const auto parsed = ParseSampleValue({at_, static_cast<std::size_t>(stop - at_)});
      if (!parsed) return false;
      value = *parsed;
    }
    at_ = stop;
    return true;
  }

  bool Integer(std::int64_t& value) {
    SkipBlanks();
    // Times have thirteen digits: eight at once, then the rest.
    if (std::uint64_t head = 0; end_ - at_ >= 18 && EightDigits(at_, head)) {
      const char* stop = at_ + 8;
      for (; stop != at_ + 18 && static_cast<unsigned char>(*stop - '0') < 10; ++stop) {
        head = head * 10 + static_cast<unsigned char>(*stop - '0');
      }
      if (stop != at_ + 18) {
        value = static_cast<std::int64_t>(head);
        at_ = stop;
        return true;
      }
    }
    const auto [stop, error] = std::from_chars(at_, end_, value);
    if (error != std::errc()) return false;
    at_ = stop;
    return true;
  }

 private:
  static void AppendUtf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
      out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
      out.push_back(static_cast<char>(0xC0 | code >> 6));
      out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
      out.push_back(static_cast<char>(0xE0 | code >> 12));
      out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
      out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else {
      out.push_back(static_cast<char>(0xF0 | code >> 18));
      out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
      out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
      out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    }
  }

  /// The number that eight digits make, in three multiplications. False when one of them is no digit. (Little-endian,
  /// as every machine Vedette runs on.)
  static bool EightDigits(const char* at, std::uint64_t& value) {
    std::uint64_t digits;
    std::memcpy(&digits, at, 8);
    digits -= 0x3030303030303030;
    if (((digits + 0x7676767676767676) & 0x8080808080808080) != 0 || (digits & 0x8080808080808080) != 0) return false;
    digits = digits * 10 + (digits >> 8);  // pairs, in every second byte
    constexpr std::uint64_t kPairs = 0x000000FF000000FF;
    value = ((digits & kPairs) * (100 + (std::uint64_t{1'000'000} << 32)) +
             ((digits >> 16) & kPairs) * (1 + (std::uint64_t{10'000} << 32))) >>
            32;
    return true;
  }

  void SkipBlanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
  }
  std::optional<std::uint32_t> Hex4() {
    std::uint32_t code = 0;
    if (end_ - at_ < 4) return std::nullopt;
    const auto [stop, error] = std::from_chars(at_, at_ + 4, code, 16);
    if (error != std::errc() || stop != at_ + 4) return std::nullopt;
    at_ += 4;
    return code;
  }
  bool Escape(std::string& out) {
    if (end_ - at_ < 2) return false;
    const char c = at_[1];
    at_ += 2;
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kFrom.find(c); i != std::string_view::npos) {
      out.push_back(kTo[i]);
      return true;
    }
    if (c != 'u') return false;
    auto code = Hex4();
    if (!code) return false;
    if (*code >= 0xD800 && *code < 0xDC00) {  // the first half of a pair
      if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return false;
      at_ += 2;
      const auto low = Hex4();
      if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
      code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    }
    AppendUtf8(out, *code);
    return true;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
};

/// Elements between brackets, each read by `element`.
template <class Element>
bool JsonArray(JsonScanner& in, Element element) {
  if (!in.Take('[')) return false;
  if (in.Take(']')) return true;
  do {
    if (!element()) return false;
  } while (in.Take(','));
  return in.Take(']');
}

}  // namespace vedette::collector
