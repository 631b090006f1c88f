#include "collector/exposition/strict_lines.h"

#include <algorithm>

#include "core/labels.h"

namespace vedette::collector {

std::string_view LineReader::Name(bool colons) {
  std::size_t n = 0;
  for (; n < left.size(); ++n) {
    const char c = left[n];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
    if (!letter && (n == 0 || c < '0' || c > '9')) break;
  }
  const std::string_view name = left.substr(0, n);
  left.remove_prefix(n);
  return name;
}

std::string_view LineReader::Word() {
  const std::size_t n = std::min(left.find(' '), left.size());
  const std::string_view word = left.substr(0, n);
  left.remove_prefix(n);
  return word;
}

Result<std::string> ReadQuoted(LineReader& in, bool others) {
  std::string out;
  while (!in.left.empty()) {
    const char c = in.left.front();
    in.left.remove_prefix(1);
    if (c == '"') {
      if (!IsValidUtf8(out)) return in.At("a label value is not UTF-8");
      return out;
    }
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    if (in.left.empty()) break;
    const char escaped = in.left.front();
    in.left.remove_prefix(1);
    if (escaped == 'n') {
      out.push_back('\n');
    } else if (escaped == '\\' || escaped == '"') {
      out.push_back(escaped);
    } else if (others) {
      out.push_back('\\');
      out.push_back(escaped);
    } else {
      return in.At(fmt::format("invalid escape sequence '\\{}'", escaped));
    }
  }
  return in.At("a label value has no end");
}

std::string Unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'n' || text[i + 1] == '\\' || text[i + 1] == '"')) {
      out.push_back(text[++i] == 'n' ? '\n' : text[i]);
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace vedette::collector
