#include "alerting/template/lexer.h"

#include <algorithm>

#include "core/numbers.h"

namespace vedette::alerting::tmpl {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool IsSpace(char c) { return kSpaces.find(c) != std::string_view::npos; }
/// Letters of other scripts count as letters.
bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IsDigit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> Run() {
    while (at_ < text_.size()) {
      const std::size_t open = text_.find("{{", at_);
      std::string_view literal = text_.substr(at_, open == std::string_view::npos ? open : open - at_);
      const auto start = static_cast<std::uint32_t>(at_);
      if (trim_next_) literal.remove_prefix(std::min(literal.find_first_not_of(kSpaces), literal.size()));
      trim_next_ = false;
      if (open == std::string_view::npos) {
        at_ = text_.size();
      } else {
        at_ = open + 2;
        if (at_ + 1 < text_.size() && text_[at_] == '-' && IsSpace(text_[at_ + 1])) {
          literal.remove_suffix(literal.size() - (literal.find_last_not_of(kSpaces) + 1));
          at_ += 2;
        }
      }
      if (!literal.empty()) tokens_.push_back({TokenKind::kText, literal, start, false});
      if (open != std::string_view::npos) VEDETTE_CHECK(Braces(static_cast<std::uint32_t>(open)));
    }
    tokens_.push_back({TokenKind::kEnd, {}, static_cast<std::uint32_t>(text_.size()), false});
    return std::move(tokens_);
  }

 private:
  template <class... Args>
  Error Refuse(std::size_t where, fmt::format_string<Args...> format, Args&&... args) const {
    return Fail(Code::kBadData, "{}: {}", LineOf(text_, static_cast<std::uint32_t>(where)),
                fmt::format(format, std::forward<Args>(args)...));
  }

  std::string_view Rest() const { return text_.substr(at_); }

  /// At the end of an action: eats `}}` or ` -}}`.
  bool TakeClose(bool space_before) {
    if (space_before && Rest().substr(0, 3) == "-}}") {
      trim_next_ = true;
      at_ += 3;
      return true;
    }
    if (Rest().substr(0, 2) != "}}") return false;
    at_ += 2;
    return true;
  }

  Status Braces(std::uint32_t open) {
    if (Rest().substr(0, 2) == "/*") return Comment(open);
    tokens_.push_back({TokenKind::kOpen, text_.substr(open, 2), open, false});
    int parens = 0;
    for (;;) {
      const std::size_t before = at_;
      at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size());
      const bool space = at_ > before || (before >= 2 && IsSpace(text_[before - 1]));
      if (at_ >= text_.size()) return Refuse(open, "unclosed action");
      const std::size_t close = at_;
      if (TakeClose(space)) {
        if (parens > 0) return Refuse(close, "unclosed left paren");
        tokens_.push_back({TokenKind::kClose, {}, static_cast<std::uint32_t>(close), space});
        return Ok();
      }
      VEDETTE_CHECK(Inside(space, parens));
    }
  }

  Status Comment(std::uint32_t open) {
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return Refuse(open, "unclosed comment");
    at_ = end + 2;
    const bool space = at_ < text_.size() && IsSpace(text_[at_]);
    if (space) at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size());
    if (!TakeClose(space)) return Refuse(open, "comment ends before closing delimiter");
    return Ok();
  }

  void Emit(TokenKind kind, std::size_t size, bool space) {
    tokens_.push_back({kind, text_.substr(at_, size), static_cast<std::uint32_t>(at_), space});
    at_ += size;
  }

  std::size_t WordSize(std::size_t from) const {
    std::size_t end = from;
    while (end < text_.size() && IsWord(text_[end])) ++end;
    return end - from;
  }

  Status Inside(bool space, int& parens) {
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    switch (c) {
      case '|':
        Emit(TokenKind::kPipe, 1, space);
        return Ok();
      case ',':
        Emit(TokenKind::kComma, 1, space);
        return Ok();
      case '=':
        Emit(TokenKind::kAssign, 1, space);
        return Ok();
      case '(':
        ++parens;
        Emit(TokenKind::kLeftParen, 1, space);
        return Ok();
      case ')':
        if (--parens < 0) return Refuse(at_, "unexpected right paren");
        Emit(TokenKind::kRightParen, 1, space);
        return Ok();
      case ':':
        if (next != '=') return Refuse(at_, "expected :=");
        Emit(TokenKind::kDeclare, 2, space);
        return Ok();
      case '"':
      case '\'':
      case '`':
        return Quoted(c, space);
      case '$':
        Emit(TokenKind::kVariable, 1 + WordSize(at_ + 1), space);
        return CheckWordEnd();
      default:
        break;
    }
    if (c == '.' && !IsDigit(next)) {
      const std::size_t size = WordSize(at_ + 1);
      Emit(size == 0 ? TokenKind::kDot : TokenKind::kField, 1 + size, space);
      return CheckWordEnd();
    }
    if (IsDigit(c) || c == '.' || c == '+' || c == '-') return Number(space);
    if (IsWord(c)) {
      Emit(TokenKind::kIdentifier, WordSize(at_), space);
      return CheckWordEnd();
    }
    return Refuse(at_, "unexpected {} in action", Shown(c));
  }

  static std::string Shown(char c) {
    return fmt::format("bad character U+{:04X} '{}'", static_cast<unsigned char>(c), c >= ' ' && c < 0x7f ? c : '?');
  }

  /// What may follow a name, field or variable directly.
  Status CheckWordEnd() const {
    if (at_ >= text_.size()) return Ok();
    const char c = text_[at_];
    if (IsSpace(c) || std::string_view(".,|:)(}=").find(c) != std::string_view::npos) return Ok();
    return Refuse(at_, "unexpected {}", Shown(c));
  }

  Status Number(bool space) {
    std::size_t end = at_ + 1;
    while (end < text_.size()) {
      const char c = text_[end];
      const char before = text_[end - 1];
      const bool exponent_sign =
          (c == '+' || c == '-') && (before == 'e' || before == 'E' || before == 'p' || before == 'P');
      if (!IsWord(c) && c != '.' && !exponent_sign) break;
      ++end;
    }
    Emit(TokenKind::kNumber, end - at_, space);
    return Ok();
  }

  Status Quoted(char quote, bool space) {
    for (std::size_t end = at_ + 1; end < text_.size(); ++end) {
      if (text_[end] == quote) {
        Emit(quote == '\'' ? TokenKind::kCharacter : TokenKind::kString, end + 1 - at_, space);
        return Ok();
      }
      if (quote == '`') continue;
      if (text_[end] == '\n') break;
      if (text_[end] == '\\') ++end;
    }
    return Refuse(at_, "unterminated {}",
                  quote == '`'   ? "raw quoted string"
                  : quote == '"' ? "quoted string"
                                 : "character constant");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool trim_next_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

int LineOf(std::string_view text, std::uint32_t offset) {
  const std::string_view before = text.substr(0, offset);
  return 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
}

Result<std::vector<Token>> Tokenize(std::string_view text) { return Lexer(text).Run(); }

}  // namespace vedette::alerting::tmpl
