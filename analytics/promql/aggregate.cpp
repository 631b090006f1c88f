// Grouping, and the operators that make one value of a group's values at a step.
//
// Groups are worked off one after the other, each row by row over all steps: accumulators for one group at a time, and
// values are added in the order of the series, which fixes the last digits.
#include "analytics/promql/aggregate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <unordered_map>

#include "analytics/promql/eval_labels.h"
#include "analytics/promql/eval_numerics.h"

namespace vedette::promql {

namespace {

struct Count {
  double count = 0;
  void Add(double) { ++count; }
  double Value() const { return count; }
};

struct One {
  void Add(double) {}
  double Value() const { return 1; }
};

/// NaN only when there is nothing else.
struct Smallest {
  double value = kNaN;
  void Add(double v) {
    if (v < value || std::isnan(value)) value = v;
  }
  double Value() const { return value; }
};

struct Largest {
  double value = kNaN;
  void Add(double v) {
    if (v > value || std::isnan(value)) value = v;
  }
  double Value() const { return value; }
};

struct StandardDeviation : PlainVariance {
  double Value() const { return std::sqrt(PlainVariance::Value()); }
};

/// One output row per group, from one `Accumulator` (Add, Value) per step.
template <class Accumulator>
Status Accumulate(Evaluator& eval, const Vector& vector, const std::vector<Group>& groups, Vector& out) {
  std::vector<Accumulator> accumulators(vector.steps());
  std::vector<bool> seen(vector.steps());
  for (const Group& group : groups) {
    VEDETTE_CHECK(eval.context().Check());
    std::ranges::fill(accumulators, Accumulator());
    std::fill(seen.begin(), seen.end(), false);
    for (const std::size_t row : group.rows) {
      const auto values = vector.values(row);
      for (std::size_t step = 0; step < values.size(); ++step) {
        if (IsAbsent(values[step])) continue;
        accumulators[step].Add(values[step]);
        seen[step] = true;
      }
    }
    VEDETTE_TRY(const std::span<double> row, out.AddRow(group.name));
    for (std::size_t step = 0; step < row.size(); ++step) {
      if (seen[step]) row[step] = accumulators[step].Value();
    }
  }
  return Ok();
}

Status Quantiles(Evaluator& eval, const Vector& vector, const std::vector<Group>& groups, const Scalar& quantiles,
                 Vector& out) {
  std::vector<double> values;
  for (const Group& group : groups) {
    VEDETTE_CHECK(eval.context().Check());
    VEDETTE_TRY(const std::span<double> row, out.AddRow(group.name));
    for (std::size_t step = 0; step < row.size(); ++step) {
      values.clear();
      for (const std::size_t from : group.rows) {
        const double value = vector.values(from)[step];
        if (!IsAbsent(value)) values.push_back(value);
      }
      if (values.empty()) continue;
      std::ranges::sort(values, LessNanFirst);
      row[step] = QuantileOfSorted(quantiles[step], values);
    }
  }
  return Ok();
}

void WarnAboutQuantiles(Annotator& notes, const Scalar& quantiles, Position at) {
  if (std::ranges::any_of(quantiles, [](double q) { return std::isnan(q); })) return notes.InvalidQuantile(kNaN, at);
  double least = kInfinity, most = -kInfinity;
  for (const double q : quantiles) {
    if (q < least) least = q;
    if (q > most) most = q;
  }
  if (most > 1) notes.InvalidQuantile(most, at);
  if (least < 0) notes.InvalidQuantile(least, at);
}

Status Reduce(Evaluator& eval, const AggregateExpr& aggregate, const Vector& vector, const std::vector<Group>& groups,
              const Scalar& param, Vector& out) {
  switch (aggregate.op) {
    case AggregateOp::kSum:
      return Accumulate<CompensatedSum>(eval, vector, groups, out);
    case AggregateOp::kAvg:
      return Accumulate<CompensatedMean>(eval, vector, groups, out);
    case AggregateOp::kMin:
      return Accumulate<Smallest>(eval, vector, groups, out);
    case AggregateOp::kMax:
      return Accumulate<Largest>(eval, vector, groups, out);
    case AggregateOp::kCount:
      return Accumulate<Count>(eval, vector, groups, out);
    case AggregateOp::kGroup:
      return Accumulate<One>(eval, vector, groups, out);
    case AggregateOp::kStddev:
      return Accumulate<StandardDeviation>(eval, vector, groups, out);
    case AggregateOp::kStdvar:
      return Accumulate<PlainVariance>(eval, vector, groups, out);
    case AggregateOp::kQuantile:
      WarnAboutQuantiles(eval.context().notes, param, aggregate.param->pos);
      return Quantiles(eval, vector, groups, param, out);
    default:
      return Fail(Code::kInternal, "{} makes no single value of a group", AggregateName(aggregate.op));
  }
}

bool Chooses(AggregateOp op) {
  return op == AggregateOp::kTopk || op == AggregateOp::kBottomk || op == AggregateOp::kLimitk ||
         op == AggregateOp::kLimitRatio;
}

}  // namespace

std::vector<Group> GroupRows(const AggregateExpr& aggregate, const Vector& vector) {
  const std::vector<std::string> names =
      aggregate.without ? SortedUnique(aggregate.grouping, kMetricName) : SortedUnique(aggregate.grouping);
  std::vector<Group> groups;
  std::unordered_map<Labels, std::size_t> index;
  // Rows that share a label set are in one group: no need to make another set of it.
  constexpr std::size_t kShared = 256;
  std::array<std::pair<const void*, std::size_t>, kShared> shared{};
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    const RowName& from = vector.name(row);
    const void* const identity = from.labels.identity();
    auto& known = shared[reinterpret_cast<std::uintptr_t>(identity) / 16 % kShared];
    if (known.first == identity && identity != nullptr) {
      groups[known.second].rows.push_back(row);
      groups[known.second].name.drop_name = groups[known.second].name.drop_name || from.drop_name;
      continue;
    }
    Labels labels = aggregate.without ? Without(from.labels, names)
                    : names.empty()   ? Labels()
                                      : Only(from.labels, names);
    const auto [entry, is_new] = index.try_emplace(labels, groups.size());
    if (is_new) groups.push_back({{std::move(labels), false}, {}});
    known = {identity, entry->second};
    Group& group = groups[entry->second];
    group.rows.push_back(row);
    group.name.drop_name = group.name.drop_name || from.drop_name;
  }
  return groups;
}

Result<Vector> EvalAggregate(Evaluator& eval, const AggregateExpr& aggregate, const Steps& steps) {
  Scalar param;
  if (aggregate.param && aggregate.param->type == ValueType::kScalar) {
    VEDETTE_TRY(param, eval.EvalScalar(*aggregate.param, steps));
  }
  VEDETTE_TRY(Vector vector, eval.EvalVector(*aggregate.expr, steps));
  if (aggregate.op == AggregateOp::kCountValues) return CountValues(eval, aggregate, steps, vector);
  if (Chooses(aggregate.op)) return ChooseSeries(eval, aggregate, steps, std::move(vector), param);
  Vector out = eval.NewVector(steps.count);
  const std::vector<Group> groups = GroupRows(aggregate, vector);
  VEDETTE_CHECK(Reduce(eval, aggregate, vector, groups, param, out));
  if (vector.has_histograms()) VEDETTE_CHECK(AggregateHistograms(eval, aggregate, vector, groups, out));
  return out;
}

}  // namespace vedette::promql
