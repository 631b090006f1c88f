// Duration expressions: `[5m + step()]`, `offset -(2 * 1m)`, `[1h:max_of(step(), 10s)]`.
#include <cmath>

#include "analytics/promql/parser_grammar.h"

namespace vedette::promql {

namespace {

using Op = DurationExpr::Op;

constexpr int kAdditive = 1, kMultiplicative = 2, kPower = 3;

struct DurationOperatorRow {
  TokenKind token;
  Op op;
  int precedence;
};

constexpr DurationOperatorRow kDurationOperators[] = {
    {TokenKind::kAdd, Op::kAdd, kAdditive},       {TokenKind::kSub, Op::kSub, kAdditive},
    {TokenKind::kMul, Op::kMul, kMultiplicative}, {TokenKind::kDiv, Op::kDiv, kMultiplicative},
    {TokenKind::kMod, Op::kMod, kMultiplicative}, {TokenKind::kPow, Op::kPow, kPower},
};

const DurationOperatorRow* FindDurationOperator(TokenKind token) {
  for (const DurationOperatorRow& row : kDurationOperators) {
    if (row.token == token) return &row;
  }
  return nullptr;
}

bool IsSignToken(const Token& token) { return token.kind == TokenKind::kAdd || token.kind == TokenKind::kSub; }
bool IsFunction(const Token& token) { return token.kind >= TokenKind::kStep && token.kind <= TokenKind::kMinOf; }
bool IsNumber(const Token& token) { return token.kind == TokenKind::kNumber || token.kind == TokenKind::kDuration; }

/// Seconds that 64 bits of nanoseconds cannot hold.
bool OutOfRange(double seconds) {
  constexpr double kLimit = 9223372036854775808.0 / 1e9;
  return !(seconds <= kLimit && seconds >= -kLimit);
}

/// Marks an expression as written in parentheses; a bare number gets a node that can carry the mark.
void Wrap(DurationExprPtr& expr, DurationExprPtr plus) {
  if (expr->op == Op::kNumber) {
    plus->rhs = std::move(expr);
    expr = std::move(plus);
  }
  expr->wrapped = true;
}

}  // namespace

Result<DurationExprPtr> Grammar::NewDuration(Op op, std::uint32_t start, std::uint32_t end) {
  if (++duration_nodes_ > kMaxNesting) return TooDeep();
  auto node = std::make_unique<DurationExpr>();
  node->op = op;
  node->pos = {start, end};
  return node;
}

Status Grammar::CheckDurationEnabled(const DurationExpr& expr) const {
  if (options_.duration_expressions) return Ok();
  return ErrorAt(expr.pos.start, "experimental duration expression is not enabled");
}

Result<DurationExprPtr> Grammar::PositiveDuration(ErrorContext context) {
  duration_context_ = context;
  duration_nodes_ = 0;
  VEDETTE_TRY(DurationExprPtr expr, Duration(0));
  if (expr->op == Op::kNumber && expr->seconds <= 0) {
    return ErrorAt(expr->pos.start, "duration must be greater than 0");
  }
  return expr;
}

Result<DurationExprPtr> Grammar::OffsetDuration() {
  duration_context_ = {"offset", "number, duration, step(), or range()"};
  duration_nodes_ = 0;
  // Without parentheses the offset ends after one operand: `foo offset 5m + 3` adds 3 to what foo gives.
  if (IsNumber(token_) || IsFunction(token_)) return DurationPrimary();
  if (!IsSignToken(token_)) return Duration(0);
  const Token sign = Take();
  if (IsSignToken(token_)) {
    VEDETTE_TRY(DurationExprPtr operand, DurationUnary());
    return sign.kind == TokenKind::kSub ? Negated(std::move(operand), sign.start) : std::move(operand);
  }
  VEDETTE_TRY(DurationExprPtr operand, DurationPrimary());
  return sign.kind == TokenKind::kSub ? Negated(std::move(operand), sign.start) : std::move(operand);
}

Result<DurationExprPtr> Grammar::Duration(int min_precedence) {
  const DepthGuard guard(depth_);
  if (guard.TooDeep()) return TooDeep();
  VEDETTE_TRY(DurationExprPtr lhs, DurationUnary());
  for (;;) {
    const DurationOperatorRow* row = FindDurationOperator(token_.kind);
    if (row == nullptr || row->precedence < min_precedence) return lhs;
    const Token op = Take();
    VEDETTE_TRY(DurationExprPtr whole, DurationOperator(std::move(lhs), op, row->precedence));
    lhs = std::move(whole);
  }
}

Result<DurationExprPtr> Grammar::DurationOperator(DurationExprPtr lhs, const Token& op, int precedence) {
  VEDETTE_TRY(DurationExprPtr rhs, Duration(precedence == kPower ? precedence : precedence + 1));
  VEDETTE_CHECK(CheckDurationEnabled(*lhs));
  const bool zero = rhs->op == Op::kNumber && rhs->seconds == 0;
  if (zero && op.kind == TokenKind::kDiv) return ErrorAt(op.start, "division by zero");
  if (zero && op.kind == TokenKind::kMod) return ErrorAt(op.start, "modulo by zero");
  VEDETTE_TRY(DurationExprPtr node, NewDuration(FindDurationOperator(op.kind)->op, lhs->pos.start, rhs->pos.end));
  node->lhs = std::move(lhs);
  node->rhs = std::move(rhs);
  return node;
}

Result<DurationExprPtr> Grammar::DurationUnary() {
  if (!IsSignToken(token_)) return DurationPrimary();
  const Token sign = Take();
  VEDETTE_TRY(DurationExprPtr operand, Duration(kPower));  // only ^ binds tighter than a sign
  return sign.kind == TokenKind::kSub ? Negated(std::move(operand), sign.start) : std::move(operand);
}

Result<DurationExprPtr> Grammar::Negated(DurationExprPtr operand, std::uint32_t start) {
  if (operand->op == Op::kNumber) {
    operand->seconds = -operand->seconds;
    operand->pos.start = start;
    return operand;
  }
  VEDETTE_TRY(DurationExprPtr node, NewDuration(Op::kNegate, start, operand->pos.end));
  node->rhs = std::move(operand);
  return node;
}

Result<DurationExprPtr> Grammar::DurationPrimary() {
  if (IsNumber(token_)) return DurationLiteral();
  if (IsFunction(token_)) return DurationFunction();
  if (At(TokenKind::kLeftParen)) return DurationInParens();
  return Unexpected(duration_context_);
}

Result<DurationExprPtr> Grammar::DurationLiteral() {
  VEDETTE_TRY(const double seconds, NumberValue(token_));
  const Token token = Take();
  if (OutOfRange(seconds)) return ErrorAt(token.start, "duration out of range");
  VEDETTE_TRY(DurationExprPtr node, NewDuration(Op::kNumber, token.start, token.end()));
  node->seconds = seconds;
  node->is_duration = token.kind == TokenKind::kDuration;
  return node;
}

Result<DurationExprPtr> Grammar::DurationFunction() {
  const Token name = Take();
  VEDETTE_CHECK(Expect(TokenKind::kLeftParen, duration_context_));
  const bool two_arguments = name.kind == TokenKind::kMinOf || name.kind == TokenKind::kMaxOf;
  DurationExprPtr lhs, rhs;
  if (two_arguments) {
    VEDETTE_TRY(lhs, Duration(0));
    VEDETTE_CHECK(Expect(TokenKind::kComma, duration_context_));
    VEDETTE_TRY(rhs, Duration(0));
  }
  VEDETTE_CHECK(Expect(TokenKind::kRightParen, duration_context_));
  const Op op = name.kind == TokenKind::kStep    ? Op::kStep
                : name.kind == TokenKind::kRange ? Op::kRange
                : name.kind == TokenKind::kMinOf ? Op::kMinOf
                                                 : Op::kMaxOf;
  VEDETTE_TRY(DurationExprPtr node, NewDuration(op, name.start, last_end_));
  node->lhs = std::move(lhs);
  node->rhs = std::move(rhs);
  VEDETTE_CHECK(CheckDurationEnabled(*node));
  return node;
}

Result<DurationExprPtr> Grammar::DurationInParens() {
  const std::uint32_t start = Take().start;
  VEDETTE_TRY(DurationExprPtr inner, Duration(0));
  VEDETTE_CHECK(Expect(TokenKind::kRightParen, duration_context_));
  VEDETTE_CHECK(CheckDurationEnabled(*inner));
  VEDETTE_TRY(DurationExprPtr plus, NewDuration(Op::kPlus, start, last_end_));
  Wrap(inner, std::move(plus));
  return inner;
}

}  // namespace vedette::promql
