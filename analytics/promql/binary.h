// Binary operators between scalars and vectors, in all combinations.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "analytics/promql/eval.h"

namespace vedette::promql {

/// One operation on two numbers: the value, and whether a comparison holds (true for arithmetic). The value of a
/// comparison is its left side.
struct OperationResult {
  double value = 0;
  bool keep = true;
};
OperationResult Operate(BinaryOp op, double left, double right);

/// A side of an operation: a histogram, or a number when that is null.
struct Operand {
  double value = 0;
  HistogramPtr histogram;
};
struct MixedResult {
  bool defined = false;  // else there is no result; `notes` knows why
  bool keep = true;
  Operand value;
};
/// The same with histograms on one side or both, or with a trim operator (binary_histograms.cpp).
MixedResult OperateMixed(const BinaryExpr& binary, const Operand& left, const Operand& right, Annotator& notes);
/// WithScalar() of what is not just a number: histograms, and numbers that are trimmed.
Status CombineWithScalar(Evaluator& eval, const BinaryExpr& binary, Vector& vector, const Scalar& scalar,
                         bool scalar_left);
bool IsTrim(BinaryOp op);

/// +, -, *, /, %, ^, atan2: the result is no longer the metric it was.
bool IsArithmetic(BinaryOp op);

/// At least one operand is a vector. Errors: kExecution when the matching is ambiguous.
Result<Vector> EvalBinary(Evaluator& eval, const BinaryExpr& binary, const Steps& steps);
/// Both operands are scalars.
Result<Scalar> EvalScalarBinary(Evaluator& eval, const BinaryExpr& binary, const Steps& steps);

/// What decides whether rows match: the labels named by on(), or all but __name__ and those named by ignoring().
/// Numbers the distinct ones; the same labels get the same number whichever side they are on.
class Signatures {
 public:
  explicit Signatures(const VectorMatching& matching);
  std::size_t Of(const Labels& labels);
  std::size_t count() const { return labels_.size(); }
  const Labels& LabelsOf(std::size_t signature) const { return labels_[signature]; }

 private:
  bool on_;
  std::vector<std::string> names_;
  std::unordered_map<Labels, std::size_t> numbers_;
  std::vector<Labels> labels_;
};

/// and, or, unless (binary_sets.cpp).
Result<Vector> EvalSetOperator(Evaluator& eval, const BinaryExpr& binary, Vector left, Vector right);
/// Arithmetic and comparisons of matching rows (binary_match.cpp).
Result<Vector> EvalMatching(Evaluator& eval, const BinaryExpr& binary, const Vector& left, const Vector& right);

}  // namespace vedette::promql
