// Smallest and largest sample of a range, and when the last of them was seen.
//
// A queue holds the samples that may still become the extreme of a later window, best first: O(samples + steps).
// NaN counts only when there is nothing else.
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/window.h"

namespace vedette::promql::fn {

namespace {

/// `Better(a, b)`: a beats b. Equal values: the later sample stays.
template <class Better>
class Extreme {
 public:
  explicit Extreme(std::span<const double> values) : values_(values) {}

  /// Index of the extreme; the last sample when all are NaN. Windows come in order.
  std::size_t At(const Window& window) {
    for (next_ = std::max(next_, window.begin); next_ < window.end; ++next_) Push(next_);
    while (head_ < queue_.size() && queue_[head_] < window.begin) ++head_;
    return head_ < queue_.size() ? queue_[head_] : window.end - 1;
  }

 private:
  void Push(std::size_t i) {
    if (std::isnan(values_[i])) return;
    while (queue_.size() > head_ && !Better()(values_[queue_.back()], values_[i])) queue_.pop_back();
    queue_.push_back(i);
  }

  std::span<const double> values_;
  std::vector<std::size_t> queue_;
  std::size_t head_ = 0, next_ = 0;
};

/// Extreme::At() of a window that no other follows.
template <class Better>
std::size_t OnlyExtreme(std::span<const double> values, const Window& window) {
  std::size_t best = window.end - 1;
  for (std::size_t i = window.end; i-- > window.begin;) {
    if (std::isnan(values[best]) || Better()(values[i], values[best])) best = std::isnan(values[i]) ? best : i;
  }
  return best;
}

template <class Better, class Finish>
Status Slide(const WindowInput& input, std::span<double> out, const Finish& finish) {
  if (input.windows.size() == 1) {
    return ForEachWindow(input, [&](std::size_t step, const Window& window) {
      out[step] = finish(OnlyExtreme<Better>(input.values, window));
    });
  }
  Extreme<Better> extreme(input.values);
  return ForEachWindow(input, [&](std::size_t step, const Window& window) { out[step] = finish(extreme.At(window)); });
}

template <class Better>
Status Value(const WindowInput& input, std::span<double> out) {
  return Slide<Better>(input, out, [&](std::size_t i) { return input.values[i]; });
}

template <class Better>
Status Time(const WindowInput& input, std::span<double> out) {
  return Slide<Better>(input, out, [&](std::size_t i) { return static_cast<double>(input.times[i]) / 1000.0; });
}

}  // namespace

Status MinOverTime(const WindowInput& input, std::span<double> out) { return Value<std::less<>>(input, out); }
Status MaxOverTime(const WindowInput& input, std::span<double> out) { return Value<std::greater<>>(input, out); }
Status TsOfMinOverTime(const WindowInput& input, std::span<double> out) { return Time<std::less<>>(input, out); }
Status TsOfMaxOverTime(const WindowInput& input, std::span<double> out) { return Time<std::greater<>>(input, out); }

}  // namespace vedette::promql::fn
