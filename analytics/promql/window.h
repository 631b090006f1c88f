// Functions over the samples of a range: rate, *_over_time, deriv, ...
//
// A function gets all samples of one series at once, together with the bounds of every step's window as indexes, and
// fills the row of results. Bounds never go back, so a function can keep state from one window to the next:
// O(samples + steps) instead of O(samples in a window * steps).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analytics/promql/eval_context.h"
#include "analytics/promql/eval_value.h"
#include "storage/storage.h"

namespace vedette::promql {

/// Where the window of a step lies: (T - offset - range, T - offset], T being the step or the time of `@`.
struct RangeShape {
  std::int64_t range_ms = 0;
  std::int64_t offset_ms = 0;
  std::optional<std::int64_t> at_ms;
  /// Samples before the window (anchored, smoothed) and after it (smoothed) that belong to it as well.
  std::int64_t before_ms = 0;
  std::int64_t after_ms = 0;
  bool anchored = false, smoothed = false;

  std::int64_t End(std::int64_t step_ms) const { return MinusSaturated(at_ms.value_or(step_ms), offset_ms); }
  std::int64_t Start(std::int64_t step_ms) const { return MinusSaturated(End(step_ms), range_ms); }
};

/// Samples [begin, end) of the series.
struct Window {
  std::size_t begin = 0, end = 0;
  std::size_t size() const { return end - begin; }
};

/// Where the windows of the last series lay. The series of a target mostly have the same times, and so the same
/// windows: comparing times takes a tenth of finding windows. Of one selector and thread.
class WindowMemo {
 public:
  /// Good until the next call.
  std::span<const Window> Find(std::span<const std::int64_t> times, const Steps& steps, const RangeShape& range);

  /// What a rate needs of the times alone, for each window with two samples or more (window_rate.cpp).
  struct RateFactors {
    std::vector<double> whole;  // extrapolation to the ends of the range as far as it goes
    std::vector<double> reach;  // a first value above so many increases is too far from zero to matter
  };
  std::optional<RateFactors> rates;  // of the windows found last

 private:
  /// Times of the first and the last sample of a window.
  struct Ends {
    std::int64_t first = 0, last = 0;
    bool operator==(const Ends&) const = default;
  };
  /// Whether the windows found hold as many samples as those before, from the same times to the same times: then rates
  /// may stay.
  bool SameEnds(std::span<const std::int64_t> times);

  bool known_ = false;  // times_ are those of windows_
  std::vector<std::int64_t> times_;
  std::vector<Window> windows_, found_;
  std::vector<Ends> ends_;
};

/// The samples of one series and everything else a function may look at.
struct WindowInput {
  std::span<const std::int64_t> times;  // ms, ascending
  std::span<const double> values;       // no staleness markers
  std::span<const Window> windows;      // one per step
  const Steps& steps;
  const RangeShape& range;
  std::span<const Scalar> scalars;  // the scalar arguments in their order, one value per step each
  const EvalContext& context;       // for Check()
  /// When the counter of each sample began, 0 where it is not known; empty when nothing is known or nobody wants to.
  std::span<const std::int64_t> starts = {};
  WindowMemo* memo = nullptr;  // that found the windows, if one did
};

/// Fills `out` (one value per step, absent before the call) where the function has a value.
/// Errors: kExecution for a parameter out of range; kTimeout, kCanceled.
using WindowFunction = Status (*)(const WindowInput& input, std::span<double> out);

/// Bounds of the windows of all steps. O(samples + steps).
void FindWindows(std::span<const std::int64_t> times, const Steps& steps, const RangeShape& range,
                 std::vector<Window>& out);

/// Calls `visit(step, window)` for each window that is not empty, and looks at the clock every now and then.
template <class Visit>
Status ForEachWindow(const WindowInput& input, const Visit& visit) {
  constexpr std::size_t kSamplesBetweenChecks = 1 << 20;
  std::size_t seen = 0;
  for (std::size_t step = 0; step < input.windows.size(); ++step) {
    const Window& window = input.windows[step];
    if (window.size() == 0) continue;
    seen += window.size();
    if (seen > kSamplesBetweenChecks) {
      VEDETTE_CHECK(input.context.Check());
      seen = 0;
    }
    visit(step, window);
  }
  return Ok();
}

namespace fn {

// Counters and gauges (window_rate.cpp, window_extended.cpp).
Status Rate(const WindowInput& input, std::span<double> out);
Status Increase(const WindowInput& input, std::span<double> out);
Status Delta(const WindowInput& input, std::span<double> out);
Status Irate(const WindowInput& input, std::span<double> out);
Status Idelta(const WindowInput& input, std::span<double> out);
Status Resets(const WindowInput& input, std::span<double> out);
Status Changes(const WindowInput& input, std::span<double> out);
Status ExtendedIncrease(const WindowInput& input, bool counter, bool per_second, std::span<double> out);
/// The first window's samples as a range selector shows them: as they are, or with those that stand for the ends.
void ExtendedSamples(const WindowInput& input, storage::Columns& out);

// Trends (window_trend.cpp).
Status Deriv(const WindowInput& input, std::span<double> out);
Status PredictLinear(const WindowInput& input, std::span<double> out);
Status DoubleExponentialSmoothing(const WindowInput& input, std::span<double> out);

// Aggregates over time (window_over_time.cpp, window_extremes.cpp, window_quantile.cpp).
Status SumOverTime(const WindowInput& input, std::span<double> out);
Status AvgOverTime(const WindowInput& input, std::span<double> out);
Status StddevOverTime(const WindowInput& input, std::span<double> out);
Status StdvarOverTime(const WindowInput& input, std::span<double> out);
Status CountOverTime(const WindowInput& input, std::span<double> out);
Status PresentOverTime(const WindowInput& input, std::span<double> out);
Status FirstOverTime(const WindowInput& input, std::span<double> out);
Status LastOverTime(const WindowInput& input, std::span<double> out);
Status TsOfFirstOverTime(const WindowInput& input, std::span<double> out);
Status TsOfLastOverTime(const WindowInput& input, std::span<double> out);
Status MinOverTime(const WindowInput& input, std::span<double> out);
Status MaxOverTime(const WindowInput& input, std::span<double> out);
Status TsOfMinOverTime(const WindowInput& input, std::span<double> out);
Status TsOfMaxOverTime(const WindowInput& input, std::span<double> out);
Status QuantileOverTime(const WindowInput& input, std::span<double> out);
Status MadOverTime(const WindowInput& input, std::span<double> out);

}  // namespace fn

}  // namespace vedette::promql
