// Binary operators on native histograms.
#include <memory>
#include <utility>

#include "analytics/promql/binary.h"

namespace vedette::promql {

namespace {

std::string_view TypeOf(const Operand& operand) { return operand.histogram ? "histogram" : "float"; }

MixedResult Defined(Histogram histogram) {
  return {true, true, {0, std::make_shared<const Histogram>(std::move(histogram))}};
}

MixedResult AddOrSubtract(const BinaryExpr& binary, const Histogram& left, const Histogram& right, Annotator& notes) {
  const bool add = binary.op == BinaryOp::kAdd;
  Histogram result = left;
  HistogramNotes met;
  if (!(add ? Add(result, right, met) : Subtract(result, right, met))) {
    notes.IncompatibleKinds(BinaryOpText(binary.op), binary.pos);
    return {};
  }
  if (!add) result.reset = CounterReset::kGauge;
  const auto operation = add ? HistogramOperation::kAddition : HistogramOperation::kSubtraction;
  if (met.collision) notes.CollidingResets(operation, binary.pos);
  if (met.reconciled) notes.MismatchedBounds(operation, binary.pos);
  return Defined(std::move(result));
}

/// A histogram with a number behind it; or before it, when `number_left`. False: they do not go together.
bool CombineWithNumber(BinaryOp op, Histogram& histogram, double number, bool number_left) {
  switch (op) {
    case BinaryOp::kMul:
      Multiply(histogram, number);
      return true;
    case BinaryOp::kDiv:
      if (!number_left) Divide(histogram, number);
      return !number_left;
    case BinaryOp::kTrimUpper:
    case BinaryOp::kTrimLower:
      if (!number_left) Trim(histogram, number, op == BinaryOp::kTrimUpper ? TrimEnd::kUpper : TrimEnd::kLower);
      return !number_left;
    default:
      return false;
  }
}

}  // namespace

bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper; }

MixedResult OperateMixed(const BinaryExpr& binary, const Operand& left, const Operand& right, Annotator& notes) {
  if (left.histogram && right.histogram) {
    if (binary.op == BinaryOp::kAdd || binary.op == BinaryOp::kSub) {
      return AddOrSubtract(binary, *left.histogram, *right.histogram, notes);
    }
    if (binary.op == BinaryOp::kEqual || binary.op == BinaryOp::kNotEqual) {
      const bool equal = EqualHistograms(*left.histogram, *right.histogram);
      return {true, equal == (binary.op == BinaryOp::kEqual), left};
    }
  } else if (left.histogram || right.histogram) {
    const bool number_left = !left.histogram;
    Histogram result = number_left ? *right.histogram : *left.histogram;
    if (CombineWithNumber(binary.op, result, number_left ? left.value : right.value, number_left)) {
      return Defined(std::move(result));
    }
  }
  notes.IncompatibleTypes(TypeOf(left), BinaryOpText(binary.op), TypeOf(right), binary.pos);
  return {};
}

Status CombineWithScalar(Evaluator& eval, const BinaryExpr& binary, Vector& vector, const Scalar& scalar,
                         bool scalar_left) {
  const bool numbers_too = IsTrim(binary.op);
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    for (std::size_t step = 0; step < vector.steps(); ++step) {
      const double number = vector.values(row)[step];
      if (!IsAbsent(number) && !numbers_too) continue;
      const auto histograms = vector.histograms(row);
      const Operand element{number, histograms.empty() ? nullptr : histograms[step]};
      if (IsAbsent(number) && !element.histogram) continue;
      const Operand other{scalar[step], nullptr};
      MixedResult result = scalar_left ? OperateMixed(binary, other, element, eval.context().notes)
                                       : OperateMixed(binary, element, other, eval.context().notes);
      // No comparison of a histogram with a number is defined, so that what is left is a new histogram.
      vector.ClearAt(row, step);
      if (result.defined) VEDETTE_CHECK(vector.SetHistogram(row, step, std::move(result.value.histogram)));
    }
  }
  return Ok();
}

}  // namespace vedette::promql
