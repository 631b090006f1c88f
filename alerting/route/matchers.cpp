#include "alerting/route/matchers.h"

#include <optional>
#include <string>

#include "core/utf8.h"

namespace vedette::alerting {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kReserved = " \t\r\n{}!=~,\\\"'`";

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

/// Reads "=", "!=", "=~" or "!~" at `at` and steps over it.
std::optional<MatchOp> ReadOp(std::string_view text, std::size_t& at) {
  const std::string_view rest = text.substr(std::min(at, text.size()));
  const auto take = [&](std::size_t n, MatchOp op) {
    at += n;
    return op;
  };
  if (rest.starts_with("=~")) return take(2, MatchOp::kRegex);
  if (rest.starts_with("!~")) return take(2, MatchOp::kNotRegex);
  if (rest.starts_with("!=")) return take(2, MatchOp::kNotEqual);
  if (rest.starts_with("=")) return take(1, MatchOp::kEqual);
  return std::nullopt;
}

// ---- the classic grammar: a value is everything up to the next comma outside quotes ----

Result<std::string> ClassicValue(std::string_view raw) {
  bool wants_quote = false;
  if (raw.starts_with('"')) {
    raw.remove_prefix(1);
    wants_quote = true;
  }
  if (!IsValidUtf8(raw)) return Fail(Code::kBadData, "matcher value {} is not UTF-8", Quote(raw));
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '\\' && i + 1 < raw.size()) {
      const char next = raw[++i];
      if (next != 'n' && next != '"' && next != '\\') out.push_back('\\');  // not an escape: both characters stand
      out.push_back(next == 'n' ? '\n' : next);
    } else if (c == '"') {
      if (!wants_quote || i + 1 < raw.size()) {
        return Fail(Code::kBadData, "matcher value {} contains an unescaped double quote", Quote(raw));
      }
      wants_quote = false;
    } else {
      out.push_back(c);
    }
  }
  if (wants_quote) return Fail(Code::kBadData, "matcher value {} lacks its closing quote", Quote(raw));
  return out;
}

Result<Matcher> ClassicMatcher(std::string_view text) {
  text = Trimmed(text);
  std::size_t at = 0;
  while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_' || text[at] == ':'))
    ++at;
  const std::string_view name = text.substr(0, at);
  if (!IsLegacyMetricName(name)) return Fail(Code::kBadData, "no label name at the start of matcher {}", Quote(text));
  while (at < text.size() && kSpaces.find(text[at]) != std::string_view::npos) ++at;
  const auto op = ReadOp(text, at);
  if (!op) return Fail(Code::kBadData, "no =, !=, =~ or !~ after the label name in matcher {}", Quote(text));
  VEDETTE_TRY(std::string value, ClassicValue(Trimmed(text.substr(at))));
  return Matcher::Create(*op, std::string(name), std::move(value));
}

Result<std::vector<Matcher>> ClassicMatchers(std::string_view text) {
  text = Trimmed(text);
  if (text.starts_with('{')) text.remove_prefix(1);
  if (text.ends_with('}')) text.remove_suffix(1);
  std::vector<Matcher> out;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size()) {
      if (quoted && text[i] == '\\') {
        ++i;
        continue;
      }
      if (text[i] == '"') quoted = !quoted;
      if (quoted || text[i] != ',') continue;
    }
    const std::string_view part = text.substr(start, std::min(i, text.size()) - start);
    start = i + 1;
    if (i >= text.size() && Trimmed(part).empty()) break;  // nothing at all, or a trailing comma
    VEDETTE_TRY(Matcher matcher, ClassicMatcher(part));
    out.push_back(std::move(matcher));
  }
  return out;
}

// ---- the UTF-8 grammar: names and values may be quoted, everything else has to be ----

class Utf8Reader {
 public:
  explicit Utf8Reader(std::string_view text) : text_(text) {}

  Result<std::vector<Matcher>> Matchers() {
    std::vector<Matcher> out;
    const bool braced = Take('{');
    while (!AtEnd() && Peek() != '}') {
      VEDETTE_TRY(std::string name, Word("a label name"));
      SkipSpaces();
      const auto op = ReadOp(text_, at_);
      if (!op) return Expected("=, !=, =~ or !~");
      VEDETTE_TRY(std::string value, Word("a value"));
      VEDETTE_TRY(Matcher matcher, Matcher::Create(*op, std::move(name), std::move(value)));
      out.push_back(std::move(matcher));
      if (!Take(',')) break;
    }
    if (braced && !Take('}')) return Expected("'}'");
    if (!AtEnd()) return Expected("a comma or the end");
    return out;
  }

 private:
  void SkipSpaces() { at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size()); }
  bool AtEnd() { return SkipSpaces(), at_ == text_.size(); }
  char Peek() const { return text_[at_]; }
  bool Take(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++at_;
    return true;
  }
  Error Expected(std::string_view what) const {
    return Fail(Code::kBadData, "expected {} at character {} of matcher {}", what, at_ + 1, Quote(text_));
  }

  Result<std::string> Word(std::string_view what) {
    if (AtEnd()) return Expected(what);
    if (Peek() == '"') return Quoted();
    const std::size_t end = std::min(text_.find_first_of(kReserved, at_), text_.size());
    if (end == at_) return Expected(what);
    std::string word(text_.substr(at_, end - at_));
    if (!IsValidUtf8(word)) return Expected("UTF-8");
    at_ = end;
    return word;
  }

  Result<std::string> Quoted() {
    std::string out;
    for (++at_; at_ < text_.size() && Peek() != '"'; ++at_) {
      if (Peek() != '\\') {
        out.push_back(Peek());
      } else if (!Escape(out)) {
        return Expected("an escape sequence of Go");
      }
    }
    if (at_ == text_.size()) return Expected("a closing quote");
    ++at_;
    if (!IsValidUtf8(out)) return Expected("UTF-8");
    return out;
  }

  /// From the backslash to the last character of the escape.
  bool Escape(std::string& out) {
    constexpr std::string_view kLetters = "abfnrtv\\\"", kMeanings = "\a\b\f\n\r\t\v\\\"";
    if (++at_ == text_.size()) return false;
    if (const auto i = kLetters.find(Peek()); i != std::string_view::npos) return out.push_back(kMeanings[i]), true;
    const std::size_t digits = Peek() == 'x' ? 2 : Peek() == 'u' ? 4 : Peek() == 'U' ? 8 : 0;
    if (digits == 0) return false;
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (++at_ == text_.size()) return false;
      const char c = Peek();
      const int value = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (value < 0) return false;
      code = code << 4 | static_cast<std::uint32_t>(value);
    }
    if (digits == 2) return out.push_back(static_cast<char>(code)), true;
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    AppendUtf8(out, code);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<Matcher>> ParseMatchers(std::string_view text) {
  // As Alertmanager's default mode: what both grammars read means what the classic one says.
  auto classic = ClassicMatchers(text);
  if (classic) return classic;
  auto utf8 = Utf8Reader(text).Matchers();
  if (utf8) return utf8;
  // Plain names: the classic message is about what the author meant.
  return text.find('"') == 0 ? utf8 : classic;
}

Result<Matcher> ParseMatcher(std::string_view text) {
  VEDETTE_TRY(std::vector<Matcher> matchers, ParseMatchers(text));
  if (matchers.size() != 1) return Fail(Code::kBadData, "{} is {} matchers, not one", Quote(text), matchers.size());
  return std::move(matchers.front());
}

}  // namespace vedette::alerting
