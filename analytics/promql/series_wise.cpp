#include "analytics/promql/series_wise.h"

#include <algorithm>

#include "analytics/promql/eval_labels.h"
#include "analytics/promql/functions_impl.h"
#include "analytics/promql/plan.h"

namespace vedette::promql {
namespace {

const VectorSelector* LocalSelector(const Expr& given);

const VectorSelector* LocalSelectorOfCall(const CallExpr& call) {
  const FunctionCode& code = CodeOf(call.function->id);
  if (code.window == nullptr && code.element == nullptr) return nullptr;
  const VectorSelector* found = nullptr;
  for (const ExprPtr& argument : call.args) {
    if (IsPlainNumber(*argument)) continue;
    if (found != nullptr) return nullptr;
    found = LocalSelector(*argument);
    if (found == nullptr) return nullptr;
  }
  return found;
}

const VectorSelector* LocalSelectorOfBinary(const BinaryExpr& binary) {
  if (IsPlainNumber(*binary.rhs)) return LocalSelector(*binary.lhs);
  return IsPlainNumber(*binary.lhs) ? LocalSelector(*binary.rhs) : nullptr;
}

const VectorSelector* LocalSelector(const Expr& given) {
  const Expr& expr = Unwrap(given);
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      return &As<VectorSelector>(expr);
    case ExprKind::kMatrixSelector:
      return As<MatrixSelector>(expr).selector.get();
    case ExprKind::kSubquery:
      return LocalSelector(*As<SubqueryExpr>(expr).expr);
    case ExprKind::kUnary:
      return LocalSelector(*As<UnaryExpr>(expr).expr);
    case ExprKind::kBinary:
      return LocalSelectorOfBinary(As<BinaryExpr>(expr));
    case ExprKind::kCall:
      return LocalSelectorOfCall(As<CallExpr>(expr));
    default:
      return nullptr;
  }
}

}  // namespace

bool IsPlainNumber(const Expr& given) {
  const Expr& expr = Unwrap(given);
  if (expr.kind == ExprKind::kUnary) return IsPlainNumber(*As<UnaryExpr>(expr).expr);
  return expr.kind == ExprKind::kNumber;
}

bool HasOneName(const VectorSelector& selector) {
  return std::ranges::any_of(selector.matchers, [](const Matcher& matcher) {
    return matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual && !matcher.value().empty();
  });
}

const VectorSelector* SeriesWiseSelector(const Expr& expr) {
  const VectorSelector* selector = LocalSelector(expr);
  return selector != nullptr && HasOneName(*selector) ? selector : nullptr;
}

bool MayComeOutAlike(const Expr& expr, std::span<const storage::SeriesEntry> found) {
  if (Unwrap(expr).kind == ExprKind::kVectorSelector) return false;
  return std::ranges::any_of(found, [](const storage::SeriesEntry& series) { return HasTypeOrUnit(series.labels); });
}

}  // namespace vedette::promql
