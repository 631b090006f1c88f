// The recursive-descent grammar behind ParseExpr(): one object parses one text.
//
// Binary operators are read by precedence climbing; everything that may follow an expression (range, subquery, offset,
// @, anchored, smoothed) binds tighter than any operator. The first error ends the parse. Depth is bounded twice: the
// recursion of the parser itself, and the height of the tree it builds (a chain a+b+c... is as deep as it is long),
// because printing, copying, evaluating and destroying recurse over the tree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analytics/promql/lexer.h"
#include "analytics/promql/parser.h"

namespace vedette::promql {

/// What an error says about the construct it is in.
struct ErrorContext {
  std::string_view where, expected;
};

class Grammar {
 public:
  /// Both outlive the object.
  Grammar(std::string_view text, const ParserOptions& options);

  /// A whole text: one expression, not yet type-checked.
  Result<ExprPtr> WholeExpression();
  /// A whole text: one selector without range, offset and @.
  Result<std::unique_ptr<VectorSelector>> WholeSelector();

 private:
  /// A subtree and the number of levels in it.
  struct Tree {
    ExprPtr expr;
    int height = 1;
  };
  class DepthGuard;

  // parser_expressions.cpp
  Result<Tree> Binary(int min_precedence);
  Result<Tree> BinaryRest(Tree lhs, int precedence, BinaryOp op);
  Status BinaryModifiers(BinaryExpr& binary);
  Status FillModifiers(VectorMatching& matching);
  Result<double> FillValue();
  Result<Tree> Unary();
  Result<Tree> Primary();
  Result<Tree> Parenthesised();
  Result<Tree> Number();
  Result<Tree> Word();
  Result<Tree> Call(const Token& name);
  Result<Tree> Aggregate(const Token& name);
  Status SplitArguments(AggregateExpr& aggregate, std::vector<ExprPtr> args);
  Status AggregateModifier(AggregateExpr& aggregate);
  struct Arguments {
    std::vector<ExprPtr> exprs;
    int height = 0;  // of the tallest
  };
  Result<Arguments> CallArguments();
  Result<std::vector<std::string>> LabelList();
  Result<double> NumberValue(const Token& token) const;
  /// Wraps a tree of `height` levels by `node`.
  Result<Tree> Grow(ExprPtr node, int height) const;

  // parser_selectors.cpp
  Result<std::unique_ptr<VectorSelector>> Selector(const Token* name);
  Result<Matcher> LabelMatcher();
  Result<Tree> Postfix(Tree tree);
  Result<Tree> RangeOrSubquery(Tree tree);
  Result<Tree> Range(Tree tree, DurationExprPtr range, std::uint32_t bracket);
  Status OffsetModifier(Expr& expr);
  Status AtModifier(Expr& expr);
  Result<std::optional<TimeMs>> AtTime(const Expr& expr, StartOrEnd& edge);
  Status ExtendedModifier(Expr& expr);

  // parser_durations.cpp
  /// A duration within brackets; greater than zero if it is a literal.
  Result<DurationExprPtr> PositiveDuration(ErrorContext context);
  /// What follows `offset`: a literal with a sign, one function, or an expression in parentheses.
  Result<DurationExprPtr> OffsetDuration();
  Result<DurationExprPtr> Duration(int min_precedence);
  Result<DurationExprPtr> DurationOperator(DurationExprPtr lhs, const Token& op, int precedence);
  Result<DurationExprPtr> DurationUnary();
  Result<DurationExprPtr> DurationPrimary();
  Result<DurationExprPtr> DurationLiteral();
  Result<DurationExprPtr> DurationFunction();
  Result<DurationExprPtr> DurationInParens();
  Result<DurationExprPtr> Negated(DurationExprPtr operand, std::uint32_t start);
  Result<DurationExprPtr> NewDuration(DurationExpr::Op op, std::uint32_t start, std::uint32_t end);
  Status CheckDurationEnabled(const DurationExpr& expr) const;

  // Tokens and errors, parser.cpp
  bool At(TokenKind kind) const { return token_.kind == kind; }
  /// The current token; the next one becomes current.
  Token Take();
  Status Expect(TokenKind kind);
  Status Expect(TokenKind kind, ErrorContext context);
  Error Unexpected() const { return Unexpected(context_); }
  Error Unexpected(ErrorContext context) const;
  Error ErrorAt(std::uint32_t start, std::string_view message) const;
  template <class... Args>
  Error FailAt(std::uint32_t start, fmt::format_string<Args...> format, Args&&... args) const {
    return ErrorAt(start, fmt::format(format, std::forward<Args>(args)...));
  }
  Error TooDeep() const;

  std::string_view text_;
  const ParserOptions& options_;
  Lexer lexer_;
  Token token_;                 // current
  std::uint32_t last_end_ = 0;  // where the token before the current one ended
  ErrorContext context_;        // of errors outside any smaller construct
  ErrorContext duration_context_;
  int depth_ = 0;
  int duration_nodes_ = 0;  // of the duration expression being read
};

/// Counts a level of recursion while it lives.
class Grammar::DepthGuard {
 public:
  explicit DepthGuard(int& depth) : depth_(depth) { ++depth_; }
  ~DepthGuard() { --depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  bool TooDeep() const { return depth_ > kMaxNesting; }

 private:
  int& depth_;
};

}  // namespace vedette::promql
