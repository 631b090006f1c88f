// and, or, unless: which rows have a value at a step where the other side has a row of the same signature.
#include <unordered_map>
#include <vector>

#include "analytics/promql/binary.h"

namespace vedette::promql {

namespace {

/// Per signature: at which steps some row of a side has a value. Made for those signatures that the other side asks
/// for.
class Presence {
 public:
  Presence(const Vector& side, const std::vector<std::size_t>& signatures, std::size_t count)
      : steps_(side.steps()), of_(count) {
    for (std::size_t row = 0; row < side.rows(); ++row) {
      std::vector<bool>& present = of_[signatures[row]];
      present.resize(steps_);
      for (std::size_t step = 0; step < steps_; ++step) {
        if (side.HasAt(row, step)) present[step] = true;
      }
    }
  }
  bool At(std::size_t signature, std::size_t step) const { return !of_[signature].empty() && of_[signature][step]; }

 private:
  std::size_t steps_;
  std::vector<std::vector<bool>> of_;
};

std::vector<std::size_t> SignaturesOf(const Vector& side, Signatures& signatures) {
  std::vector<std::size_t> numbers(side.rows());
  for (std::size_t row = 0; row < side.rows(); ++row) numbers[row] = signatures.Of(side.name(row).labels);
  return numbers;
}

/// Takes away the values at steps where the other side's presence is not `wanted`.
void Keep(Vector& side, const std::vector<std::size_t>& signatures, const Presence& other, bool wanted) {
  for (std::size_t row = 0; row < side.rows(); ++row) {
    for (std::size_t step = 0; step < side.steps(); ++step) {
      if (other.At(signatures[row], step) != wanted) side.ClearAt(row, step);
    }
  }
  side.RemoveEmptyRows();
}

/// Rows of `from` after those of `to`; rows with equal labels, which have no step in common, become one.
Status Append(Vector& to, const Vector& from) {
  std::unordered_map<Labels, std::size_t> known;
  for (std::size_t row = 0; row < to.rows(); ++row) known.emplace(to.name(row).labels, row);
  for (std::size_t row = 0; row < from.rows(); ++row) {
    const auto [entry, is_new] = known.try_emplace(from.name(row).labels, to.rows());
    if (is_new) {
      VEDETTE_CHECK(to.AddRow(from.name(row)));
    }
    for (std::size_t step = 0; step < from.steps(); ++step) {
      if (from.HasAt(row, step)) VEDETTE_CHECK(to.CopyAt(entry->second, step, from, row, step));
    }
  }
  return Ok();
}

}  // namespace

Result<Vector> EvalSetOperator(Evaluator& eval, const BinaryExpr& binary, Vector left, Vector right) {
  VEDETTE_CHECK(eval.context().Check());
  Signatures signatures(*binary.matching);
  const std::vector<std::size_t> of_left = SignaturesOf(left, signatures);
  const std::vector<std::size_t> of_right = SignaturesOf(right, signatures);
  if (binary.op == BinaryOp::kOr) {
    Keep(right, of_right, Presence(left, of_left, signatures.count()), false);
    VEDETTE_CHECK(Append(left, right));
  } else {
    Keep(left, of_left, Presence(right, of_right, signatures.count()), binary.op == BinaryOp::kAnd);
  }
  return left;
}

}  // namespace vedette::promql
