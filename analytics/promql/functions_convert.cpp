// Between scalars, vectors and nothing: vector, scalar, absent, absent_over_time.
#include <algorithm>
#include <set>
#include <string_view>

#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/functions_impl.h"

namespace vedette::promql::fn {

namespace {

/// The labels that an absent series would have had: those of its `=` matchers, unless the label is named twice.
Labels LabelsOfAbsent(const Expr& argument) {
  const Expr& expr = Unwrap(argument);
  const VectorSelector* selector = nullptr;
  if (expr.kind == ExprKind::kVectorSelector) selector = &As<VectorSelector>(expr);
  if (expr.kind == ExprKind::kMatrixSelector) selector = As<MatrixSelector>(expr).selector.get();
  if (!selector) return {};

  LabelsBuilder labels;
  std::set<std::string_view> seen;
  for (const Matcher& matcher : selector->matchers) {
    if (matcher.name() == kMetricName) continue;
    if (matcher.op() == MatchOp::kEqual && seen.insert(matcher.name()).second) {
      labels.Set(matcher.name(), matcher.value());
    } else {
      labels.Delete(matcher.name());
    }
  }
  return labels.Build();
}

/// One series of ones where `present` is not set; none when that is nowhere.
Result<Vector> WhereMissing(Evaluator& eval, const CallExpr& call, const std::vector<bool>& present) {
  Vector out = eval.NewVector(present.size());
  if (std::ranges::find(present, false) == present.end()) return out;
  VEDETTE_TRY(const std::span<double> row, out.AddRow({LabelsOfAbsent(*call.args.front()), true}));
  for (std::size_t step = 0; step < present.size(); ++step) {
    if (!present[step]) row[step] = 1;
  }
  return out;
}

}  // namespace

Result<Vector> VectorOf(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(const Scalar values, eval.EvalScalar(*call.args.front(), steps));
  Vector out = eval.NewVector(steps.count);
  VEDETTE_TRY(const std::span<double> row, out.AddRow({}));
  std::ranges::copy(values, row.begin());
  return out;
}

Result<Scalar> ScalarOf(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(const Vector vector, eval.EvalVector(*call.args.front(), steps));
  Scalar values(steps.count, kNaN);
  std::vector<std::size_t> found(steps.count);
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    const auto from = vector.values(row);
    for (std::size_t step = 0; step < steps.count; ++step) {
      if (!IsAbsent(from[step])) values[step] = ++found[step] == 1 ? from[step] : kNaN;
    }
  }
  return values;
}

Result<Vector> Absent(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(const Vector vector, eval.EvalVector(*call.args.front(), steps));
  std::vector<bool> present(steps.count);
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    for (std::size_t step = 0; step < steps.count; ++step) {
      if (vector.HasAt(row, step)) present[step] = true;
    }
  }
  return WhereMissing(eval, call, present);
}

Result<Vector> AbsentOverTime(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  const RangeShape shape = eval.ShapeOf(*call.args.front());
  VEDETTE_CHECK(CheckRangeModifiers(call, shape));
  std::vector<bool> present(steps.count);
  std::vector<Window> windows;
  VEDETTE_CHECK(eval.EachSeries(*call.args.front(), steps, [&](const RowName&, const SeriesSamples& samples) {
    for (const std::span<const std::int64_t> times : {std::span<const std::int64_t>(samples.floats.times),
                                                      std::span<const std::int64_t>(samples.histograms.times)}) {
      FindWindows(times, steps, shape, windows);
      for (std::size_t step = 0; step < steps.count; ++step) {
        if (windows[step].size() > 0) present[step] = true;
      }
    }
    return Ok();
  }));
  return WhereMissing(eval, call, present);
}

}  // namespace vedette::promql::fn
