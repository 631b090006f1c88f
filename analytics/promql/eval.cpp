// Dispatch by kind of node.
#include "analytics/promql/eval.h"

#include <algorithm>

#include "analytics/promql/aggregate.h"
#include "analytics/promql/binary.h"
#include "analytics/promql/functions_impl.h"

namespace vedette::promql {

namespace {

/// The one step of `once` at all of `steps`.
Result<Vector> Spread(const Vector& once, std::size_t steps) {
  Vector all(once.budget(), steps);
  all.Reserve(once.rows());
  for (std::size_t row = 0; row < once.rows(); ++row) {
    VEDETTE_TRY(const std::span<double> values, all.AddRow(once.name(row)));
    std::ranges::fill(values, once.values(row)[0]);
    const auto histograms = once.histograms(row);
    if (histograms.empty() || !histograms[0]) continue;
    for (std::size_t step = 0; step < steps; ++step) VEDETTE_CHECK(all.SetHistogram(row, step, histograms[0]));
  }
  return all;
}

}  // namespace

Result<Vector> Evaluator::EvalVector(const Expr& expr, const Steps& steps) {
  QueryProfile::Visit visit(context_.profile, &expr, context_.samples_read);
  Result<Vector> vector = VectorAt(expr, steps);
  if (vector) visit.Result(vector->rows(), vector->rows() * vector->steps() * sizeof(double));
  return vector;
}

Result<Vector> Evaluator::VectorAt(const Expr& expr, const Steps& steps) {
  VEDETTE_CHECK(context_.Check());
  if (steps.count == 0) return NewVector(0);
  if (steps.count == 1 || !plan_.SameAtEveryStep(expr)) return VectorOnce(expr, steps);
  VEDETTE_TRY(const Vector once, VectorOnce(expr, Steps{steps.start, steps.step, 1}));
  return Spread(once, steps.count);
}

Result<Scalar> Evaluator::EvalScalar(const Expr& expr, const Steps& steps) {
  QueryProfile::Visit visit(context_.profile, &expr, context_.samples_read);
  VEDETTE_CHECK(context_.Check());
  if (steps.count == 0) return Scalar();
  if (steps.count == 1 || !plan_.SameAtEveryStep(expr)) return ScalarOnce(expr, steps);
  VEDETTE_TRY(const Scalar once, ScalarOnce(expr, Steps{steps.start, steps.step, 1}));
  return Scalar(steps.count, once.front());
}

const std::string& Evaluator::StringOf(const Expr& expr) { return As<StringExpr>(Unwrap(expr)).value; }

Result<Vector> Evaluator::VectorOnce(const Expr& expr, const Steps& steps) {
  switch (expr.kind) {
    case ExprKind::kParen:
      return EvalVector(*As<ParenExpr>(expr).expr, steps);
    case ExprKind::kVectorSelector:
      return SelectVector(*this, As<VectorSelector>(expr), steps);
    case ExprKind::kUnary:
      return Negate(As<UnaryExpr>(expr), steps);
    case ExprKind::kBinary:
      return EvalBinary(*this, As<BinaryExpr>(expr), steps);
    case ExprKind::kAggregate:
      return EvalAggregate(*this, As<AggregateExpr>(expr), steps);
    case ExprKind::kCall:
      return CallVector(As<CallExpr>(expr), steps);
    default:
      return Fail(Code::kInternal, "a {} stands where a vector is needed", ValueTypeName(expr.type));
  }
}

Result<Scalar> Evaluator::ScalarOnce(const Expr& expr, const Steps& steps) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      return Scalar(steps.count, As<NumberExpr>(expr).value);
    case ExprKind::kParen:
      return EvalScalar(*As<ParenExpr>(expr).expr, steps);
    case ExprKind::kUnary: {
      const auto& unary = As<UnaryExpr>(expr);
      VEDETTE_TRY(Scalar values, EvalScalar(*unary.expr, steps));
      if (unary.negate) std::ranges::transform(values, values.begin(), std::negate<>());
      return values;
    }
    case ExprKind::kBinary:
      return EvalScalarBinary(*this, As<BinaryExpr>(expr), steps);
    case ExprKind::kCall:
      return CallScalar(As<CallExpr>(expr), steps);
    default:
      return Fail(Code::kInternal, "a {} stands where a scalar is needed", ValueTypeName(expr.type));
  }
}

Result<Vector> Evaluator::Negate(const UnaryExpr& unary, const Steps& steps) {
  VEDETTE_TRY(Vector vector, EvalVector(*unary.expr, steps));
  if (!unary.negate) return vector;
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    for (double& value : vector.values(row)) {
      if (!IsAbsent(value)) value = -value;
    }
    VEDETTE_CHECK(MapHistograms(vector, row, [](Histogram& histogram) { Multiply(histogram, -1); }));
  }
  VEDETTE_CHECK(DropNames(context_, vector));
  return vector;
}

Result<Vector> Evaluator::CallVector(const CallExpr& call, const Steps& steps) {
  const FunctionCode& code = CodeOf(call.function->id);
  if (code.window) return CallWindowFunction(*this, call, code, steps);
  if (code.vector) return code.vector(*this, call, steps);
  VEDETTE_TRY(Vector vector, EvalVector(*call.args.front(), steps));
  vector.DropHistograms();
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    for (double& value : vector.values(row)) {
      if (!IsAbsent(value)) value = code.element(value);
    }
  }
  VEDETTE_CHECK(DropNames(context_, vector));
  return vector;
}

Result<Scalar> Evaluator::CallScalar(const CallExpr& call, const Steps& steps) {
  return CodeOf(call.function->id).scalar(*this, call, steps);
}

}  // namespace vedette::promql
