// Mathematical functions that are not one line of the standard library.
#include <cmath>
#include <numbers>
#include <utility>

#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/functions_impl.h"

namespace vedette::promql::fn {

namespace {

/// `change(value, step)` for every value of the first argument; the names go. The arguments were evaluated in their
/// order: of two notes with the same words the later one stays.
template <class Change>
Result<Vector> Transform(Evaluator& eval, Vector vector, const Change& change) {
  vector.DropHistograms();
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    const auto values = vector.values(row);
    for (std::size_t step = 0; step < values.size(); ++step) {
      if (!IsAbsent(values[step])) values[step] = change(values[step], step);
    }
  }
  VEDETTE_CHECK(DropNames(eval.context(), vector));
  return vector;
}

// The larger and the smaller as Go has them: NaN wins, and the zeros are told apart.
double Larger(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isinf(a) && a > 0 ? a : std::isinf(b) && b > 0 ? b : kNaN;
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
double Smaller(double a, double b) { return -Larger(-a, -b); }

Result<Vector> ClampTo(Evaluator& eval, Vector argument, const Scalar& low, const Scalar& high) {
  VEDETTE_TRY(Vector vector, Transform(eval, std::move(argument), [&](double value, std::size_t step) {
                // Without a value between the bounds there is no result.
                return high[step] < low[step] ? promql::Absent() : Larger(low[step], Smaller(high[step], value));
              }));
  vector.RemoveEmptyRows();
  return vector;
}

template <class Combine>
Result<Scalar> OfTwo(Evaluator& eval, const CallExpr& call, const Steps& steps, const Combine& combine) {
  VEDETTE_TRY(Scalar left, eval.EvalScalar(*call.args[0], steps));
  VEDETTE_TRY(const Scalar right, eval.EvalScalar(*call.args[1], steps));
  for (std::size_t step = 0; step < left.size(); ++step) left[step] = combine(left[step], right[step]);
  return left;
}

}  // namespace

double Sgn(double value) {
  if (value < 0) return -1;
  if (value > 0) return 1;
  return value;
}

double Deg(double value) { return value * 180 / std::numbers::pi; }
double Rad(double value) { return value * std::numbers::pi / 180; }

Result<Vector> Round(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(Vector vector, eval.EvalVector(*call.args.front(), steps));
  Scalar nearest(steps.count, 1);
  if (call.args.size() > 1) {
    VEDETTE_TRY(nearest, eval.EvalScalar(*call.args[1], steps));
  }
  return Transform(eval, std::move(vector), [&](double value, std::size_t step) {
    const double inverse = 1 / nearest[step];  // rounds decimals better than a division by the nearest would
    return std::floor(value * inverse + 0.5) / inverse;
  });
}

Result<Vector> Clamp(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(Vector vector, eval.EvalVector(*call.args.front(), steps));
  VEDETTE_TRY(const Scalar low, eval.EvalScalar(*call.args[1], steps));
  VEDETTE_TRY(const Scalar high, eval.EvalScalar(*call.args[2], steps));
  return ClampTo(eval, std::move(vector), low, high);
}

Result<Vector> ClampMin(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(Vector vector, eval.EvalVector(*call.args.front(), steps));
  VEDETTE_TRY(const Scalar low, eval.EvalScalar(*call.args[1], steps));
  return ClampTo(eval, std::move(vector), low, Scalar(steps.count, kInfinity));
}

Result<Vector> ClampMax(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(Vector vector, eval.EvalVector(*call.args.front(), steps));
  VEDETTE_TRY(const Scalar high, eval.EvalScalar(*call.args[1], steps));
  return ClampTo(eval, std::move(vector), Scalar(steps.count, -kInfinity), high);
}

Result<Scalar> Pi(Evaluator&, const CallExpr&, const Steps& steps) { return Scalar(steps.count, std::numbers::pi); }

Result<Scalar> MinOf(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return OfTwo(eval, call, steps, Smaller);
}

Result<Scalar> MaxOf(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return OfTwo(eval, call, steps, Larger);
}

}  // namespace vedette::promql::fn
