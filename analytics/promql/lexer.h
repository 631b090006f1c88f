// Text to tokens. The parser asks for one token at a time; a token is a slice of the query text, so that error messages
// can show it as it was written.
//
// What a word is depends on where it stands: inside braces every word is an identifier, inside brackets only the
// functions of duration expressions are known, elsewhere keywords count in any case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::promql {

enum class TokenKind : std::uint8_t {
  kEnd,
  kError,
  kIdentifier,
  kMetricIdentifier,
  kString,
  kNumber,
  kDuration,
  // Punctuation.
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAssign,
  // Operators.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterEqual,
  kLessEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless,
  kRegexMatch,
  kRegexNoMatch,
  kAt,
  // Aggregators.
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio,
  // Keywords.
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kSmoothed,
  kAnchored,
  kOn,
  kWithout,
  // Names of functions with a place in the grammar.
  kStart,
  kEndFunction,
  kStep,
  kRange,
  kMaxOf,
  kMinOf
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::uint32_t start = 0;  // byte offset
  std::string_view text;

  std::uint32_t end() const { return start + static_cast<std::uint32_t>(text.size()); }
  bool IsOperator() const { return kind >= TokenKind::kAdd && kind <= TokenKind::kAt; }
  bool IsAggregator() const { return kind >= TokenKind::kSum && kind <= TokenKind::kLimitRatio; }
  bool IsKeyword() const { return kind >= TokenKind::kBool && kind <= TokenKind::kWithout; }
  bool IsFunctionWord() const { return kind >= TokenKind::kStart && kind <= TokenKind::kMinOf; }
  /// Names a metric where an expression may start: identifiers and most keywords.
  bool IsMetricWord() const;
  /// As messages name it: `<op:+>`, `identifier "foo"`, `end of input`.
  std::string Describe() const;
};

class Lexer {
 public:
  /// `text` outlives the lexer and its tokens.
  explicit Lexer(std::string_view text) : text_(text) {}

  /// The next token; kEnd for ever at the end, kError for ever once something was not a token.
  Token Next();
  /// What is wrong; set when Next() returned kError.
  const std::string& error() const { return error_; }

 private:
  Token Scan();
  Token InStatement();
  Token InBraces();
  Token InDuration();
  Token Make(TokenKind kind);
  Token One(TokenKind kind);
  Token Failure(std::string message);

  Token Comparison(char first);
  Token WordInBrackets();
  bool ScanDurationWord(TokenKind& kind);
  Token Word();
  Token NumberOrDuration();
  Token QuotedString();
  Token RawString();
  Token CloseParen();

  bool AtEnd() const { return pos_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[pos_]; }
  char PeekSecond() const { return pos_ + 1 < text_.size() ? text_[pos_ + 1] : '\0'; }
  bool Is(std::string_view set) const { return !AtEnd() && set.find(text_[pos_]) != std::string_view::npos; }
  bool Accept(std::string_view set);
  void AcceptRun(std::string_view set);
  /// Takes one character; false when it is not UTF-8.
  bool AcceptRune();
  bool ScanNumber();
  bool ScanRestOfDuration();
  bool LeftParenFollows() const;
  void SkipSpaceAndComments();

  std::string_view text_;
  std::string error_;
  std::size_t pos_ = 0;
  std::size_t start_ = 0;  // of the token being read
  int paren_depth_ = 0;
  bool failed_ = false;
  bool in_braces_ = false;
  bool in_brackets_ = false;
  bool expect_duration_ = false;  // in brackets, before the first number: a narrower set of tokens
  bool seen_colon_ = false;
  bool seen_duration_ = false;
};

}  // namespace vedette::promql
