#include "analytics/promql/lexer.h"

#include <utility>

#include "analytics/promql/literals.h"
#include "core/labels.h"
#include "core/numbers.h"
#include "core/utf8.h"

namespace vedette::promql {

namespace {

constexpr std::string_view kDigits = "0123456789";

bool IsAlpha(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsAlphaNumeric(char c) { return IsAlpha(c) || IsDigit(c); }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// What may stand inside a duration expression besides numbers.
bool IsDurationWord(TokenKind kind) {
  return kind == TokenKind::kStep || kind == TokenKind::kRange || kind == TokenKind::kMaxOf ||
         kind == TokenKind::kMinOf;
}

}  // namespace

Token Lexer::Next() {
  if (failed_) return Token{TokenKind::kError, static_cast<std::uint32_t>(start_), {}};
  return Scan();
}

Token Lexer::Scan() {
  SkipSpaceAndComments();
  start_ = pos_;
  if (in_braces_) return InBraces();
  if (expect_duration_) return InDuration();
  return InStatement();
}

Token Lexer::Make(TokenKind kind) {
  return Token{kind, static_cast<std::uint32_t>(start_), text_.substr(start_, pos_ - start_)};
}

Token Lexer::One(TokenKind kind) {
  ++pos_;
  return Make(kind);
}

Token Lexer::Failure(std::string message) {
  failed_ = true;
  error_ = std::move(message);
  return Token{TokenKind::kError, static_cast<std::uint32_t>(start_), {}};
}

Token Lexer::InStatement() {
  if (AtEnd()) {
    if (paren_depth_ != 0) return Failure("unclosed left parenthesis");
    if (in_brackets_) return Failure("unclosed left bracket");
    return Make(TokenKind::kEnd);
  }
  const char c = Peek();
  switch (c) {
    case ',':
      return One(TokenKind::kComma);
    case '*':
      return One(TokenKind::kMul);
    case '/':
      return One(TokenKind::kDiv);
    case '%':
      return One(TokenKind::kMod);
    case '+':
      return One(TokenKind::kAdd);
    case '-':
      return One(TokenKind::kSub);
    case '^':
      return One(TokenKind::kPow);
    case '@':
      return One(TokenKind::kAt);
    case '=':
    case '!':
    case '<':
    case '>':
      return Comparison(c);
    case '"':
    case '\'':
      return QuotedString();
    case '`':
      return RawString();
    case '(':
      ++paren_depth_;
      return One(TokenKind::kLeftParen);
    case ')':
      return CloseParen();
    case '{':
      in_braces_ = true;
      return One(TokenKind::kLeftBrace);
    case '[':
      if (in_brackets_) return Failure("unexpected left bracket '['");
      in_brackets_ = expect_duration_ = true;
      seen_colon_ = seen_duration_ = false;
      return One(TokenKind::kLeftBracket);
    case ']':
      if (!in_brackets_) return Failure("unexpected right bracket ']'");
      in_brackets_ = false;
      return One(TokenKind::kRightBracket);
    default:
      break;
  }
  if (IsDigit(c) || (c == '.' && IsDigit(PeekSecond()))) return NumberOrDuration();
  if (IsAlpha(c) || c == ':') return in_brackets_ ? WordInBrackets() : Word();
  return Failure("unexpected character: " + QuoteRune(DecodeUtf8(text_.substr(pos_)).rune));
}

Token Lexer::Comparison(char first) {
  const char second = PeekSecond();
  const auto two = [this](TokenKind kind) {
    pos_ += 2;
    return Make(kind);
  };
  switch (first) {
    case '=':
      if (second == '=') return two(TokenKind::kEqual);
      if (second == '~') return Failure("unexpected character after '=': '~'");
      return One(TokenKind::kAssign);
    case '!':
      if (second == '=') return two(TokenKind::kNotEqual);
      return Failure("unexpected character after '!': " + QuoteRune(DecodeUtf8(text_.substr(pos_ + 1)).rune));
    case '<':
      if (second == '=') return two(TokenKind::kLessEqual);
      return second == '/' ? two(TokenKind::kTrimUpper) : One(TokenKind::kLess);
    default:
      if (second == '=') return two(TokenKind::kGreaterEqual);
      return second == '/' ? two(TokenKind::kTrimLower) : One(TokenKind::kGreater);
  }
}

Token Lexer::CloseParen() {
  const Token token = One(TokenKind::kRightParen);
  if (--paren_depth_ >= 0) return token;
  start_ = pos_;
  return Failure("unexpected right parenthesis ')'");
}

Token Lexer::InBraces() {
  if (AtEnd()) return Failure("unexpected end of input inside braces");
  const char c = Peek();
  if (IsAlpha(c)) {
    while (IsAlphaNumeric(Peek())) ++pos_;
    return Make(TokenKind::kIdentifier);
  }
  switch (c) {
    case ',':
      return One(TokenKind::kComma);
    case '"':
    case '\'':
      return QuotedString();
    case '`':
      return RawString();
    case '=':
      ++pos_;
      return Accept("~") ? Make(TokenKind::kRegexMatch) : Make(TokenKind::kAssign);
    case '!':
      ++pos_;
      if (Accept("~")) return Make(TokenKind::kRegexNoMatch);
      if (Accept("=")) return Make(TokenKind::kNotEqual);
      return Failure("unexpected character after '!' inside braces: " + QuoteRune(DecodeUtf8(text_.substr(pos_)).rune));
    case '{':
      return Failure("unexpected left brace '{'");
    case '}':
      in_braces_ = false;
      return One(TokenKind::kRightBrace);
    default:
      return Failure("unexpected character inside braces: " + QuoteRune(DecodeUtf8(text_.substr(pos_)).rune));
  }
}

Token Lexer::InDuration() {
  if (AtEnd()) return Failure("unexpected end of input in duration expression");
  const char c = Peek();
  switch (c) {
    case ']':
      in_brackets_ = expect_duration_ = false;
      return One(TokenKind::kRightBracket);
    case ':': {
      const Token colon = One(TokenKind::kColon);
      start_ = pos_;
      if (!seen_duration_) return Failure("unexpected colon before duration in duration expression");
      if (std::exchange(seen_colon_, true)) return Failure("unexpected repeated colon in duration expression");
      return colon;
    }
    case '(':
      ++paren_depth_;
      return One(TokenKind::kLeftParen);
    case ')':
      return CloseParen();
    case '+':
      return One(TokenKind::kAdd);
    case '-':
      return One(TokenKind::kSub);
    case '*':
      return One(TokenKind::kMul);
    case '/':
      return One(TokenKind::kDiv);
    case '%':
      return One(TokenKind::kMod);
    case '^':
      return One(TokenKind::kPow);
    case ',':
      return One(TokenKind::kComma);
    default:
      break;
  }
  if (IsDigit(c) || (c == '.' && IsDigit(PeekSecond()))) {
    seen_duration_ = true;
    expect_duration_ = false;
    return NumberOrDuration();
  }
  if (TokenKind kind = TokenKind::kEnd; IsAlpha(c) && ScanDurationWord(kind)) return Make(kind);
  return Failure("unexpected character in duration expression: " + QuoteRune(DecodeUtf8(text_.substr(start_)).rune));
}

Token Lexer::WordInBrackets() {
  if (Peek() == ':') {
    if (std::exchange(seen_colon_, true)) return Failure("unexpected colon ':'");
    return One(TokenKind::kColon);
  }
  const char first = Peek();
  if (TokenKind kind = TokenKind::kEnd; ScanDurationWord(kind)) return Make(kind);
  return Failure(fmt::format("unexpected character: '{}', expected ':'", first));
}

bool Lexer::ScanDurationWord(TokenKind& kind) {
  while (IsAlpha(Peek())) ++pos_;
  const auto keyword = FindKeyword(text_.substr(start_, pos_ - start_));
  if (!keyword || !IsDurationWord(*keyword)) return false;
  kind = *keyword;
  return true;
}

Token Lexer::Word() {
  while (IsAlphaNumeric(Peek()) || Peek() == ':') ++pos_;
  const std::string_view word = text_.substr(start_, pos_ - start_);
  if (const auto keyword = FindKeyword(word)) {
    // These came late to the language: as names they must go on working.
    const bool fill =
        *keyword == TokenKind::kFill || *keyword == TokenKind::kFillLeft || *keyword == TokenKind::kFillRight;
    return Make(fill && !LeftParenFollows() ? TokenKind::kIdentifier : *keyword);
  }
  return Make(word.find(':') == std::string_view::npos ? TokenKind::kIdentifier : TokenKind::kMetricIdentifier);
}

bool Lexer::LeftParenFollows() const {
  std::size_t at = pos_;
  while (at < text_.size() && IsSpace(text_[at])) ++at;
  return at < text_.size() && text_[at] == '(';
}

Token Lexer::NumberOrDuration() {
  if (ScanNumber()) return Make(TokenKind::kNumber);
  if (ScanRestOfDuration()) return Make(TokenKind::kDuration);
  return Failure("bad number or duration syntax: " + Quote(text_.substr(start_, pos_ - start_)));
}

bool Lexer::ScanNumber() {
  std::string_view digits = kDigits;
  const bool hex = Accept("0") && Accept("xX");
  if (hex) {
    Accept("_");
    digits = "0123456789abcdefABCDEF";
  }
  Accept(".");
  Accept(digits);
  bool dot = false, exponent = false;
  while (Is(digits) || Is("._eE")) {
    if (Accept(".")) {
      if (std::exchange(dot, true) || Accept("_.") || hex) return false;
    } else if (Accept("eE")) {
      if (std::exchange(exponent, true)) return false;
      Accept("+-");
      if (Accept("._eE") || AtEnd()) return false;
    } else if (Accept("_")) {
      if (Accept("._eE") || AtEnd()) return false;
    } else {
      AcceptRun(digits);
    }
  }
  return AtEnd() || !IsAlphaNumeric(Peek());
}

bool Lexer::ScanRestOfDuration() {
  if (!Accept("smhdwy")) return false;
  Accept("s");  // of "ms"; wrong units such as "hs" are found when the duration is parsed
  while (Accept(kDigits)) {
    AcceptRun(kDigits);
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (AtEnd() || !IsAlphaNumeric(Peek())) return true;
  ++pos_;  // shown in the message
  return false;
}

Token Lexer::QuotedString() {
  const char quote = Peek();
  ++pos_;
  for (;;) {
    if (AtEnd() || Peek() == '\n') return Failure("unterminated quoted string");
    if (Peek() == quote) return One(TokenKind::kString);
    if (Peek() == '\\') {
      const auto escape = ReadEscape(text_.substr(pos_), quote);
      if (!escape) return Failure(escape.error().message);
      pos_ += escape->length;
      continue;
    }
    if (!AcceptRune()) return Failure("invalid UTF-8 rune");
  }
}

Token Lexer::RawString() {
  ++pos_;
  for (;;) {
    if (AtEnd()) return Failure("unterminated raw string");
    if (Peek() == '`') return One(TokenKind::kString);
    if (!AcceptRune()) return Failure("invalid UTF-8 rune");
  }
}

bool Lexer::Accept(std::string_view set) {
  if (!Is(set)) return false;
  ++pos_;
  return true;
}

bool Lexer::AcceptRune() {
  const DecodedRune rune = DecodeUtf8(text_.substr(pos_));
  pos_ += rune.size;
  return rune.size > 1 || rune.rune != kReplacementRune;
}

void Lexer::AcceptRun(std::string_view set) {
  while (Is(set)) ++pos_;
}

void Lexer::SkipSpaceAndComments() {
  for (;;) {
    while (!AtEnd() && IsSpace(Peek())) ++pos_;
    if (AtEnd() || Peek() != '#' || expect_duration_) return;
    while (!AtEnd() && Peek() != '\n' && Peek() != '\r') ++pos_;
  }
}

}  // namespace vedette::promql
