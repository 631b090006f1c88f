// Quantile and median absolute deviation of a range.
//
// The sorted samples of the last window are kept: a step takes out what left and puts in what came, or sorts anew when
// that is most of them.
#include <algorithm>
#include <cmath>
#include <vector>

#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/window.h"

namespace vedette::promql::fn {

namespace {

class SortedWindow {
 public:
  explicit SortedWindow(std::span<const double> values) : values_(values) {}

  const std::vector<double>& At(const Window& window) {
    const std::size_t gone = std::min(window.begin, now_.end) - now_.begin;
    const std::size_t come = window.end - std::max(now_.end, window.begin);
    if ((gone + come) * 4 > window.size()) {
      const auto inside = values_.subspan(window.begin, window.size());
      sorted_.assign(inside.begin(), inside.end());
      std::ranges::sort(sorted_, LessNanFirst);
    } else {
      for (std::size_t i = now_.begin; i < window.begin; ++i) sorted_.erase(Place(values_[i]));
      for (std::size_t i = now_.end; i < window.end; ++i) sorted_.insert(Place(values_[i]), values_[i]);
    }
    now_ = window;
    return sorted_;
  }

 private:
  std::vector<double>::iterator Place(double value) { return std::ranges::lower_bound(sorted_, value, LessNanFirst); }

  std::span<const double> values_;
  std::vector<double> sorted_;
  Window now_;
};

}  // namespace

Status QuantileOverTime(const WindowInput& input, std::span<double> out) {
  SortedWindow sorted(input.values);
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    out[step] = QuantileOfSorted(input.scalars[0][step], sorted.At(window));
  });
}

Status MadOverTime(const WindowInput& input, std::span<double> out) {
  constexpr double kMedian = 0.5;
  SortedWindow sorted(input.values);
  std::vector<double> deviations;
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    const std::vector<double>& values = sorted.At(window);
    if (std::isnan(values.front())) {
      out[step] = kNaN;
      return;
    }
    const double median = QuantileOfSorted(kMedian, values);
    deviations.clear();
    for (const double value : values) deviations.push_back(std::fabs(value - median));
    std::ranges::sort(deviations, LessNanFirst);
    out[step] = QuantileOfSorted(kMedian, deviations);
  });
}

}  // namespace vedette::promql::fn
