// Counters and gauges over a range: rate, increase, delta, irate, idelta, resets, changes.
//
// Extrapolation to the ends of the range follows reference behaviour: a gap to an end counts as covered when it is
// below 1.1 times the mean spacing, else half a spacing is added; a counter is not extrapolated below zero.
#include <algorithm>
#include <cmath>
#include <vector>

#include "analytics/promql/window.h"

namespace vedette::promql::fn {

namespace {

/// Walks along positions in a series that are worth remembering, window by window.
class Marks {
 public:
  /// Remembers each i >= 1 for which `marked(values[i - 1], values[i])`.
  template <class Marked>
  Marks(std::span<const double> values, const Marked& marked) {
    for (std::size_t i = 1; i < values.size(); ++i) {
      if (marked(values[i - 1], values[i])) positions_.push_back(i);
    }
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

bool Falls(double before, double now) { return now < before; }
bool Differs(double before, double now) { return now != before && !(std::isnan(now) && std::isnan(before)); }

/// How much longer than what the samples cover the range is, as a factor; `increase` of the samples themselves.
double ExtrapolationFactor(const WindowInput& input, std::size_t step, const Window& window, double increase,
                           bool counter) {
  constexpr double kThreshold = 1.1;
  const std::int64_t at = input.steps.At(step);
  const std::int64_t first_time = input.times[window.begin], last_time = input.times[window.end - 1];
  double to_start = static_cast<double>(first_time - input.range.Start(at)) / 1000.0;
  double to_end = static_cast<double>(input.range.End(at) - last_time) / 1000.0;
  const double sampled = static_cast<double>(last_time - first_time) / 1000.0;
  const double spacing = sampled / static_cast<double>(window.size() - 1);

  if (to_start >= spacing * kThreshold) to_start = spacing / 2;
  if (counter) {
    const double first = input.values[window.begin];
    const double to_zero = increase > 0 && first >= 0 ? sampled * (first / increase) : to_start;
    to_start = std::min(to_start, to_zero);
  }
  if (to_end >= spacing * kThreshold) to_end = spacing / 2;
  return (sampled + to_start + to_end) / sampled;
}

Status Extrapolated(const WindowInput& input, bool counter, bool per_second, std::span<double> out) {
  if (input.range.anchored || input.range.smoothed) return ExtendedIncrease(input, counter, per_second, out);
  Marks resets(counter ? input.values : std::span<const double>(), Falls);
  const double range_seconds = static_cast<double>(input.range.range_ms) / 1000.0;
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    if (window.size() < 2) return;
    double increase = input.values[window.end - 1] - input.values[window.begin];
    for (const std::size_t reset : resets.Within(window)) increase += input.values[reset - 1];
    double factor = ExtrapolationFactor(input, step, window, increase, counter);
    if (per_second) factor /= range_seconds;
    out[step] = increase * factor;
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
      out[step] = (last < before ? last : last - before) / (static_cast<double>(elapsed_ms) / 1000.0);
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

template <class Marked>
Status CountMarks(const WindowInput& input, const Marked& marked, std::span<double> out) {
  Marks marks(input.values, marked);
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
Status Resets(const WindowInput& input, std::span<double> out) { return CountMarks(input, Falls, out); }
Status Changes(const WindowInput& input, std::span<double> out) { return CountMarks(input, Differs, out); }

}  // namespace vedette::promql::fn
