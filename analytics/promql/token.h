// The words and signs of the query language: what the lexer makes of a text and the parser reads.
#pragma once

#include <cstdint>
#include <optional>
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

/// What a word means outside braces, in any case of letters ("SUM"); nothing when it is only a name.
std::optional<TokenKind> FindKeyword(std::string_view word);

}  // namespace vedette::promql
