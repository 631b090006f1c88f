// topk, bottomk, limitk, limit_ratio: which of a group's series have a value at a step.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "analytics/promql/aggregate.h"
#include "analytics/promql/eval_numerics.h"
#include "core/numbers.h"
#include "core/sampling_hash.h"

namespace vedette::promql {

namespace {

struct Extent {
  double least = kInfinity, most = -kInfinity;
  bool any_nan = false;
};

Extent ExtentOf(const Scalar& values) {
  Extent extent;
  for (const double value : values) {
    if (std::isnan(value)) extent.any_nan = true;
    if (value < extent.least) extent.least = value;
    if (value > extent.most) extent.most = value;
  }
  return extent;
}

/// Go's %v of a float.
std::string General(double value) {
  std::string text;
  AppendGeneral(text, value);
  return text;
}

/// At no step; what else is wrong with the parameter is not looked at then.
bool ChoosesNothing(AggregateOp op, const Scalar& params) {
  const Extent extent = ExtentOf(params);
  if (extent.any_nan) return false;
  return op == AggregateOp::kLimitRatio ? extent.least == 0 && extent.most == 0 : extent.most < 1;
}

/// Errors: kExecution for a k that is no number of series.
Status CheckCounts(const Scalar& counts) {
  constexpr double kMinInt64 = -9223372036854775808.0, kMaxInt64 = 9223372036854775807.0;
  const Extent extent = ExtentOf(counts);
  if (extent.any_nan) return Fail(Code::kExecution, "Parameter value is NaN");
  if (extent.least <= kMinInt64) {
    return Fail(Code::kExecution, "Scalar value {} underflows int64", General(extent.least));
  }
  if (extent.most >= kMaxInt64) return Fail(Code::kExecution, "Scalar value {} overflows int64", General(extent.most));
  return Ok();
}

Status CheckRatios(Annotator& notes, const Scalar& ratios, Position at) {
  const Extent extent = ExtentOf(ratios);
  if (extent.any_nan) return Fail(Code::kExecution, "Ratio value is NaN");
  if (extent.most > 1) notes.InvalidRatio(extent.most, 1, at);
  if (extent.least < -1) notes.InvalidRatio(extent.least, -1, at);
  return Ok();
}

/// A series is in when its hash, as a number in [0, 1], lies below the ratio; a negative ratio chooses the rest.
bool InSample(const Labels& labels, double ratio) {
  const double place = static_cast<double>(SamplingHash(labels)) / 18446744073709551615.0;
  return ratio >= 0 ? place < ratio : place >= 1 + ratio;
}

/// The chosen ones of a group at a step: a binary heap with the worst in front. Which of equal values are chosen, and
/// the order of those that are not sorted, follows from its steps, which are those of Go's container/heap.
class Choice {
 public:
  Choice(const Vector& vector, std::size_t step, bool smallest) : vector_(vector), step_(step), smallest_(smallest) {}

  std::vector<std::size_t>& rows() { return rows_; }

  void Push(std::size_t row) {
    rows_.push_back(row);
    for (std::size_t at = rows_.size() - 1; at > 0;) {
      const std::size_t parent = (at - 1) / 2;
      if (!Less(rows_[at], rows_[parent])) break;
      std::swap(rows_[at], rows_[parent]);
      at = parent;
    }
  }

  /// Takes the place of the worst when it is better.
  void Offer(std::size_t row) {
    const double worst = ValueOf(rows_.front()), value = ValueOf(row);
    const bool better = smallest_ ? worst > value : worst < value;
    if (!better && !(std::isnan(worst) && !std::isnan(value))) return;
    rows_.front() = row;
    for (std::size_t at = 0; 2 * at + 1 < rows_.size();) {
      std::size_t child = 2 * at + 1;
      if (child + 1 < rows_.size() && Less(rows_[child + 1], rows_[child])) ++child;
      if (!Less(rows_[child], rows_[at])) break;
      std::swap(rows_[child], rows_[at]);
      at = child;
    }
  }

  void SortBestFirst() {
    std::ranges::stable_sort(rows_, [&](std::size_t a, std::size_t b) {
      const double x = ValueOf(a), y = ValueOf(b);
      if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
      return smallest_ ? x < y : x > y;
    });
  }

 private:
  double ValueOf(std::size_t row) const {
    const double value = vector_.values(row)[step_];
    return IsAbsent(value) ? 0 : value;  // a histogram
  }
  bool Less(std::size_t a, std::size_t b) const {
    const double x = ValueOf(a), y = ValueOf(b);
    return std::isnan(x) || (smallest_ ? x > y : x < y);
  }

  const Vector& vector_;
  std::size_t step_;
  bool smallest_;
  std::vector<std::size_t> rows_;
};

/// Replaces `rows`, which all have a value at the step, by those of them that are chosen.
void Choose(AggregateOp op, const Vector& vector, std::size_t step, double param, std::vector<std::size_t>& rows) {
  Choice choice(vector, step, op == AggregateOp::kBottomk);
  if (op == AggregateOp::kLimitRatio) {
    const double ratio = std::clamp(param, -1.0, 1.0);
    for (const std::size_t row : rows) {
      if (ratio != 0 && InSample(vector.name(row).labels, ratio)) choice.Push(row);
    }
  } else {
    const auto count = static_cast<std::size_t>(std::clamp(param, 0.0, static_cast<double>(rows.size())));
    for (const std::size_t row : rows) {
      if (choice.rows().size() < count) {
        choice.Push(row);
      } else if (op == AggregateOp::kLimitk || count == 0) {
        break;
      } else {
        choice.Offer(row);
      }
    }
    if (op != AggregateOp::kLimitk) choice.SortBestFirst();
  }
  rows.swap(choice.rows());
}

/// topk and bottomk: histograms have no order. Nobody is told at steps that choose nothing.
void LeaveOutHistograms(Evaluator& eval, const AggregateExpr& aggregate, const Scalar& counts, Vector& vector) {
  bool ignored = false;
  for (std::size_t row = 0; row < vector.rows() && !ignored; ++row) {
    const auto histograms = vector.histograms(row);
    for (std::size_t step = 0; step < histograms.size(); ++step) ignored |= histograms[step] && counts[step] >= 1;
  }
  if (ignored) eval.context().notes.IgnoredInAggregation(AggregateName(aggregate.op), aggregate.pos);
  vector.DropHistograms();
}

}  // namespace

Result<Vector> ChooseSeries(Evaluator& eval, const AggregateExpr& aggregate, const Steps& steps, Vector vector,
                            const Scalar& param) {
  if (ChoosesNothing(aggregate.op, param)) return eval.NewVector(steps.count);
  if (aggregate.op == AggregateOp::kLimitRatio) {
    VEDETTE_CHECK(CheckRatios(eval.context().notes, param, aggregate.param->pos));
  } else {
    VEDETTE_CHECK(CheckCounts(param));
  }

  if (aggregate.op == AggregateOp::kTopk || aggregate.op == AggregateOp::kBottomk) {
    LeaveOutHistograms(eval, aggregate, param, vector);
  }
  const std::vector<Group> groups = GroupRows(aggregate, vector);
  std::vector<std::size_t> order;  // of the result: group by group, in an instant query best first
  std::vector<std::size_t> rows;
  std::vector<bool> chosen(vector.rows());
  for (const Group& group : groups) {
    VEDETTE_CHECK(eval.context().Check());
    for (std::size_t step = 0; step < steps.count; ++step) {
      rows.clear();
      for (const std::size_t row : group.rows) {
        if (vector.HasAt(row, step)) rows.push_back(row);
      }
      Choose(aggregate.op, vector, step, param[step], rows);
      for (const std::size_t row : rows) chosen[row] = true;
      for (const std::size_t row : group.rows) {
        if (!chosen[row]) vector.ClearAt(row, step);
      }
      for (const std::size_t row : rows) chosen[row] = false;
      if (steps.count == 1) order.insert(order.end(), rows.begin(), rows.end());
    }
  }
  if (steps.count == 1) {
    vector.Reorder(order);
  } else {
    vector.RemoveEmptyRows();
  }
  return vector;
}

}  // namespace vedette::promql
