// Counters and gauges over a range: rate, increase, delta, irate, idelta, resets, changes.
#include <algorithm>
#include <cmath>
#include <vector>

#include "analytics/promql/column_scan.h"
#include "analytics/promql/window_rate.h"

namespace vedette::promql::fn {

namespace {

bool Differs(double before, double now) { return now != before && !(std::isnan(now) && std::isnan(before)); }

/// Walks along positions in a series that are worth remembering, window by window.
class Marks {
 public:
  Marks() = default;
  /// Remembers each i >= 1 for which `marked(values[i - 1], values[i])`.
  template <class Marked>
  Marks(std::span<const double> values, const Marked& marked) {
    for (std::size_t i = 1; i < values.size(); ++i) {
      if (marked(values[i - 1], values[i])) positions_.push_back(i);
    }
  }
  /// Resets of a counter: its values fall, or it says that it began anew.
  static Marks Resets(const WindowInput& input) {
    Marks marks;
    if (input.starts.empty()) {
      FindFalls(input.values, marks.positions_);
      return marks;
    }
    for (std::size_t i = 1; i < input.values.size(); ++i) {
      const bool anew = BeganAnew({input.times[i - 1], input.starts[i - 1]}, {input.times[i], input.starts[i]});
      if (anew || input.values[i] < input.values[i - 1]) marks.positions_.push_back(i);
    }
    return marks;
  }

  /// Those whose predecessor lies in the window as well.
  std::span<const std::size_t> Within(const Window& window) {
    while (first_ < positions_.size() && positions_[first_] <= window.begin) ++first_;
    end_ = std::max(end_, first_);
    while (end_ < positions_.size() && positions_[end_] < window.end) ++end_;
    return {positions_.data() + first_, end_ - first_};
  }

 private:
  std::vector<std::size_t> positions_;
  std::size_t first_ = 0, end_ = 0;
};

/// What ExtrapolationFactor() makes of the times of each window alone, where the counter is far enough from zero.
const WindowMemo::RateFactors& RatesOf(const WindowInput& input, bool per_second) {
  std::optional<WindowMemo::RateFactors>& kept = input.memo->rates;
  if (kept) return *kept;
  /// More than what rounding can take from a product.
  constexpr double kSafe = 1.000001;
  const double range_seconds = static_cast<double>(input.range.range_ms) / 1000.0;
  WindowMemo::RateFactors& out = kept.emplace();
  out.whole.resize(input.windows.size());
  out.reach.resize(input.windows.size());
  for (std::size_t step = 0; step < input.windows.size(); ++step) {
    const Window& window = input.windows[step];
    if (window.size() < 2) continue;
    const RateSpan span{input.times[window.begin], input.times[window.end - 1], window.size()};
    const std::int64_t at = input.steps.At(step);
    double factor = ExtrapolationFactor(input.range, at, span);
    if (per_second) factor /= range_seconds;
    out.whole[step] = factor;
    const double to_start = static_cast<double>(span.first_time - input.range.Start(at));
    const double sampled = static_cast<double>(span.last_time - span.first_time);
    out.reach[step] = to_start / sampled * kSafe;
  }
  return out;
}

/// Extrapolated() of values that say nothing about when they began: the rule.
Status ExtrapolatedPlainly(const WindowInput& input, bool counter, bool per_second, Marks& resets,
                           std::span<double> out) {
  const WindowMemo::RateFactors& rates = RatesOf(input, per_second);
  const double range_seconds = static_cast<double>(input.range.range_ms) / 1000.0;
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    if (window.size() < 2) return;
    const double first = input.values[window.begin];
    double increase = input.values[window.end - 1] - first;
    for (const std::size_t reset : resets.Within(window)) increase += input.values[reset - 1];
    if (!counter || !(increase > 0) || first > increase * rates.reach[step]) {
      out[step] = increase * rates.whole[step];
      return;
    }
    double factor = ExtrapolationFactor(
        input.range, input.steps.At(step),
        {input.times[window.begin], input.times[window.end - 1], window.size(), first, increase, counter});
    if (per_second) factor /= range_seconds;
    out[step] = increase * factor;
  });
}

Status Extrapolated(const WindowInput& input, bool counter, bool per_second, std::span<double> out) {
  if (input.range.anchored || input.range.smoothed) return ExtendedIncrease(input, counter, per_second, out);
  Marks resets = counter ? Marks::Resets(input) : Marks();
  if (input.memo != nullptr && input.starts.empty()) {
    return ExtrapolatedPlainly(input, counter, per_second, resets, out);
  }
  const double range_seconds = static_cast<double>(input.range.range_ms) / 1000.0;
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    const std::size_t last = window.end - 1;
    const std::int64_t at = input.steps.At(step);
    RateSpan span{input.times[window.begin], input.times[last], window.size(), input.values[window.begin], 0, counter};
    if (counter && !input.starts.empty()) {
      span.start = StartWithin(input.range, at, {span.first_time, input.starts[window.begin]});
    }
    if (window.size() < 2 && span.start == 0) return;
    span.increase = input.values[last] - span.first;
    for (const std::size_t reset : resets.Within(window)) span.increase += input.values[reset - 1];
    if (span.start != 0) span.increase += span.first;  // it rose from zero since then
    double factor = ExtrapolationFactor(input.range, at, span);
    if (per_second) factor /= range_seconds;
    out[step] = span.increase * factor;
  });
}

/// The last two samples.
Status LastTwo(const WindowInput& input, bool per_second, std::span<double> out) {
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    if (window.size() < 2) return;
    const double before = input.values[window.end - 2], last = input.values[window.end - 1];
    const std::int64_t elapsed_ms = input.times[window.end - 1] - input.times[window.end - 2];
    if (elapsed_ms == 0) return;
    if (!per_second) {
      out[step] = last - before;
    } else {
      const bool anew = !input.starts.empty() && BeganAnew({input.times[window.end - 2], input.starts[window.end - 2]},
                                                           {input.times[window.end - 1], input.starts[window.end - 1]});
      out[step] = (last < before || anew ? last : last - before) / (static_cast<double>(elapsed_ms) / 1000.0);
    }
  });
}

/// The window without what lies before its last sample at or before the range's start; empty when nothing follows that.
Window Anchored(const WindowInput& input, std::size_t step, Window window) {
  if (!input.range.anchored) return window;
  const auto first = input.times.begin() + static_cast<std::ptrdiff_t>(window.begin);
  const auto last = input.times.begin() + static_cast<std::ptrdiff_t>(window.end);
  const auto inside = std::upper_bound(first, last, input.range.Start(input.steps.At(step)));
  if (inside == last) return {window.end, window.end};
  if (inside != first) window.begin += static_cast<std::size_t>(inside - first) - 1;
  return window;
}

Status CountMarks(const WindowInput& input, Marks marks, std::span<double> out) {
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    const Window used = Anchored(input, step, window);
    if (used.size() > 0) out[step] = static_cast<double>(marks.Within(used).size());
  });
}

}  // namespace

Status Rate(const WindowInput& input, std::span<double> out) { return Extrapolated(input, true, true, out); }
Status Increase(const WindowInput& input, std::span<double> out) { return Extrapolated(input, true, false, out); }
Status Delta(const WindowInput& input, std::span<double> out) { return Extrapolated(input, false, false, out); }
Status Irate(const WindowInput& input, std::span<double> out) { return LastTwo(input, true, out); }
Status Idelta(const WindowInput& input, std::span<double> out) { return LastTwo(input, false, out); }
Status Resets(const WindowInput& input, std::span<double> out) { return CountMarks(input, Marks::Resets(input), out); }
Status Changes(const WindowInput& input, std::span<double> out) {
  return CountMarks(input, Marks(input.values, Differs), out);
}

}  // namespace vedette::promql::fn
