#include "collector/discovery/kubernetes/json_cursor.h"

#include <charconv>

#include "core/labels.h"
#include "core/utf8.h"

namespace vedette::collector::kube {

void JsonCursor::Fail(std::string_view what) {
  if (std::exchange(failed_, true)) return;
  what_ = what;
  where_ = at_;
}

Status JsonCursor::Finish() {
  if (!failed_) {
    SkipBlanks();
    if (at_ != text_.size()) Fail("more than one value");
  }
  if (!failed_) return Ok();
  return vedette::Fail(Code::kBadData, "{}, at byte {}", what_, where_ + 1);
}

bool JsonCursor::Open(char bracket) {
  if (Peek() != bracket) {
    Fail(bracket == '{' ? "not an object" : "not a list");
    return false;
  }
  if (++depth_ > kMaxDepth) {
    Fail("nested too deeply");
    return false;
  }
  ++at_;
  return true;
}

/// Takes the comma between two elements, or the bracket after the last.
bool JsonCursor::Closes(char bracket, bool first) {
  const char c = Peek();
  if (c == bracket) {
    ++at_;
    return true;
  }
  if (first) return false;
  if (c == ',') {
    ++at_;
  } else {
    Fail("a comma or the end is missing");
  }
  return failed_;
}

std::string_view JsonCursor::Key(std::string& unescaped) {
  if (Peek() != '"') {
    Fail("a key is missing");
    return {};
  }
  const std::string_view key = Quoted(unescaped);
  if (Peek() != ':') {
    Fail("a colon is missing");
    return {};
  }
  ++at_;
  SkipBlanks();
  return key;
}

std::string_view JsonCursor::Quoted(std::string& unescaped) {
  const std::size_t begin = ++at_;
  bool escapes = false;
  unescaped.clear();
  for (std::size_t plain = begin; at_ < text_.size() && !failed_;) {
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') {
      const std::string_view tail = text_.substr(plain, at_++ - plain);
      if (!escapes) return tail;
      unescaped.append(tail);
      return unescaped;
    }
    if (c == '\\') {
      escapes = true;
      unescaped.append(text_.substr(plain, at_ - plain));
      ++at_;
      Escape(unescaped);
      plain = at_;
    } else if (c < 0x20) {
      Fail("a control character in a string");
    } else {
      ++at_;
    }
  }
  Fail("a string without end");
  return {};
}

void JsonCursor::Escape(std::string& out) {
  constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  if (const std::size_t i = kFrom.find(c); i != std::string_view::npos) {
    out += kTo[i];
    return;
  }
  if (c != 'u') return Fail("an unknown escape in a string");
  std::uint32_t rune = Hex4();
  const auto is_high = [](std::uint32_t r) { return r >= 0xD800 && r < 0xDC00; };
  if (is_high(rune) && text_.substr(at_).starts_with("\\u")) {
    const std::size_t back = at_;
    at_ += 2;
    const std::uint32_t low = Hex4();
    if (low >= 0xDC00 && low < 0xE000) {
      rune = 0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00);
    } else {
      at_ = back;  // half a pair: U+FFFD, and what follows stands for itself
    }
  }
  AppendUtf8(out, rune);
}

std::uint32_t JsonCursor::Hex4() {
  std::uint32_t code = 0;
  const std::string_view digits = text_.substr(at_, 4);
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  if (error != std::errc() || digits.size() != 4 || stop != digits.data() + 4) {
    Fail("an unknown escape in a string");
    return 0;
  }
  at_ += 4;
  return code;
}

bool JsonCursor::TakeNull() {
  if (Peek() != 'n') return false;
  if (!text_.substr(at_).starts_with("null")) {
    Fail("not a value");
    return true;
  }
  at_ += 4;
  return true;
}

std::string JsonCursor::String() {
  if (TakeNull()) return {};
  if (Peek() != '"') {
    Fail("not a string");
    return {};
  }
  std::string unescaped;
  const std::string_view text = Quoted(unescaped);
  if (!IsValidUtf8(text)) Fail("a string that is not UTF-8");
  return failed_ ? std::string() : std::string(text);
}

std::int64_t JsonCursor::Integer() {
  if (TakeNull()) return 0;
  SkipBlanks();
  std::int32_t value = 0;
  const char* const begin = text_.data() + at_;
  const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  const bool fraction = stop != text_.data() + text_.size() && (*stop == '.' || *stop == 'e' || *stop == 'E');
  if (failed_ || error != std::errc() || fraction) {
    Fail("not a number of 32 bits");
    return 0;
  }
  at_ += static_cast<std::size_t>(stop - begin);
  return value;
}

bool JsonCursor::Bool() {
  if (TakeNull()) return false;
  const bool value = Peek() == 't';
  const std::string_view word = value ? "true" : "false";
  if (failed_ || !text_.substr(at_).starts_with(word)) {
    Fail("not a boolean");
    return false;
  }
  at_ += word.size();
  return value;
}

std::string_view JsonCursor::Skip() {
  const char c = Peek();
  const std::size_t begin = at_;
  if (c == '"') {
    SkipQuoted();
  } else if (c == '{' || c == '[') {
    SkipNested();
  } else {
    constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyzE0123456789+-.";
    at_ = std::min(text_.find_first_not_of(kWord, at_), text_.size());
    if (at_ == begin) Fail("not a value");
  }
  return failed_ ? std::string_view() : text_.substr(begin, at_ - begin);
}

void JsonCursor::SkipQuoted() {
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '\\') {
      ++at_;
    } else if (text_[at_] == '"') {
      ++at_;
      return;
    }
  }
  at_ = text_.size();
  Fail("a string without end");
}

void JsonCursor::SkipNested() {
  for (int depth = 0; at_ < text_.size();) {
    const char c = text_[at_];
    if (c == '"') {
      SkipQuoted();
      continue;
    }
    ++at_;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return;
  }
  Fail("a bracket is not closed");
}

}  // namespace vedette::collector::kube
