// Calls of functions over a range vector: arguments, windows, names.
#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "analytics/promql/eval_labels.h"
#include "analytics/promql/eval_rows.h"
#include "analytics/promql/functions_impl.h"
#include "analytics/promql/window_rate.h"

namespace vedette::promql {

namespace {

/// "delta, increase, rate": the functions that take such ranges.
std::string Allowing(bool FunctionCode::*flag) {
  std::string names;
  for (const FunctionSpec& spec : AllFunctions()) {
    if (!(AllFunctionCode()[static_cast<std::size_t>(spec.id)].*flag)) continue;
    if (!names.empty()) names += ", ";
    names += spec.name;
  }
  return names;
}

Error RefuseModifier(std::string_view modifier, bool FunctionCode::*flag, const CallExpr& call) {
  return Fail(Code::kExecution, "{} modifier can only be used with: {} - not with {}", modifier, Allowing(flag),
              call.function->name);
}

bool LooksLikeCounter(std::string_view metric) {
  return metric.ends_with("_total") || metric.ends_with("_sum") || metric.ends_with("_count") ||
         metric.ends_with("_bucket");
}

/// Values of the scalar arguments, in their order.
Result<std::vector<Scalar>> ScalarArguments(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  std::vector<Scalar> scalars;
  for (const ExprPtr& arg : call.args) {
    if (arg->type != ValueType::kScalar) continue;
    VEDETTE_TRY(Scalar values, eval.EvalScalar(*arg, steps));
    scalars.push_back(std::move(values));
  }
  return scalars;
}

/// Of the steps at which there is something to take the quantile of.
void WarnAboutWindowQuantiles(Annotator& notes, const Vector& rows, const Scalar& quantiles, Position at) {
  for (std::size_t step = 0; step < rows.steps(); ++step) {
    if (quantiles[step] >= 0 && quantiles[step] <= 1) continue;
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      if (!rows.HasAt(row, step)) continue;
      notes.InvalidQuantile(quantiles[step], at);
      break;
    }
  }
}

/// A row for every series of the range vector, filled by `fill`.
Result<Vector> RowsOfRanges(Evaluator& eval, const Expr& range_vector, const Steps& steps, bool starts,
                            const RowFill& fill) {
  const Expr& expr = Unwrap(range_vector);
  if (expr.kind != ExprKind::kSubquery) {
    const auto& selector = As<MatrixSelector>(expr);
    const ReadOptions options{starts, eval.plan().CountsOnly(*selector.selector)};
    return RowsOfSeries(eval, steps,
                        {selector.selector->matchers, eval.RangeOf(selector, steps), options, false,
                         LabelsThatMatter(eval, *selector.selector)},
                        fill);
  }
  Vector out = eval.NewVector(steps.count);
  RowWork work{eval, out};
  VEDETTE_CHECK(eval.EachSeries(range_vector, steps, [&](const RowName& name, const SeriesSamples& samples) {
    return AddFilledRow(work, name, samples, fill);
  }));
  return out;
}

/// Whether rows are told apart without the names that go. Series of one metric are, but for those of several kinds or
/// units; and an aggregation that needs some labels alone does not ask for more.
bool StayApart(Evaluator& eval, const Expr& range_vector, const Vector& rows) {
  const Expr& expr = Unwrap(range_vector);
  if (expr.kind != ExprKind::kMatrixSelector) return false;
  if (LabelsThatMatter(eval, *As<MatrixSelector>(expr).selector) == nullptr) return false;
  const void* last = nullptr;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const Labels& labels = rows.name(row).labels;
    if (std::exchange(last, labels.identity()) == labels.identity()) continue;
    if (HasTypeOrUnit(labels)) return false;
  }
  return true;
}

/// Of rows that mostly share their labels. Notes of what is done with them name no metric.
void DropSharedNames(Vector& rows) {
  Labels before, after;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    RowName& name = rows.name(row);
    if (name.labels.identity() != before.identity()) {
      before = name.labels;
      after = WithoutMetadata(before);
    }
    name = {after, true};
  }
}

/// The rows by the names that the function leaves them. Unlike elsewhere, rows that become equal are an error even
/// where they never meet at a step.
Status NameRows(EvalContext& context, Vector& rows, bool keeps_names) {
  if (context.delayed_name_removal) return keeps_names ? Ok() : DropNames(context, rows);
  std::unordered_set<Labels> seen;
  seen.reserve(rows.rows());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    RowName& name = rows.name(row);
    if (!keeps_names) name = {WithoutMetadata(name.labels), true};
    if (seen.insert(name.labels).second) continue;
    return Fail(Code::kExecution, "vector cannot contain metrics with the same labelset");
  }
  return Ok();
}

}  // namespace

Status CheckRangeModifiers(const CallExpr& call, const RangeShape& shape) {
  const FunctionCode& code = AllFunctionCode()[static_cast<std::size_t>(call.function->id)];
  if (shape.anchored && !code.anchored) return RefuseModifier("anchored", &FunctionCode::anchored, call);
  if (shape.smoothed && !code.smoothed) return RefuseModifier("smoothed", &FunctionCode::smoothed, call);
  return Ok();
}

Position AnnotatedPosition(const CallExpr& call) {
  const Expr& first = *call.args.front();
  return Unwrap(first).kind == ExprKind::kSubquery ? Position{} : first.pos;
}

void NoteOverlaps(Annotator& notes, std::string_view metric, Position at, std::span<const std::int64_t> times,
                  std::span<const std::int64_t> starts, std::span<const Window> windows) {
  std::vector<std::size_t> until(times.size() + 1);  // how many before sample i
  for (std::size_t i = 0; i < times.size(); ++i) {
    const bool overlaps = i > 0 && StartsOverlap({times[i - 1], starts[i - 1]}, {times[i], starts[i]});
    until[i + 1] = until[i] + (overlaps ? 1 : 0);
  }
  const auto ranges = std::ranges::count_if(
      windows, [&](const Window& window) { return window.size() > 1 && until[window.end] > until[window.begin + 1]; });
  if (ranges > 0) notes.OverlappingStarts(metric, static_cast<std::size_t>(ranges), at);
}

Result<Vector> CallWindowFunction(Evaluator& eval, const CallExpr& call, const FunctionCode& code, const Steps& steps) {
  EvalContext& context = eval.context();
  const auto range_vector =
      std::ranges::find(call.args, ValueType::kMatrix, [](const ExprPtr& arg) { return arg->type; });
  const RangeShape shape = eval.ShapeOf(**range_vector);
  VEDETTE_CHECK(CheckRangeModifiers(call, shape));
  VEDETTE_TRY(const std::vector<Scalar> scalars, ScalarArguments(eval, call, steps));

  const RowFill fill = [&](RowWork& work, const RowName& name, const SeriesSamples& samples) -> Status {
    Vector& rows = work.out;
    Annotator& notes = work.eval.context().notes;
    const std::string_view metric = name.labels.MetricName();
    const std::span<double> row = rows.values(rows.rows() - 1);
    if (samples.histograms.size() > 0) {
      VEDETTE_CHECK(RunMixedWindows(work.eval, call, code, steps, shape, scalars, name, samples, rows));
    } else {
      const storage::Columns& floats = samples.floats;
      const std::span<const Window> windows = work.windows.Find(floats.times, steps, shape);
      std::vector<std::int64_t> starts;
      if (!samples.starts.empty()) starts = StartsAt(samples.starts, floats.times);
      VEDETTE_CHECK(code.window(
          {floats.times, floats.values, windows, steps, shape, scalars, work.eval.context(), starts, &work.windows},
          row));
      if (code.wants_counter && !starts.empty() && !shape.anchored && !shape.smoothed) {
        NoteOverlaps(notes, metric, AnnotatedPosition(call), floats.times, starts, windows);
      }
    }
    if (code.wants_counter && !metric.empty() && !LooksLikeCounter(metric) && HasAnyValue(row)) {
      notes.PossibleNonCounter(metric, AnnotatedPosition(call));
    }
    return Ok();
  };
  VEDETTE_TRY(Vector out, RowsOfRanges(eval, **range_vector, steps, code.wants_starts, fill));
  if (code.id == FunctionId::kQuantileOverTime) {
    WarnAboutWindowQuantiles(context.notes, out, scalars.front(), call.args.front()->pos);
  }
  if (StayApart(eval, **range_vector, out)) {
    if (!code.keeps_names) DropSharedNames(out);
    return out;
  }
  VEDETTE_CHECK(NameRows(context, out, code.keeps_names));
  return out;
}

}  // namespace vedette::promql
