// Operators, calls, aggregations and literals.
#include <algorithm>
#include <optional>

#include "analytics/promql/functions.h"
#include "analytics/promql/literals.h"
#include "analytics/promql/parser_grammar.h"
#include "core/labels.h"

namespace vedette::promql {

namespace {

constexpr int kUnaryOperand = 6;  // of the operators only ^ binds tighter than a sign
constexpr ErrorContext kGroupingOpen{"grouping opts", "\"(\""};

struct OperatorRow {
  TokenKind token;
  BinaryOp op;
  int precedence;
};

constexpr OperatorRow kOperators[] = {
    {TokenKind::kOr, BinaryOp::kOr, 1},
    {TokenKind::kAnd, BinaryOp::kAnd, 2},
    {TokenKind::kUnless, BinaryOp::kUnless, 2},
    {TokenKind::kEqual, BinaryOp::kEqual, 3},
    {TokenKind::kNotEqual, BinaryOp::kNotEqual, 3},
    {TokenKind::kGreater, BinaryOp::kGreater, 3},
    {TokenKind::kLess, BinaryOp::kLess, 3},
    {TokenKind::kGreaterEqual, BinaryOp::kGreaterEqual, 3},
    {TokenKind::kLessEqual, BinaryOp::kLessEqual, 3},
    {TokenKind::kTrimUpper, BinaryOp::kTrimUpper, 3},
    {TokenKind::kTrimLower, BinaryOp::kTrimLower, 3},
    {TokenKind::kAdd, BinaryOp::kAdd, 4},
    {TokenKind::kSub, BinaryOp::kSub, 4},
    {TokenKind::kMul, BinaryOp::kMul, 5},
    {TokenKind::kDiv, BinaryOp::kDiv, 5},
    {TokenKind::kMod, BinaryOp::kMod, 5},
    {TokenKind::kAtan2, BinaryOp::kAtan2, 5},
    {TokenKind::kPow, BinaryOp::kPow, 6},
};

const OperatorRow* FindOperator(TokenKind token) {
  const auto* row = std::ranges::find(kOperators, token, &OperatorRow::token);
  return row == std::end(kOperators) ? nullptr : row;
}

AggregateOp ToAggregate(TokenKind token) {
  return static_cast<AggregateOp>(static_cast<int>(token) - static_cast<int>(TokenKind::kSum));
}
static_assert(static_cast<int>(TokenKind::kLimitRatio) - static_cast<int>(TokenKind::kSum) ==
              static_cast<int>(AggregateOp::kLimitRatio));

bool TakesParameter(AggregateOp op) { return op >= AggregateOp::kTopk; }
bool IsExperimental(AggregateOp op) { return op == AggregateOp::kLimitk || op == AggregateOp::kLimitRatio; }

/// Words that name a label in by(), on() and the like.
bool IsLabelWord(const Token& token) {
  if (token.kind == TokenKind::kWithout) return false;
  return token.IsMetricWord() || token.IsKeyword() || token.kind == TokenKind::kAtan2;
}

bool StartsExpression(const Token& token) {
  switch (token.kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration:
    case TokenKind::kString:
    case TokenKind::kLeftParen:
    case TokenKind::kLeftBrace:
    case TokenKind::kAdd:
    case TokenKind::kSub:
      return true;
    default:
      return token.IsMetricWord();
  }
}

bool IsSign(TokenKind kind) { return kind == TokenKind::kAdd || kind == TokenKind::kSub; }

}  // namespace

Result<Grammar::Tree> Grammar::Grow(ExprPtr node, int height) const {
  if (height >= kMaxNesting) return TooDeep();
  return Tree{std::move(node), height + 1};
}

Result<Grammar::Tree> Grammar::Binary(int min_precedence) {
  const DepthGuard guard(depth_);
  if (guard.TooDeep()) return TooDeep();
  VEDETTE_TRY(Tree lhs, Unary());
  for (;;) {
    const OperatorRow* row = FindOperator(token_.kind);
    if (row == nullptr || row->precedence < min_precedence) return lhs;
    Take();
    VEDETTE_TRY(Tree tree, BinaryRest(std::move(lhs), row->precedence, row->op));
    lhs = std::move(tree);
  }
}

Result<Grammar::Tree> Grammar::BinaryRest(Tree lhs, int precedence, BinaryOp op) {
  auto node = std::make_unique<BinaryExpr>();
  node->op = op;
  VEDETTE_CHECK(BinaryModifiers(*node));
  const bool right_associative = op == BinaryOp::kPow;
  VEDETTE_TRY(Tree rhs, Binary(right_associative ? precedence : precedence + 1));
  node->pos = {lhs.expr->pos.start, rhs.expr->pos.end};
  const VectorMatching& matching = *node->matching;
  if (!options_.binop_fill_modifiers && (matching.fill_left || matching.fill_right)) {
    return ErrorAt(node->pos.start, "binop fill modifiers are experimental and not enabled");
  }
  const bool scalars = lhs.expr->type == ValueType::kScalar && rhs.expr->type == ValueType::kScalar;
  node->type = scalars ? ValueType::kScalar : ValueType::kVector;
  node->lhs = std::move(lhs.expr);
  node->rhs = std::move(rhs.expr);
  return Grow(std::move(node), std::max(lhs.height, rhs.height));
}

Status Grammar::BinaryModifiers(BinaryExpr& binary) {
  VectorMatching& matching = binary.matching.emplace();
  if (At(TokenKind::kBool)) {
    Take();
    binary.return_bool = true;
  }
  if (At(TokenKind::kOn) || At(TokenKind::kIgnoring)) {
    matching.on = Take().kind == TokenKind::kOn;
    VEDETTE_TRY(matching.labels, LabelList());
    if (At(TokenKind::kGroupLeft) || At(TokenKind::kGroupRight)) {
      const bool left = Take().kind == TokenKind::kGroupLeft;
      matching.card = left ? Cardinality::kManyToOne : Cardinality::kOneToMany;
      if (At(TokenKind::kLeftParen)) {
        VEDETTE_TRY(matching.include, LabelList());
      }
    }
  }
  return FillModifiers(matching);
}

Status Grammar::FillModifiers(VectorMatching& matching) {
  if (At(TokenKind::kFill)) {
    Take();
    VEDETTE_TRY(const double value, FillValue());
    matching.fill_left = matching.fill_right = value;
    return Ok();
  }
  for (int i = 0; i < 2; ++i) {
    if (At(TokenKind::kFillLeft) && !matching.fill_left) {
      Take();
      VEDETTE_TRY(matching.fill_left, FillValue());
    } else if (At(TokenKind::kFillRight) && !matching.fill_right) {
      Take();
      VEDETTE_TRY(matching.fill_right, FillValue());
    }
  }
  return Ok();
}

Result<double> Grammar::FillValue() {
  VEDETTE_CHECK(Expect(TokenKind::kLeftParen));
  const bool negative = At(TokenKind::kSub);
  if (IsSign(token_.kind)) Take();
  if (!At(TokenKind::kNumber) && !At(TokenKind::kDuration)) return Unexpected();
  VEDETTE_TRY(const double value, NumberValue(token_));
  Take();
  VEDETTE_CHECK(Expect(TokenKind::kRightParen));
  return negative ? -value : value;
}

Result<Grammar::Tree> Grammar::Unary() {
  if (!IsSign(token_.kind)) {
    VEDETTE_TRY(Tree primary, Primary());
    return Postfix(std::move(primary));
  }
  const Token sign = Take();
  const bool negate = sign.kind == TokenKind::kSub;
  VEDETTE_TRY(Tree operand, Binary(kUnaryOperand));
  if (operand.expr->kind == ExprKind::kNumber) {
    auto& number = As<NumberExpr>(*operand.expr);
    if (negate) number.value = -number.value;
    number.pos.start = sign.start;
    return operand;
  }
  auto node = std::make_unique<UnaryExpr>();
  node->negate = negate;
  node->type = operand.expr->type;
  node->pos = {sign.start, operand.expr->pos.end};
  node->expr = std::move(operand.expr);
  return Grow(std::move(node), operand.height);
}

Result<Grammar::Tree> Grammar::Primary() {
  switch (token_.kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration:
      return Number();
    case TokenKind::kString: {
      const Token token = Take();
      auto node = std::make_unique<StringExpr>();
      node->pos = {token.start, token.end()};
      node->value = Unquote(token.text);
      return Tree{std::move(node)};
    }
    case TokenKind::kLeftParen:
      return Parenthesised();
    case TokenKind::kLeftBrace: {
      VEDETTE_TRY(auto selector, Selector(nullptr));
      return Tree{std::move(selector)};
    }
    default:
      return Word();
  }
}

Result<Grammar::Tree> Grammar::Parenthesised() {
  const std::uint32_t start = Take().start;
  VEDETTE_TRY(Tree inner, Binary(0));
  VEDETTE_CHECK(Expect(TokenKind::kRightParen));
  auto node = std::make_unique<ParenExpr>();
  node->type = inner.expr->type;
  node->pos = {start, last_end_};
  node->expr = std::move(inner.expr);
  return Grow(std::move(node), inner.height);
}

Result<Grammar::Tree> Grammar::Number() {
  VEDETTE_TRY(const double value, NumberValue(token_));
  const Token token = Take();
  auto node = std::make_unique<NumberExpr>();
  node->pos = {token.start, token.end()};
  node->value = value;
  node->is_duration = token.kind == TokenKind::kDuration;
  return Tree{std::move(node)};
}

Result<double> Grammar::NumberValue(const Token& token) const {
  if (token.kind == TokenKind::kDuration) {
    const auto span = ParseDuration(token.text);
    if (!span) return ErrorAt(token.start, span.error().message);
    return static_cast<double>(span->count()) / 1000.0;
  }
  const auto value = ParseNumberLiteral(token.text);
  if (!value) return FailAt(token.start, "error parsing number: {} is malformed or out of range", Quote(token.text));
  return *value;
}

Result<Grammar::Tree> Grammar::Word() {
  if (!token_.IsMetricWord()) return Unexpected();
  const Token name = Take();
  const bool grouping = At(TokenKind::kBy) || At(TokenKind::kWithout);
  if (name.IsAggregator() && (At(TokenKind::kLeftParen) || grouping)) return Aggregate(name);
  const bool callable = name.kind == TokenKind::kIdentifier || name.IsFunctionWord();
  if (callable && At(TokenKind::kLeftParen)) return Call(name);
  VEDETTE_TRY(auto selector, Selector(&name));
  return Tree{std::move(selector)};
}

Result<Grammar::Tree> Grammar::Call(const Token& name) {
  VEDETTE_TRY(Arguments args, CallArguments());
  const FunctionSpec* function = FindFunction(name.text);
  if (function == nullptr) return FailAt(name.start, "unknown function with name {}", Quote(name.text));
  if (function->experimental && !options_.experimental_functions) {
    return FailAt(name.start, "function {} is not enabled", Quote(name.text));
  }
  auto node = std::make_unique<CallExpr>();
  node->function = function;
  node->type = function->returns;
  node->pos = {name.start, last_end_};
  node->args = std::move(args.exprs);
  return Grow(std::move(node), args.height);
}

Result<Grammar::Arguments> Grammar::CallArguments() {
  VEDETTE_CHECK(Expect(TokenKind::kLeftParen));
  Arguments args;
  while (!At(TokenKind::kRightParen) || !args.exprs.empty()) {
    VEDETTE_TRY(Tree arg, Binary(0));
    args.height = std::max(args.height, arg.height);
    args.exprs.push_back(std::move(arg.expr));
    if (!At(TokenKind::kComma)) break;
    const Token comma = Take();
    if (!StartsExpression(token_) && !At(TokenKind::kError)) {
      return ErrorAt(comma.start, "trailing commas not allowed in function call args");
    }
  }
  VEDETTE_CHECK(Expect(TokenKind::kRightParen));
  return args;
}

Result<Grammar::Tree> Grammar::Aggregate(const Token& name) {
  auto node = std::make_unique<AggregateExpr>();
  node->op = ToAggregate(name.kind);
  const ErrorContext outer = std::exchange(context_, ErrorContext{"aggregation", ""});
  const bool modifier_first = !At(TokenKind::kLeftParen);
  if (modifier_first) VEDETTE_CHECK(AggregateModifier(*node));
  VEDETTE_TRY(Arguments args, CallArguments());
  context_ = outer;
  if (!modifier_first && (At(TokenKind::kBy) || At(TokenKind::kWithout))) VEDETTE_CHECK(AggregateModifier(*node));
  node->pos = {name.start, last_end_};
  VEDETTE_CHECK(SplitArguments(*node, std::move(args.exprs)));
  return Grow(std::move(node), args.height);
}

Status Grammar::SplitArguments(AggregateExpr& aggregate, std::vector<ExprPtr> args) {
  const std::uint32_t start = aggregate.pos.start;
  if (args.empty()) return ErrorAt(start, "no arguments for aggregate expression provided");
  if (IsExperimental(aggregate.op) && !options_.experimental_functions) {
    return FailAt(start, "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                  AggregateName(aggregate.op));
  }
  const std::size_t wanted = TakesParameter(aggregate.op) ? 2 : 1;
  if (args.size() != wanted) {
    return FailAt(start, "wrong number of arguments for aggregate expression provided, expected {}, got {}", wanted,
                  args.size());
  }
  if (wanted == 2) aggregate.param = std::move(args.front());
  aggregate.expr = std::move(args.back());
  return Ok();
}

Status Grammar::AggregateModifier(AggregateExpr& aggregate) {
  aggregate.without = Take().kind == TokenKind::kWithout;
  VEDETTE_TRY(aggregate.grouping, LabelList());
  return Ok();
}

Result<std::vector<std::string>> Grammar::LabelList() {
  VEDETTE_CHECK(Expect(TokenKind::kLeftParen, kGroupingOpen));
  std::vector<std::string> labels;
  while (!At(TokenKind::kRightParen)) {
    if (!IsLabelWord(token_) && !At(TokenKind::kString)) return Unexpected({"grouping opts", "label"});
    const Token token = Take();
    std::string label = token.kind == TokenKind::kString ? Unquote(token.text) : std::string(token.text);
    if (label.empty() || !IsValidUtf8(label)) {
      return FailAt(token.start, "invalid label name for grouping: {}", Quote(label));
    }
    labels.push_back(std::move(label));
    if (At(TokenKind::kRightParen)) break;
    VEDETTE_CHECK(Expect(TokenKind::kComma, {"grouping opts", "\",\" or \")\""}));
  }
  VEDETTE_CHECK(Expect(TokenKind::kRightParen));
  return labels;
}

}  // namespace vedette::promql
