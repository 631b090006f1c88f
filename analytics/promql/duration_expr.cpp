#include "analytics/promql/duration_expr.h"

#include <algorithm>
#include <cmath>

namespace vedette::promql {

namespace {

using Op = DurationExpr::Op;

Error FailAt(const DurationExpr& expr, std::string_view message) {
  return Fail(Code::kExecution, "{}:{}: {}", expr.pos.start, expr.pos.end, message);
}

/// Seconds.
Result<double> SecondsOf(const DurationExpr& expr, const DurationContext& context) {
  double lhs = 0, rhs = 0;
  if (expr.lhs) {
    VEDETTE_TRY(lhs, SecondsOf(*expr.lhs, context));
  }
  if (expr.rhs) {
    VEDETTE_TRY(rhs, SecondsOf(*expr.rhs, context));
  }
  switch (expr.op) {
    case Op::kNumber:
      return expr.seconds;
    case Op::kStep:
      return static_cast<double>(context.step.count()) / 1000.0;
    case Op::kRange:
      return static_cast<double>(context.range.count()) / 1000.0;
    case Op::kAdd:
      return lhs + rhs;
    case Op::kSub:
      return lhs - rhs;
    case Op::kMul:
      return lhs * rhs;
    case Op::kDiv:
      if (rhs == 0) return FailAt(expr, "division by zero");
      return lhs / rhs;
    case Op::kMod:
      if (rhs == 0) return FailAt(expr, "modulo by zero");
      return std::fmod(lhs, rhs);
    case Op::kPow:
      return std::pow(lhs, rhs);
    case Op::kNegate:
      return -rhs;
    case Op::kPlus:
      return rhs;
    case Op::kMinOf:
      return std::isnan(lhs) || std::isnan(rhs) ? lhs + rhs : std::min(lhs, rhs);
    case Op::kMaxOf:
      return std::isnan(lhs) || std::isnan(rhs) ? lhs + rhs : std::max(lhs, rhs);
  }
  return 0.0;
}

Status ResolveOne(const DurationExprPtr& expr, const DurationContext& context, bool allow_negative, Millis& out) {
  if (!expr) return Ok();
  VEDETTE_TRY(out, EvaluateDuration(*expr, context, allow_negative));
  return Ok();
}

Status ResolveSubquery(SubqueryExpr& subquery, const DurationContext& context) {
  VEDETTE_CHECK(ResolveOne(subquery.time.offset_expr, context, true, subquery.time.offset));
  VEDETTE_CHECK(ResolveOne(subquery.step_expr, context, false, subquery.step));
  VEDETTE_CHECK(ResolveOne(subquery.range_expr, context, false, subquery.range));
  return ResolveDurations(*subquery.expr, context);
}

}  // namespace

Result<Millis> EvaluateDuration(const DurationExpr& expr, const DurationContext& context, bool allow_negative) {
  VEDETTE_TRY(const double seconds, SecondsOf(expr, context));
  if (!std::isfinite(seconds)) return FailAt(expr, "duration is NaN or infinite");
  if (seconds <= 0 && !allow_negative) return FailAt(expr, "duration must be greater than 0");
  constexpr double kLimit = 9223372036854775808.0 / 1e9;  // 64 bits of nanoseconds
  if (std::abs(seconds) > kLimit) return FailAt(expr, "duration is out of range");
  const auto ms = static_cast<std::int64_t>(seconds * 1000.0);
  return Millis(allow_negative ? ms : std::max<std::int64_t>(ms, 1));
}

Status ResolveDurations(Expr& expr, const DurationContext& context) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return Ok();
    case ExprKind::kVectorSelector: {
      TimeModifiers& time = As<VectorSelector>(expr).time;
      return ResolveOne(time.offset_expr, context, true, time.offset);
    }
    case ExprKind::kMatrixSelector: {
      auto& matrix = As<MatrixSelector>(expr);
      VEDETTE_CHECK(ResolveOne(matrix.range_expr, context, false, matrix.range));
      return ResolveDurations(*matrix.selector, context);
    }
    case ExprKind::kSubquery:
      return ResolveSubquery(As<SubqueryExpr>(expr), context);
    case ExprKind::kCall:
      for (const ExprPtr& arg : As<CallExpr>(expr).args) VEDETTE_CHECK(ResolveDurations(*arg, context));
      return Ok();
    case ExprKind::kAggregate: {
      auto& aggregate = As<AggregateExpr>(expr);
      if (aggregate.param) VEDETTE_CHECK(ResolveDurations(*aggregate.param, context));
      return ResolveDurations(*aggregate.expr, context);
    }
    case ExprKind::kBinary:
      VEDETTE_CHECK(ResolveDurations(*As<BinaryExpr>(expr).lhs, context));
      return ResolveDurations(*As<BinaryExpr>(expr).rhs, context);
    case ExprKind::kUnary:
      return ResolveDurations(*As<UnaryExpr>(expr).expr, context);
    case ExprKind::kParen:
      return ResolveDurations(*As<ParenExpr>(expr).expr, context);
  }
  return Ok();
}

}  // namespace vedette::promql
