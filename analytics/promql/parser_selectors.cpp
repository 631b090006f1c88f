// Selectors and what may follow them: ranges, subqueries, offset, @, anchored and smoothed.
#include <algorithm>
#include <cmath>

#include "analytics/promql/literals.h"
#include "analytics/promql/parser_grammar.h"

namespace vedette::promql {

namespace {

constexpr std::string_view kMatching = "label matching";
constexpr std::string_view kDurationWanted = "number, duration, step(), or range()";

std::optional<MatchOp> ToMatchOp(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAssign:
      return MatchOp::kEqual;
    case TokenKind::kNotEqual:
      return MatchOp::kNotEqual;
    case TokenKind::kRegexMatch:
      return MatchOp::kRegex;
    case TokenKind::kRegexNoMatch:
      return MatchOp::kNotRegex;
    default:
      return std::nullopt;
  }
}

/// Where the modifiers of a selector or subquery are kept; null for other expressions.
TimeModifiers* ModifiersOf(Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      return &As<VectorSelector>(expr).time;
    case ExprKind::kMatrixSelector:
      return &As<MatrixSelector>(expr).selector->time;
    case ExprKind::kSubquery:
      return &As<SubqueryExpr>(expr).time;
    default:
      return nullptr;
  }
}

bool HasOffset(const TimeModifiers& time) { return time.offset != Millis(0) || time.offset_expr != nullptr; }
bool HasAt(const TimeModifiers& time) { return time.at.has_value() || time.at_edge != StartOrEnd::kNeither; }

/// Whole milliseconds of a literal; towards zero, as the engine counts.
Millis ToMillis(double seconds) {
  return Millis(static_cast<std::int64_t>(std::trunc(std::round(seconds * 1e9) / 1e6)));
}

/// A literal goes into `literal`, anything else into `expr`. A positive one stays positive.
void StoreDuration(DurationExprPtr from, Millis& literal, DurationExprPtr& expr) {
  if (from->op != DurationExpr::Op::kNumber) {
    expr = std::move(from);
    return;
  }
  literal = ToMillis(from->seconds);
}

void StorePositive(DurationExprPtr from, Millis& literal, DurationExprPtr& expr) {
  const bool is_literal = from->op == DurationExpr::Op::kNumber;
  StoreDuration(std::move(from), literal, expr);
  if (is_literal) literal = std::max(literal, Millis(1));
}

/// Seconds to milliseconds, cut at the years 128000 before and after 1970: up to there a double counts milliseconds.
TimeMs ToTime(double seconds) {
  constexpr double kLimit = 4e15;
  return TimeMs(static_cast<std::int64_t>(std::clamp(std::round(seconds * 1000.0), -kLimit, kLimit)));
}

std::string GoFloat(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{:f}", value);
}

}  // namespace

Result<std::unique_ptr<VectorSelector>> Grammar::WholeSelector() {
  const bool named = token_.IsMetricWord();
  if (!named && !At(TokenKind::kLeftBrace)) return Unexpected();
  const Token name = named ? Take() : Token{};
  VEDETTE_TRY(auto selector, Selector(named ? &name : nullptr));
  VEDETTE_CHECK(Expect(TokenKind::kEnd));
  return selector;
}

Result<std::unique_ptr<VectorSelector>> Grammar::Selector(const Token* name) {
  auto node = std::make_unique<VectorSelector>();
  node->pos.start = name != nullptr ? name->start : token_.start;
  if (At(TokenKind::kLeftBrace)) {
    Take();
    while (!At(TokenKind::kRightBrace)) {
      VEDETTE_TRY(Matcher matcher, LabelMatcher());
      node->matchers.push_back(std::move(matcher));
      if (At(TokenKind::kRightBrace)) break;
      VEDETTE_CHECK(Expect(TokenKind::kComma, {kMatching, "\",\" or \"}\""}));
    }
    VEDETTE_CHECK(Expect(TokenKind::kRightBrace));
  }
  node->pos.end = last_end_;
  if (name != nullptr) {
    node->name = std::string(name->text);
    node->matchers.push_back(Matcher::Equal(std::string(kMetricName), node->name));
  }
  return node;
}

Result<Matcher> Grammar::LabelMatcher() {
  const bool quoted = At(TokenKind::kString);
  if (!quoted && !At(TokenKind::kIdentifier)) return Unexpected({kMatching, "identifier or \"}\""});
  const Token label = Take();
  std::string name = quoted ? Unquote(label.text) : std::string(label.text);
  const auto op = ToMatchOp(token_.kind);
  if (!op) {
    if (quoted) return Matcher::Equal(std::string(kMetricName), std::move(name));
    return Unexpected({kMatching, "label matching operator"});
  }
  Take();
  if (!At(TokenKind::kString)) return Unexpected({kMatching, "string"});
  auto matcher = Matcher::Create(*op, std::move(name), Unquote(Take().text));
  if (!matcher) return ErrorAt(label.start, matcher.error().message);
  return matcher;
}

Result<Grammar::Tree> Grammar::Postfix(Tree tree) {
  for (;;) {
    switch (token_.kind) {
      case TokenKind::kLeftBracket: {
        VEDETTE_TRY(Tree ranged, RangeOrSubquery(std::move(tree)));
        tree = std::move(ranged);
        continue;
      }
      case TokenKind::kOffset:
        VEDETTE_CHECK(OffsetModifier(*tree.expr));
        break;
      case TokenKind::kAt:
        VEDETTE_CHECK(AtModifier(*tree.expr));
        break;
      case TokenKind::kAnchored:
      case TokenKind::kSmoothed:
        VEDETTE_CHECK(ExtendedModifier(*tree.expr));
        continue;  // for Prometheus the selector ends before this word, which shows in the place of errors
      default:
        return tree;
    }
    tree.expr->pos.end = last_end_;
  }
}

Result<Grammar::Tree> Grammar::RangeOrSubquery(Tree tree) {
  const std::uint32_t bracket = Take().start;
  VEDETTE_TRY(DurationExprPtr range, PositiveDuration({"subquery or range selector", kDurationWanted}));
  if (At(TokenKind::kRightBracket)) return Range(std::move(tree), std::move(range), bracket);
  VEDETTE_CHECK(Expect(TokenKind::kColon, {"subquery or range", "\":\" or \"]\""}));
  auto node = std::make_unique<SubqueryExpr>();
  StorePositive(std::move(range), node->range, node->range_expr);
  if (!At(TokenKind::kRightBracket)) {
    VEDETTE_TRY(DurationExprPtr step,
                PositiveDuration({"subquery selector", "number, duration, step(), range(), or \"]\""}));
    StorePositive(std::move(step), node->step, node->step_expr);
  }
  VEDETTE_CHECK(Expect(TokenKind::kRightBracket, {"subquery selector", "\"]\""}));
  node->pos = {tree.expr->pos.start, last_end_};
  node->expr = std::move(tree.expr);
  return Grow(std::move(node), tree.height);
}

Result<Grammar::Tree> Grammar::Range(Tree tree, DurationExprPtr range, std::uint32_t bracket) {
  Take();
  if (tree.expr->kind != ExprKind::kVectorSelector) {
    return ErrorAt(bracket, "ranges only allowed for vector selectors");
  }
  auto node = std::make_unique<MatrixSelector>();
  node->selector.reset(static_cast<VectorSelector*>(tree.expr.release()));
  if (HasOffset(node->selector->time)) return ErrorAt(bracket, "no offset modifiers allowed before range");
  if (HasAt(node->selector->time)) return ErrorAt(bracket, "no @ modifiers allowed before range");
  StorePositive(std::move(range), node->range, node->range_expr);
  node->pos = {node->selector->pos.start, last_end_};
  return Grow(std::move(node), tree.height);
}

Status Grammar::OffsetModifier(Expr& expr) {
  Take();
  VEDETTE_TRY(DurationExprPtr offset, OffsetDuration());
  TimeModifiers* time = ModifiersOf(expr);
  if (time == nullptr) {
    return ErrorAt(expr.pos.start,
                   "offset modifier must be preceded by an instant vector selector or range vector selector or a "
                   "subquery");
  }
  if (HasOffset(*time)) return ErrorAt(expr.pos.start, "offset may not be set multiple times");
  StoreDuration(std::move(offset), time->offset, time->offset_expr);
  return Ok();
}

Status Grammar::AtModifier(Expr& expr) {
  Take();
  StartOrEnd edge = StartOrEnd::kNeither;
  VEDETTE_TRY(const std::optional<TimeMs> at, AtTime(expr, edge));
  TimeModifiers* time = ModifiersOf(expr);
  if (time == nullptr) {
    return ErrorAt(expr.pos.start,
                   "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  }
  if (HasAt(*time)) return ErrorAt(expr.pos.start, "@ <timestamp> may not be set multiple times");
  time->at = at;
  time->at_edge = edge;
  return Ok();
}

Result<std::optional<TimeMs>> Grammar::AtTime(const Expr& expr, StartOrEnd& edge) {
  constexpr ErrorContext kContext{"@", "timestamp"};
  if (At(TokenKind::kStart) || At(TokenKind::kEndFunction)) {
    edge = Take().kind == TokenKind::kStart ? StartOrEnd::kStart : StartOrEnd::kEnd;
    VEDETTE_CHECK(Expect(TokenKind::kLeftParen, kContext));
    VEDETTE_CHECK(Expect(TokenKind::kRightParen, kContext));
    return std::optional<TimeMs>();
  }
  const bool negative = At(TokenKind::kSub);
  if (negative || At(TokenKind::kAdd)) Take();
  if (!At(TokenKind::kNumber) && !At(TokenKind::kDuration)) return Unexpected(kContext);
  VEDETTE_TRY(const double magnitude, NumberValue(token_));
  Take();
  const double seconds = negative ? -magnitude : magnitude;
  constexpr double kInt64Limit = 9223372036854775808.0;
  if (!(seconds > -kInt64Limit && seconds < kInt64Limit)) {
    return FailAt(expr.pos.start, "timestamp out of bounds for @ modifier: {}", GoFloat(seconds));
  }
  return std::optional<TimeMs>(ToTime(seconds));
}

Status Grammar::ExtendedModifier(Expr& expr) {
  const bool anchored = Take().kind == TokenKind::kAnchored;
  const std::string_view word = anchored ? "anchored" : "smoothed";
  const std::uint32_t start = expr.pos.start;
  if (!options_.extended_range_selectors) {
    return FailAt(start, "{} modifier is experimental and not enabled", word);
  }
  if (expr.kind == ExprKind::kSubquery) return FailAt(start, "{} modifier is not supported for subqueries", word);
  VectorSelector* selector = nullptr;
  if (expr.kind == ExprKind::kVectorSelector) selector = &As<VectorSelector>(expr);
  if (expr.kind == ExprKind::kMatrixSelector) selector = As<MatrixSelector>(expr).selector.get();
  if (selector == nullptr) return FailAt(start, "{} modifier not implemented", word);
  (anchored ? selector->anchored : selector->smoothed) = true;
  if (selector->anchored && selector->smoothed) {
    return ErrorAt(start, "anchored and smoothed modifiers cannot be used together");
  }
  return Ok();
}

}  // namespace vedette::promql
