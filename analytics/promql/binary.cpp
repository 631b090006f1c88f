// Operations on numbers, and on a vector with a scalar.
#include "analytics/promql/binary.h"

#include <cmath>

#include "analytics/promql/eval_labels.h"

namespace vedette::promql {

namespace {

/// `scalar_left`: the scalar stands on the left. A comparison keeps the vector's value, wherever it stands.
Result<Vector> WithScalar(Evaluator& eval, const BinaryExpr& binary, Vector vector, const Scalar& scalar,
                          bool scalar_left) {
  const bool comparison = IsComparison(binary.op);
  for (std::size_t row = 0; row < vector.rows() && !IsTrim(binary.op); ++row) {
    const auto values = vector.values(row);
    for (std::size_t step = 0; step < values.size(); ++step) {
      const double value = values[step];
      if (IsAbsent(value)) continue;
      const OperationResult result =
          scalar_left ? Operate(binary.op, scalar[step], value) : Operate(binary.op, value, scalar[step]);
      if (binary.return_bool) {
        values[step] = result.keep ? 1 : 0;
      } else if (!comparison) {
        values[step] = result.value;
      } else if (!result.keep) {
        values[step] = Absent();
      }
    }
  }
  if (vector.has_histograms() || IsTrim(binary.op)) {
    VEDETTE_CHECK(CombineWithScalar(eval, binary, vector, scalar, scalar_left));
    vector.RemoveEmptyRows();
  }
  if ((comparison && !binary.return_bool) || IsTrim(binary.op)) {
    vector.RemoveEmptyRows();
  } else {
    VEDETTE_CHECK(DropNames(eval.context(), vector));
  }
  return vector;
}

}  // namespace

OperationResult Operate(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::kAdd:
      return {left + right};
    case BinaryOp::kSub:
      return {left - right};
    case BinaryOp::kMul:
      return {left * right};
    case BinaryOp::kDiv:
      return {left / right};
    case BinaryOp::kMod:
      return {std::fmod(left, right)};
    case BinaryOp::kPow:
      return {std::pow(left, right)};
    case BinaryOp::kAtan2:
      return {std::atan2(left, right)};
    case BinaryOp::kEqual:
      return {left, left == right};
    case BinaryOp::kNotEqual:
      return {left, left != right};
    case BinaryOp::kGreater:
      return {left, left > right};
    case BinaryOp::kLess:
      return {left, left < right};
    case BinaryOp::kGreaterEqual:
      return {left, left >= right};
    case BinaryOp::kLessEqual:
      return {left, left <= right};
    default:
      return {left, false};
  }
}

bool IsArithmetic(BinaryOp op) { return op <= BinaryOp::kAtan2; }

Signatures::Signatures(const VectorMatching& matching)
    : on_(matching.on),
      names_(matching.on ? SortedUnique(matching.labels) : SortedUnique(matching.labels, kMetricName)) {}

std::size_t Signatures::Of(const Labels& labels) {
  const auto [entry, is_new] =
      numbers_.try_emplace(on_ ? Only(labels, names_) : Without(labels, names_), labels_.size());
  if (is_new) labels_.push_back(entry->first);
  return entry->second;
}

Result<Vector> EvalBinary(Evaluator& eval, const BinaryExpr& binary, const Steps& steps) {
  if (binary.lhs->type == ValueType::kScalar) {
    VEDETTE_TRY(const Scalar scalar, eval.EvalScalar(*binary.lhs, steps));
    VEDETTE_TRY(Vector vector, eval.EvalVector(*binary.rhs, steps));
    return WithScalar(eval, binary, std::move(vector), scalar, true);
  }
  VEDETTE_TRY(Vector left, eval.EvalVector(*binary.lhs, steps));
  if (binary.rhs->type == ValueType::kScalar) {
    VEDETTE_TRY(const Scalar scalar, eval.EvalScalar(*binary.rhs, steps));
    return WithScalar(eval, binary, std::move(left), scalar, false);
  }
  VEDETTE_TRY(Vector right, eval.EvalVector(*binary.rhs, steps));
  if (IsSetOperator(binary.op)) return EvalSetOperator(eval, binary, std::move(left), std::move(right));
  return EvalMatching(eval, binary, left, right);
}

Result<Scalar> EvalScalarBinary(Evaluator& eval, const BinaryExpr& binary, const Steps& steps) {
  if (IsTrim(binary.op)) {
    return Fail(Code::kExecution, "operator {} not allowed for Scalar operations", Quote(BinaryOpText(binary.op)));
  }
  VEDETTE_TRY(Scalar left, eval.EvalScalar(*binary.lhs, steps));
  VEDETTE_TRY(const Scalar right, eval.EvalScalar(*binary.rhs, steps));
  for (std::size_t step = 0; step < left.size(); ++step) {
    const OperationResult result = Operate(binary.op, left[step], right[step]);
    left[step] = IsComparison(binary.op) ? (result.keep ? 1 : 0) : result.value;
  }
  return left;
}

}  // namespace vedette::promql
