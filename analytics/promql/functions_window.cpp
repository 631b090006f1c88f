// Calls of functions over a range vector: arguments, windows, names.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "analytics/promql/functions_impl.h"

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

void WarnAboutWindowQuantiles(Annotator& notes, const Scalar& quantiles, Position at) {
  for (const double quantile : quantiles) {
    if (!(quantile >= 0 && quantile <= 1)) notes.InvalidQuantile(quantile, at);
  }
}

}  // namespace

Status CheckRangeModifiers(const CallExpr& call, const RangeShape& shape) {
  const FunctionCode& code = AllFunctionCode()[static_cast<std::size_t>(call.function->id)];
  if (shape.anchored && !code.anchored) return RefuseModifier("anchored", &FunctionCode::anchored, call);
  if (shape.smoothed && !code.smoothed) return RefuseModifier("smoothed", &FunctionCode::smoothed, call);
  return Ok();
}

Result<Vector> CallWindowFunction(Evaluator& eval, const CallExpr& call, const FunctionCode& code, const Steps& steps) {
  EvalContext& context = eval.context();
  const auto range_vector =
      std::ranges::find(call.args, ValueType::kMatrix, [](const ExprPtr& arg) { return arg->type; });
  const RangeShape shape = eval.ShapeOf(**range_vector);
  VEDETTE_CHECK(CheckRangeModifiers(call, shape));
  VEDETTE_TRY(const std::vector<Scalar> scalars, ScalarArguments(eval, call, steps));

  Vector out = eval.NewVector(steps.count);
  std::vector<Window> windows;
  VEDETTE_CHECK(
      eval.EachSeries(**range_vector, steps, [&](const RowName& name, const storage::Columns& samples) -> Status {
        if (samples.size() == 0) return Ok();
        FindWindows(samples.times, steps, shape, windows);
        VEDETTE_TRY(const std::span<double> row, out.AddRow(name));
        VEDETTE_CHECK(code.window({samples.times, samples.values, windows, steps, shape, scalars, context}, row));
        if (!HasAnyValue(row)) {
          out.RemoveLastRow();
          return Ok();
        }
        const std::string_view metric = name.labels.MetricName();
        if (code.wants_counter && !metric.empty() && !LooksLikeCounter(metric)) {
          context.notes.PossibleNonCounter(metric, call.args.front()->pos);
        }
        return Ok();
      }));
  if (code.id == FunctionId::kQuantileOverTime && !out.empty()) {
    WarnAboutWindowQuantiles(context.notes, scalars.front(), call.args.front()->pos);
  }
  if (!code.keeps_names) {
    VEDETTE_CHECK(DropNames(context, out));
  } else if (!context.delayed_name_removal) {
    VEDETTE_CHECK(MergeRows(out));
  }
  return out;
}

}  // namespace vedette::promql
