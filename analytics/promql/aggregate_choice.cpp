// topk, bottomk, limitk, limit_ratio: which of a group's series have a value at a step.
#include <algorithm>
#include <cmath>

#include "analytics/promql/aggregate.h"
#include "analytics/promql/eval_numerics.h"
#include "core/numbers.h"

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
  const double place = static_cast<double>(labels.Hash()) / 18446744073709551615.0;
  return ratio >= 0 ? place < ratio : place >= 1 + ratio;
}

/// Chooses among `rows`, which all have a value at the step, by putting the chosen ones first and cutting the rest off.
void Choose(AggregateOp op, const Vector& vector, std::size_t step, double param, std::vector<std::size_t>& rows) {
  if (op == AggregateOp::kLimitRatio) {
    const double ratio = std::clamp(param, -1.0, 1.0);
    std::erase_if(rows, [&](std::size_t row) { return ratio == 0 || !InSample(vector.name(row).labels, ratio); });
    return;
  }
  const auto count = static_cast<std::size_t>(std::clamp(param, 0.0, static_cast<double>(rows.size())));
  if (op != AggregateOp::kLimitk) {
    const bool largest = op == AggregateOp::kTopk;
    const auto better = [&](std::size_t a, std::size_t b) {
      const double x = vector.values(a)[step], y = vector.values(b)[step];
      if (std::isnan(x) != std::isnan(y)) return std::isnan(y);
      if (x != y && !std::isnan(x)) return largest ? x > y : x < y;
      return a < b;
    };
    std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count), rows.end(), better);
  }
  rows.resize(count);
}

}  // namespace

Result<Vector> ChooseSeries(Evaluator& eval, const AggregateExpr& aggregate, const Steps& steps, Vector vector,
                            const Scalar& param) {
  if (aggregate.op == AggregateOp::kLimitRatio) {
    VEDETTE_CHECK(CheckRatios(eval.context().notes, param, aggregate.param->pos));
  } else {
    VEDETTE_CHECK(CheckCounts(param));
  }

  if (aggregate.op == AggregateOp::kTopk || aggregate.op == AggregateOp::kBottomk) {
    if (AnyHistogram(vector)) eval.context().notes.IgnoredInAggregation(AggregateName(aggregate.op), aggregate.pos);
    vector.DropHistograms();  // they have no order
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
