// Text to tokens. The parser asks for one token at a time; a token is a slice of the query text, so that error messages
// can show it as it was written.
//
// What a word is depends on where it stands: inside braces every word is an identifier, inside brackets only the
// functions of duration expressions are known, elsewhere keywords count in any case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "analytics/promql/token.h"

namespace vedette::promql {

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
