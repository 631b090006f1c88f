// Plan, evaluate, and turn columns into points.
#include "analytics/promql/engine_run.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <optional>

#include "analytics/promql/eval.h"
#include "analytics/promql/eval_labels.h"

namespace vedette::promql {

namespace {

/// Points of the row at the steps where it has a value.
std::vector<Point> PointsOf(std::span<const double> row, const Steps& steps) {
  std::vector<Point> points;
  points.reserve(static_cast<std::size_t>(std::ranges::count_if(row, [](double v) { return !IsAbsent(v); })));
  for (std::size_t step = 0; step < row.size(); ++step) {
    if (!IsAbsent(row[step])) points.push_back({steps.At(step), row[step]});
  }
  return points;
}

std::vector<HistogramPoint> HistogramsOf(std::span<const HistogramPtr> row, const Steps& steps) {
  std::vector<HistogramPoint> points;
  for (std::size_t step = 0; step < row.size(); ++step) {
    if (row[step]) points.push_back({steps.At(step), row[step]});
  }
  return points;
}

void SortByLabels(std::vector<ResultSeries>& series) { std::ranges::sort(series, {}, &ResultSeries::labels); }

Result<QueryValue> VectorValue(Evaluator& eval, const Expr& expr, const Steps& steps, bool instant) {
  VEDETTE_TRY(Vector vector, eval.EvalVector(expr, steps));
  VEDETTE_CHECK(DropMarkedNames(vector));
  QueryValue value{instant ? ValueType::kVector : ValueType::kMatrix, {}, {}};
  value.series.reserve(vector.rows());
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    std::vector<Point> points = PointsOf(vector.values(row), steps);
    std::vector<HistogramPoint> histograms = HistogramsOf(vector.histograms(row), steps);
    if (points.empty() && histograms.empty()) continue;
    value.series.push_back({vector.name(row).labels, std::move(points), std::move(histograms)});
  }
  if (!instant) SortByLabels(value.series);
  return value;
}

Result<QueryValue> ScalarValue(Evaluator& eval, const Expr& expr, const Steps& steps, bool instant) {
  VEDETTE_TRY(const Scalar scalar, eval.EvalScalar(expr, steps));
  QueryValue value{instant ? ValueType::kScalar : ValueType::kMatrix, {}, {}};
  value.series.push_back({Labels(), PointsOf(scalar, steps)});
  return value;
}

/// The samples of a range vector as they are; those at the ends of an extended range are made.
Result<QueryValue> SamplesValue(Evaluator& eval, const Expr& expr, const Steps& steps) {
  const RangeShape shape = eval.ShapeOf(expr);
  QueryValue value{ValueType::kMatrix, {}, {}};
  SampleLease held(eval.context().budget);
  std::vector<Window> windows;
  storage::Columns extended;
  const auto collect = [&](const RowName& name, const SeriesSamples& samples) -> Status {
    ResultSeries series{name.drop_name ? WithoutMetadata(name.labels) : name.labels, {}};
    FindWindows(samples.floats.times, steps, shape, windows);
    if (windows.front().size() > 0) {
      extended.clear();
      fn::ExtendedSamples({samples.floats.times, samples.floats.values, windows, steps, shape, {}, eval.context()},
                          extended);
      VEDETTE_CHECK(held.Add(extended.size()));
      for (std::size_t i = 0; i < extended.size(); ++i)
        series.points.push_back({extended.times[i], extended.values[i]});
    }
    FindWindows(samples.histograms.times, steps, shape, windows);
    const Window window = windows.front();
    if (window.size() > 0 && (shape.anchored || shape.smoothed)) {
      return Fail(Code::kExecution, "{} modifier is not supported with histograms",
                  shape.anchored ? "anchored" : "smoothed");
    }
    for (std::size_t i = window.begin; i < window.end; ++i) {
      const Histogram& histogram = samples.histograms.histograms[i];
      VEDETTE_CHECK(held.Add(SampleWeight(histogram)));
      series.histograms.push_back({samples.histograms.times[i], std::make_shared<const Histogram>(histogram)});
    }
    if (!series.points.empty() || !series.histograms.empty()) value.series.push_back(std::move(series));
    return Ok();
  };
  VEDETTE_CHECK(eval.EachSeries(expr, steps, collect));
  SortByLabels(value.series);
  return value;
}

Result<QueryValue> ValueOf(Evaluator& eval, const Steps& steps, bool instant) {
  const Expr& root = eval.plan().root();
  switch (root.type) {
    case ValueType::kVector:
      return VectorValue(eval, root, steps, instant);
    case ValueType::kScalar:
      return ScalarValue(eval, root, steps, instant);
    case ValueType::kString:
      return QueryValue{ValueType::kString, {}, Evaluator::StringOf(root)};
    case ValueType::kMatrix:
      return SamplesValue(eval, root, steps);
    case ValueType::kNone:
      break;
  }
  return Fail(Code::kInternal, "the expression has no type");
}

Result<Steps> StepsOf(const QueryRun& run) {
  if (run.instant) return Steps{run.times.start.ms, 1, 1};
  Steps steps{run.times.start.ms, run.times.step.count(), 0};
  if (run.times.start <= run.times.end) {
    const std::int64_t span = MinusSaturated(run.times.end.ms, run.times.start.ms);
    steps.count = static_cast<std::size_t>(span / steps.step) + 1;
  }
  if (steps.count > run.options.max_samples) {
    return Fail(Code::kLimit, "query processing would load too many samples into memory in query execution");
  }
  return steps;
}

/// Others may see what the query holds while it lives.
class Watched {
 public:
  Watched(QueryRegistry::Ticket& ticket, const SampleBudget& budget) : ticket_(ticket) { ticket_.Watch(&budget); }
  ~Watched() { ticket_.Watch(nullptr); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

 private:
  QueryRegistry::Ticket& ticket_;
};

Result<QueryOutcome> Evaluate(const Expr& expr, const QueryRun& run) {
  const std::chrono::nanoseconds begun = run.clock.Monotonic();
  VEDETTE_TRY(const Steps steps, StepsOf(run));
  VEDETTE_TRY(const Plan plan, Plan::Make(expr, run.times));
  EvalContext context(run.storage, run.text, run.options.max_samples, run.deadline, run.ticket.stop());
  const Watched watched(run.ticket, context.budget);
  std::optional<QueryProfile> profile;
  if (run.explain) context.profile = &profile.emplace(run.clock);
  context.workers = &run.workers;
  context.times = run.times;
  context.delayed_name_removal = run.options.delayed_name_removal;
  context.use_start_timestamps = run.options.use_start_timestamps;
  context.only = run.only;
  context.watch_range = run.bound_to_range != nullptr;
  for (const TimeRange& range : plan.data_ranges()) context.QuerierFor(range);
  const std::chrono::nanoseconds prepared = run.clock.Monotonic();

  run.ticket.Enters(QueryPhase::kEvaluating);
  Evaluator eval(plan, context);
  QueryOutcome outcome;
  VEDETTE_TRY(outcome.value, ValueOf(eval, steps, run.instant));
  outcome.notes = context.notes.Take();
  std::ranges::move(context.StorageWarnings(), std::back_inserter(outcome.notes.warnings));
  outcome.stats.samples_read = context.samples_read;
  outcome.stats.series = outcome.value.series.size();
  outcome.stats.peak_samples = context.budget.peak();
  outcome.stats.prepare_time = prepared - begun;
  outcome.stats.eval_time = run.clock.Monotonic() - prepared;
  if (run.bound_to_range != nullptr) *run.bound_to_range = context.bound_to_range;
  if (profile) outcome.plan = std::make_shared<const ExplainNode>(profile->Explain(plan));
  return outcome;
}

}  // namespace

Result<QueryOutcome> Run(const Expr& expr, const QueryRun& run) {
  try {
    return Evaluate(expr, run);
  } catch (const std::exception& error) {
    return Fail(Code::kInternal, "query evaluation failed: {}", error.what());
  }
}

}  // namespace vedette::promql
