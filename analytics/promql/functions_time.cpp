// The calendar, and the times of the query and of samples.
#include <cstdint>

#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/functions_impl.h"
#include "core/time.h"

namespace vedette::promql::fn {

namespace {

/// Any number of seconds, by way of the same date in the first 400 years. Those that are no 64-bit integer (NaN among
/// them) name the date that Prometheus shows for them on x86, where the conversion gives the smallest integer and the
/// calendar takes that for 2^63.
CivilTime DateOf(double seconds) {
  constexpr std::int64_t kYears = 400, kSeconds = 146097LL * 86400;
  constexpr double kTooFar = 9223372036854775808.0;
  std::int64_t times = 0, rest = 0;
  if (seconds > -kTooFar && seconds < kTooFar) {
    const auto whole = static_cast<std::int64_t>(seconds);
    times = whole / kSeconds - (whole % kSeconds < 0 ? 1 : 0);
    rest = whole - times * kSeconds;
  } else {
    constexpr std::uint64_t kLast = 1ULL << 63;
    times = static_cast<std::int64_t>(kLast / kSeconds);
    rest = static_cast<std::int64_t>(kLast % kSeconds);
  }
  CivilTime date = ToCivil(TimeMs::FromSeconds(rest));
  date.year += times * kYears;
  return date;
}

/// `part` of the UTC calendar for values in Unix seconds; the time of evaluation when there is no argument.
template <class Part>
Result<Vector> Calendar(Evaluator& eval, const CallExpr& call, const Steps& steps, const Part& part) {
  const auto of_seconds = [&](double seconds) { return static_cast<double>(part(DateOf(seconds))); };
  if (call.args.empty()) {
    Vector now = eval.NewVector(steps.count);
    VEDETTE_TRY(const std::span<double> row, now.AddRow({}));
    for (std::size_t step = 0; step < steps.count; ++step) row[step] = of_seconds(TimeMs(steps.At(step)).Seconds());
    return now;
  }
  VEDETTE_TRY(Vector vector, eval.EvalVector(*call.args.front(), steps));
  vector.DropHistograms();
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    for (double& value : vector.values(row)) {
      if (!IsAbsent(value)) value = of_seconds(value);
    }
  }
  VEDETTE_CHECK(DropNames(eval.context(), vector));
  return vector;
}

double SecondsOf(Millis span) { return static_cast<double>(span.count()) / 1000.0; }

}  // namespace

Result<Vector> DaysInMonth(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return Calendar(eval, call, steps, [](const CivilTime& t) { return vedette::DaysInMonth(t.year, t.month); });
}
Result<Vector> DayOfMonth(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return Calendar(eval, call, steps, [](const CivilTime& t) { return t.day; });
}
Result<Vector> DayOfWeek(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return Calendar(eval, call, steps, [](const CivilTime& t) { return t.weekday; });
}
Result<Vector> DayOfYear(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return Calendar(eval, call, steps, [](const CivilTime& t) { return t.year_day; });
}
Result<Vector> Hour(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return Calendar(eval, call, steps, [](const CivilTime& t) { return t.hour; });
}
Result<Vector> Minute(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return Calendar(eval, call, steps, [](const CivilTime& t) { return t.minute; });
}
Result<Vector> Month(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return Calendar(eval, call, steps, [](const CivilTime& t) { return t.month; });
}
Result<Vector> Year(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return Calendar(eval, call, steps, [](const CivilTime& t) { return t.year; });
}

Result<Vector> Timestamp(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  const Expr& argument = Unwrap(*call.args.front());
  const bool selector = argument.kind == ExprKind::kVectorSelector;
  VEDETTE_TRY(Vector vector,
              selector ? eval.SampleTimes(As<VectorSelector>(argument), steps) : eval.EvalVector(argument, steps));
  for (std::size_t row = 0; !selector && row < vector.rows(); ++row) {
    const auto values = vector.values(row);
    for (std::size_t step = 0; step < values.size(); ++step) {
      if (vector.HasAt(row, step)) values[step] = TimeMs(steps.At(step)).Seconds();
    }
  }
  vector.DropHistograms();
  VEDETTE_CHECK(DropNames(eval.context(), vector));
  return vector;
}

Result<Vector> StartTimestamp(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  const Expr& argument = Unwrap(*call.args.front());
  // What is computed has no beginning, and without the feature nobody knows one.
  if (argument.kind != ExprKind::kVectorSelector || !eval.context().use_start_timestamps) {
    VEDETTE_CHECK(eval.EvalVector(argument, steps));
    return eval.NewVector(steps.count);
  }
  VEDETTE_TRY(Vector vector, eval.SampleTimes(As<VectorSelector>(argument), steps, Evaluator::TimeOf::kStart));
  VEDETTE_CHECK(DropNames(eval.context(), vector));
  return vector;
}

Result<Scalar> Time(Evaluator&, const CallExpr&, const Steps& steps) {
  Scalar seconds(steps.count);
  for (std::size_t step = 0; step < steps.count; ++step) seconds[step] = TimeMs(steps.At(step)).Seconds();
  return seconds;
}

Result<Scalar> Start(Evaluator& eval, const CallExpr&, const Steps& steps) {
  return Scalar(steps.count, eval.context().times.start.Seconds());
}
Result<Scalar> End(Evaluator& eval, const CallExpr&, const Steps& steps) {
  return Scalar(steps.count, eval.context().times.end.Seconds());
}
Result<Scalar> Range(Evaluator& eval, const CallExpr&, const Steps& steps) {
  const QueryTimes& times = eval.context().times;
  return Scalar(steps.count, SecondsOf(times.end - times.start));
}
Result<Scalar> Step(Evaluator& eval, const CallExpr&, const Steps& steps) {
  const QueryTimes& times = eval.context().times;
  return Scalar(steps.count, times.start == times.end ? 0 : SecondsOf(times.step));
}

}  // namespace vedette::promql::fn
