#include "analytics/promql/step_wise.h"

#include <algorithm>

#include "analytics/promql/functions.h"
#include "analytics/promql/plan.h"
#include "analytics/promql/series_wise.h"

namespace vedette::promql {
namespace {

bool AsksForRange(const DurationExprPtr& duration) {
  if (!duration) return false;
  return duration->op == DurationExpr::Op::kRange || AsksForRange(duration->lhs) || AsksForRange(duration->rhs);
}

bool IsFixed(const TimeModifiers& time) {
  return time.at || time.at_edge != StartOrEnd::kNeither || AsksForRange(time.offset_expr);
}

bool IsMetricName(const ExprPtr& text) {
  const Expr& expr = Unwrap(*text);
  return expr.kind == ExprKind::kString && As<StringExpr>(expr).value == kMetricName;
}

class StepWiseWalk {
 public:
  explicit StepWiseWalk(bool delayed_name_removal) : delayed_name_removal_(delayed_name_removal) {}

  std::string_view Visit(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
        return {};
      case ExprKind::kVectorSelector:
        return VisitSelector(As<VectorSelector>(expr), in_subquery_);
      case ExprKind::kMatrixSelector: {
        const auto& window = As<MatrixSelector>(expr);
        if (AsksForRange(window.range_expr)) return "time";
        return VisitSelector(*window.selector, true);
      }
      case ExprKind::kSubquery:
        return VisitSubquery(As<SubqueryExpr>(expr));
      case ExprKind::kCall:
        return VisitCall(As<CallExpr>(expr));
      case ExprKind::kAggregate:
        return VisitAggregate(As<AggregateExpr>(expr));
      case ExprKind::kBinary:
        return VisitBinary(As<BinaryExpr>(expr));
      case ExprKind::kUnary:
        return Visit(*As<UnaryExpr>(expr).expr);
      case ExprKind::kParen:
        return Visit(*As<ParenExpr>(expr).expr);
    }
    return "function";
  }

 private:
  static std::string_view VisitSelector(const VectorSelector& selector, bool needs_one_name) {
    if (IsFixed(selector.time)) return "time";
    return needs_one_name && !HasOneName(selector) ? "names" : "";
  }

  std::string_view VisitSubquery(const SubqueryExpr& subquery) {
    if (IsFixed(subquery.time) || AsksForRange(subquery.range_expr) || AsksForRange(subquery.step_expr)) return "time";
    const bool outer = in_subquery_;
    in_subquery_ = true;
    const std::string_view why = Visit(*subquery.expr);
    in_subquery_ = outer;
    return why;
  }

  std::string_view VisitCall(const CallExpr& call) {
    const FunctionId id = call.function->id;
    if (id == FunctionId::kInfo) return "function";
    const bool names = id == FunctionId::kLabelReplace || id == FunctionId::kLabelJoin;
    if (names && in_subquery_ && IsMetricName(call.args[1])) return "names";
    for (const ExprPtr& argument : call.args) {
      if (const std::string_view why = Visit(*argument); !why.empty()) return why;
    }
    return {};
  }

  std::string_view VisitAggregate(const AggregateExpr& aggregate) {
    const bool by_order = aggregate.op == AggregateOp::kTopk || aggregate.op == AggregateOp::kBottomk ||
                          aggregate.op == AggregateOp::kLimitk;
    if (by_order && SeriesWiseSelector(*aggregate.expr) == nullptr) return "order";
    if (aggregate.param && aggregate.param->type == ValueType::kScalar && !IsPlainNumber(*aggregate.param)) {
      return "parameter";
    }
    if (aggregate.op == AggregateOp::kCountValues && in_subquery_ && IsMetricName(aggregate.param)) return "names";
    return Visit(*aggregate.expr);
  }

  std::string_view VisitBinary(const BinaryExpr& binary) {
    // Both sides' names in one vector.
    if (binary.op == BinaryOp::kOr && (in_subquery_ || delayed_name_removal_)) return "names";
    if (in_subquery_ && binary.matching && std::ranges::count(binary.matching->include, kMetricName) > 0) {
      return "names";
    }
    const std::string_view why = Visit(*binary.lhs);
    return why.empty() ? Visit(*binary.rhs) : why;
  }

  const bool delayed_name_removal_;
  bool in_subquery_ = false;
};

}  // namespace

std::string_view BoundToRange(const Expr& expr, bool delayed_name_removal) {
  return StepWiseWalk(delayed_name_removal).Visit(expr);
}

}  // namespace vedette::promql
