#include "analytics/promql/selectors.h"

namespace vedette::promql {
namespace {

void CollectSelectors(const Expr* expr, std::vector<std::vector<Matcher>>& out) {
  if (expr == nullptr) return;
  switch (expr->kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return;
    case ExprKind::kVectorSelector:
      out.push_back(As<VectorSelector>(*expr).matchers);
      return;
    case ExprKind::kMatrixSelector:
      return CollectSelectors(As<MatrixSelector>(*expr).selector.get(), out);
    case ExprKind::kSubquery:
      return CollectSelectors(As<SubqueryExpr>(*expr).expr.get(), out);
    case ExprKind::kCall:
      for (const ExprPtr& arg : As<CallExpr>(*expr).args) CollectSelectors(arg.get(), out);
      return;
    case ExprKind::kAggregate:
      CollectSelectors(As<AggregateExpr>(*expr).param.get(), out);
      return CollectSelectors(As<AggregateExpr>(*expr).expr.get(), out);
    case ExprKind::kBinary:
      CollectSelectors(As<BinaryExpr>(*expr).lhs.get(), out);
      return CollectSelectors(As<BinaryExpr>(*expr).rhs.get(), out);
    case ExprKind::kUnary:
      return CollectSelectors(As<UnaryExpr>(*expr).expr.get(), out);
    case ExprKind::kParen:
      return CollectSelectors(As<ParenExpr>(*expr).expr.get(), out);
  }
}

}  // namespace

std::vector<std::vector<Matcher>> SelectorsOf(const Expr& expr) {
  std::vector<std::vector<Matcher>> out;
  CollectSelectors(&expr, out);
  return out;
}

}  // namespace vedette::promql
