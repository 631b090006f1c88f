// Range vectors: the windows of a selector or a subquery, and the series of a subquery.
#include "analytics/promql/eval.h"

namespace vedette::promql {

namespace {

/// The steps of a subquery may leave out samples or repeat them, so that what they say of resets holds no longer.
void CopyHistograms(const Vector& vector, std::size_t row, const Steps& steps, storage::HistogramColumns& out) {
  const auto histograms = vector.histograms(row);
  for (std::size_t step = 0; step < histograms.size(); ++step) {
    if (!histograms[step]) continue;
    out.times.push_back(steps.At(step));
    out.histograms.push_back(*histograms[step]);
    CounterReset& reset = out.histograms.back().reset;
    if (reset != CounterReset::kGauge) reset = CounterReset::kUnknown;
  }
}

}  // namespace

RangeShape Evaluator::ShapeOf(const Expr& range_vector) const {
  const Expr& expr = Unwrap(range_vector);
  RangeShape shape;
  const TimeModifiers* time = nullptr;
  if (expr.kind == ExprKind::kSubquery) {
    const auto& subquery = As<SubqueryExpr>(expr);
    shape.range_ms = subquery.range.count();
    time = &subquery.time;
  } else {
    const auto& matrix = As<MatrixSelector>(expr);
    const std::int64_t lookback = context_.times.lookback.count();
    shape.range_ms = matrix.range.count();
    shape.anchored = matrix.selector->anchored;
    shape.smoothed = matrix.selector->smoothed;
    shape.before_ms = shape.anchored || shape.smoothed ? lookback : 0;
    shape.after_ms = shape.smoothed ? lookback : 0;
    time = &matrix.selector->time;
  }
  shape.offset_ms = time->offset.count();
  if (time->at) shape.at_ms = time->at->ms;
  return shape;
}

Status Evaluator::EachSeries(const Expr& range_vector, const Steps& steps, const SeriesSink& sink, bool starts) {
  const Expr& expr = Unwrap(range_vector);
  if (expr.kind == ExprKind::kSubquery) return EachOfSubquery(As<SubqueryExpr>(expr), steps, sink);
  return EachSelected(As<MatrixSelector>(expr), steps, sink, starts);
}

Status Evaluator::EachOfSubquery(const SubqueryExpr& subquery, const Steps& steps, const SeriesSink& sink) {
  const SubqueryTimes times = TimesOf(subquery, steps.start, steps.Last(), context_.times.default_subquery_step);
  if (times.last < times.first) return Ok();
  Steps inner{times.first, times.step, 1};
  inner.count = static_cast<std::size_t>(MinusSaturated(times.last, times.first) / times.step) + 1;
  // Even without a series every step costs room: for the values of scalars, and later for the results.
  SampleLease held(context_.budget);
  VEDETTE_CHECK(held.Add(inner.count));

  VEDETTE_TRY(const Vector vector, EvalVector(*subquery.expr, inner));
  SeriesSamples samples;
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    samples.clear();
    const auto values = vector.values(row);
    for (std::size_t step = 0; step < values.size(); ++step) {
      if (IsAbsent(values[step])) continue;
      samples.floats.times.push_back(inner.At(step));
      samples.floats.values.push_back(values[step]);
    }
    CopyHistograms(vector, row, inner, samples.histograms);
    VEDETTE_CHECK(sink(vector.name(row), samples));
  }
  return Ok();
}

}  // namespace vedette::promql
