// Entry points of the parser, and what all parts of the grammar share: the current token and error messages.
#include "analytics/promql/parser.h"

#include <algorithm>

#include "analytics/promql/parser_check.h"
#include "analytics/promql/parser_grammar.h"

namespace vedette::promql {

Result<ExprPtr> ParseExpr(std::string_view text, const ParserOptions& options) {
  Grammar grammar(text, options);
  VEDETTE_TRY(ExprPtr expr, grammar.WholeExpression());
  VEDETTE_CHECK(CheckExpr(*expr, text));
  return expr;
}

Result<std::vector<Matcher>> ParseMetricSelector(std::string_view text) {
  const ParserOptions options;
  Grammar grammar(text, options);
  VEDETTE_TRY(const std::unique_ptr<VectorSelector> selector, grammar.WholeSelector());
  const auto& matchers = selector->matchers;
  if (std::ranges::all_of(matchers, [](const Matcher& matcher) { return matcher.MatchesEmpty(); })) {
    return Fail(Code::kBadData, "match[] must contain at least one non-empty matcher");
  }
  return std::move(selector->matchers);
}

std::string LineColumn(std::string_view text, std::uint32_t offset) {
  if (text.empty()) return "unknown position";
  const std::string_view before = text.substr(0, std::min<std::size_t>(offset, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t line_break = before.rfind('\n');
  const std::size_t column = line_break == std::string_view::npos ? before.size() + 1 : before.size() - line_break;
  return fmt::format("{}:{}", line, column);
}

Grammar::Grammar(std::string_view text, const ParserOptions& options)
    : text_(text), options_(options), lexer_(text), token_(lexer_.Next()) {}

Result<ExprPtr> Grammar::WholeExpression() {
  if (At(TokenKind::kEnd)) return ErrorAt(0, "no expression found in input");
  VEDETTE_TRY(Tree tree, Binary(0));
  VEDETTE_CHECK(Expect(TokenKind::kEnd));
  return std::move(tree.expr);
}

Token Grammar::Take() {
  const Token taken = token_;
  last_end_ = taken.end();
  token_ = lexer_.Next();
  return taken;
}

Status Grammar::Expect(TokenKind kind) { return Expect(kind, context_); }

Status Grammar::Expect(TokenKind kind, ErrorContext context) {
  if (!At(kind)) return Unexpected(context);
  Take();
  return Ok();
}

Error Grammar::Unexpected(ErrorContext context) const {
  if (At(TokenKind::kError)) return ErrorAt(token_.start, lexer_.error());
  std::string message = "unexpected " + token_.Describe();
  if (!context.where.empty()) message.append(" in ").append(context.where);
  if (!context.expected.empty()) message.append(", expected ").append(context.expected);
  return ErrorAt(token_.start, message);
}

Error Grammar::ErrorAt(std::uint32_t start, std::string_view message) const {
  return ParseError(text_, start, message);
}

Error Grammar::TooDeep() const {
  return FailAt(token_.start, "expression is nested too deeply, at most {} levels are allowed", kMaxNesting);
}

Error ParseError(std::string_view text, std::uint32_t start, std::string_view message) {
  return Fail(Code::kBadData, "{}: parse error: {}", LineColumn(text, start), message);
}

}  // namespace vedette::promql
