// Template text to tokens: literal text between {{ and }}, and what stands in the braces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace vedette::alerting::tmpl {

enum class TokenKind : std::uint8_t {
  kText,        // outside of actions, trimmed
  kOpen,        // {{
  kClose,       // }}
  kIdentifier,  // also keywords
  kVariable,    // $x, $
  kField,       // .x
  kDot,
  kNumber,
  kCharacter,  // 'x'
  kString,     // still quoted
  kPipe,
  kDeclare,  // :=
  kAssign,   // =
  kComma,
  kLeftParen,
  kRightParen,
  kEnd
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  std::uint32_t start = 0;
  bool space_before = false;  // inside of actions
};

/// The whole text; the last token is kEnd. Comments are gone. Errors: kBadData, "<line>: <reason>".
Result<std::vector<Token>> Tokenize(std::string_view text);

/// Line from 1 of a byte offset.
int LineOf(std::string_view text, std::uint32_t offset);

}  // namespace vedette::alerting::tmpl
