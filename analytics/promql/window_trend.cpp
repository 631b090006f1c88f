// Least-squares lines and exponential smoothing over a range.
#include <cmath>

#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/window.h"

namespace vedette::promql::fn {

namespace {

struct Line {
  double slope = 0, intercept = 0;
};

/// Least-squares line through the samples; x in seconds after `origin_ms`. A series that never changes is flat,
/// whatever rounding would say; NaN when that value is infinite.
Line Regression(const WindowInput& input, const Window& window, std::int64_t origin_ms) {
  const double first = input.values[window.begin];
  bool constant = true;
  CompensatedSum x_sum, y_sum, xy_sum, xx_sum;
  for (std::size_t i = window.begin; i < window.end; ++i) {
    const double y = input.values[i];
    constant = constant && (i == window.begin || y == first);
    const double x = static_cast<double>(input.times[i] - origin_ms) / 1000.0;
    x_sum.Add(x);
    y_sum.Add(y);
    xy_sum.Add(x * y);
    xx_sum.Add(x * x);
  }
  if (constant) {
    if (std::isinf(first)) return {kNaN, kNaN};
    return {0, first};
  }
  const double n = static_cast<double>(window.size());
  const double x = x_sum.sum + x_sum.lost, y = y_sum.sum + y_sum.lost;
  const double covariance = (xy_sum.sum + xy_sum.lost) - x * y / n;
  const double variance = (xx_sum.sum + xx_sum.lost) - x * x / n;
  const double slope = covariance / variance;
  return {slope, y / n - slope * x / n};
}

/// Level after the last sample. `level_factor`, `trend_factor` in (0, 1).
double Smooth(std::span<const double> values, double level_factor, double trend_factor) {
  double before = 0, level = values[0], trend = values[1] - values[0];
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (i > 1) trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
    const double next = level_factor * values[i] + (1 - level_factor) * (level + trend);
    before = level;
    level = next;
  }
  return level;
}

Status CheckFactor(std::string_view what, char symbol, double factor) {
  if (factor > 0 && factor < 1) return Ok();
  return Fail(Code::kExecution, "invalid {} factor. Expected: 0 < {}f < 1, got: {:f}", what, symbol, factor);
}

}  // namespace

Status Deriv(const WindowInput& input, std::span<double> out) {
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    // The slope does not depend on the origin, but a near one keeps the digits.
    if (window.size() >= 2) out[step] = Regression(input, window, input.times[window.begin]).slope;
  });
}

Status PredictLinear(const WindowInput& input, std::span<double> out) {
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    if (window.size() < 2) return;
    const Line line = Regression(input, window, input.steps.At(step));
    out[step] = line.slope * input.scalars[0][step] + line.intercept;
  });
}

Status DoubleExponentialSmoothing(const WindowInput& input, std::span<double> out) {
  for (std::size_t step = 0; step < input.windows.size(); ++step) {
    if (input.windows[step].size() == 0) continue;
    VEDETTE_CHECK(CheckFactor("smoothing", 's', input.scalars[0][step]));
    VEDETTE_CHECK(CheckFactor("trend", 't', input.scalars[1][step]));
  }
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    if (window.size() < 2) return;
    out[step] =
        Smooth(input.values.subspan(window.begin, window.size()), input.scalars[0][step], input.scalars[1][step]);
  });
}

}  // namespace vedette::promql::fn
