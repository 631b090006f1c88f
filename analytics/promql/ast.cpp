// Names of the enumerations of the tree, and deep copies.
#include "analytics/promql/ast.h"

#include <cassert>
#include <utility>

namespace vedette::promql {

std::string_view ValueTypeName(ValueType type) {
  switch (type) {
    case ValueType::kNone:
      return "none";
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
    case ValueType::kString:
      return "string";
  }
  return "none";
}

std::string_view AggregateName(AggregateOp op) {
  constexpr std::string_view kNames[] = {"sum",      "avg",          "min",    "max",        "count",
                                         "group",    "stddev",       "stdvar", "topk",       "bottomk",
                                         "quantile", "count_values", "limitk", "limit_ratio"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(AggregateOp::kLimitRatio) + 1);
  return kNames[static_cast<std::size_t>(op)];
}

std::string_view BinaryOpText(BinaryOp op) {
  constexpr std::string_view kTexts[] = {
      "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "</", ">/", "and", "or", "unless"};
  static_assert(std::size(kTexts) == static_cast<std::size_t>(BinaryOp::kUnless) + 1);
  return kTexts[static_cast<std::size_t>(op)];
}

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual && op <= BinaryOp::kLessEqual; }

bool IsSetOperator(BinaryOp op) { return op >= BinaryOp::kAnd; }

namespace {

DurationExprPtr CloneDuration(const DurationExprPtr& from) {
  if (!from) return nullptr;
  auto to = std::make_unique<DurationExpr>();
  to->op = from->op;
  to->seconds = from->seconds;
  to->is_duration = from->is_duration;
  to->wrapped = from->wrapped;
  to->lhs = CloneDuration(from->lhs);
  to->rhs = CloneDuration(from->rhs);
  to->pos = from->pos;
  return to;
}

TimeModifiers CloneTime(const TimeModifiers& from) {
  TimeModifiers to;
  to.offset = from.offset;
  to.offset_expr = CloneDuration(from.offset_expr);
  to.at = from.at;
  to.at_edge = from.at_edge;
  return to;
}

ExprPtr CloneOrNull(const ExprPtr& expr) { return expr ? Clone(*expr) : nullptr; }

template <class T>
std::unique_ptr<T> SameBase(const T& from) {
  auto to = std::make_unique<T>();
  to->type = from.type;
  to->pos = from.pos;
  return to;
}

std::unique_ptr<NumberExpr> Copy(const NumberExpr& from) {
  auto to = SameBase(from);
  to->value = from.value;
  to->is_duration = from.is_duration;
  return to;
}

std::unique_ptr<StringExpr> Copy(const StringExpr& from) {
  auto to = SameBase(from);
  to->value = from.value;
  return to;
}

std::unique_ptr<VectorSelector> Copy(const VectorSelector& from) {
  auto to = SameBase(from);
  to->name = from.name;
  to->matchers = from.matchers;
  to->time = CloneTime(from.time);
  to->anchored = from.anchored;
  to->smoothed = from.smoothed;
  to->bypass_empty_check = from.bypass_empty_check;
  return to;
}

std::unique_ptr<MatrixSelector> Copy(const MatrixSelector& from) {
  auto to = SameBase(from);
  to->selector = Copy(*from.selector);
  to->range = from.range;
  to->range_expr = CloneDuration(from.range_expr);
  return to;
}

std::unique_ptr<SubqueryExpr> Copy(const SubqueryExpr& from) {
  auto to = SameBase(from);
  to->expr = Clone(*from.expr);
  to->range = from.range;
  to->step = from.step;
  to->range_expr = CloneDuration(from.range_expr);
  to->step_expr = CloneDuration(from.step_expr);
  to->time = CloneTime(from.time);
  return to;
}

std::unique_ptr<CallExpr> Copy(const CallExpr& from) {
  auto to = SameBase(from);
  to->function = from.function;
  to->args.reserve(from.args.size());
  for (const ExprPtr& arg : from.args) to->args.push_back(Clone(*arg));
  return to;
}

std::unique_ptr<AggregateExpr> Copy(const AggregateExpr& from) {
  auto to = SameBase(from);
  to->op = from.op;
  to->expr = CloneOrNull(from.expr);
  to->param = CloneOrNull(from.param);
  to->grouping = from.grouping;
  to->without = from.without;
  return to;
}

std::unique_ptr<BinaryExpr> Copy(const BinaryExpr& from) {
  auto to = SameBase(from);
  to->op = from.op;
  to->lhs = Clone(*from.lhs);
  to->rhs = Clone(*from.rhs);
  to->matching = from.matching;
  to->return_bool = from.return_bool;
  return to;
}

std::unique_ptr<UnaryExpr> Copy(const UnaryExpr& from) {
  auto to = SameBase(from);
  to->negate = from.negate;
  to->expr = Clone(*from.expr);
  return to;
}

std::unique_ptr<ParenExpr> Copy(const ParenExpr& from) {
  auto to = SameBase(from);
  to->expr = Clone(*from.expr);
  return to;
}

}  // namespace

ExprPtr Clone(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      return Copy(As<NumberExpr>(expr));
    case ExprKind::kString:
      return Copy(As<StringExpr>(expr));
    case ExprKind::kVectorSelector:
      return Copy(As<VectorSelector>(expr));
    case ExprKind::kMatrixSelector:
      return Copy(As<MatrixSelector>(expr));
    case ExprKind::kSubquery:
      return Copy(As<SubqueryExpr>(expr));
    case ExprKind::kCall:
      return Copy(As<CallExpr>(expr));
    case ExprKind::kAggregate:
      return Copy(As<AggregateExpr>(expr));
    case ExprKind::kBinary:
      return Copy(As<BinaryExpr>(expr));
    case ExprKind::kUnary:
      return Copy(As<UnaryExpr>(expr));
    case ExprKind::kParen:
      return Copy(As<ParenExpr>(expr));
  }
  assert(false && "every kind has a copy");
  return nullptr;
}

}  // namespace vedette::promql
