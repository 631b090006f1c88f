// Sliding aggregation of anything that can be merged, without subtraction and so without losing digits.
//
// Windows that hardly overlap are summed directly, in the order of the samples, which gives the digits that Prometheus
// gives. Only where that would cost much more than reading the samples once, two stacks take over (Tangwongsan, Hirzel,
// Schneider: General incremental sliding-window aggregation, VLDB 2015): amortised one merge per sample.
#pragma once

#include <vector>

#include "analytics/promql/window.h"

namespace vedette::promql {

/// A queue of samples whose total is known at any time.
template <class Total>
class SlidingTotal {
 public:
  explicit SlidingTotal(std::span<const double> values) : values_(values) {}

  /// Moves to a window that does not begin or end before the last one.
  Total At(const Window& window) {
    if (window.begin >= front_end_) Flip(window);
    for (; back_end_ < window.end; ++back_end_) back_.Add(values_[back_end_]);
    Total total = front_end_ > window.begin ? front_[front_end_ - 1 - window.begin] : Total{};
    total.Merge(back_);
    return total;
  }

 private:
  /// The front stack holds totals of [i, front_end_) for every i still inside; the back one of [front_end_, back_end_).
  void Flip(const Window& window) {
    front_.clear();
    front_end_ = window.end;
    Total total;
    for (std::size_t i = window.end; i-- > window.begin;) {
      Total one;
      one.Add(values_[i]);
      one.Merge(total);
      total = one;
      front_.push_back(total);
    }
    back_ = Total{};
    back_end_ = window.end;
  }

  std::span<const double> values_;
  std::vector<Total> front_;
  Total back_;
  std::size_t front_end_ = 0, back_end_ = 0;
};

/// Whether adding up every window anew is at most a few times the work of reading the samples once.
inline bool DirectIsCheap(const WindowInput& input) {
  constexpr std::size_t kFactor = 16;
  std::size_t work = 0;
  for (const Window& window : input.windows) work += window.size();
  return work <= kFactor * (input.values.size() + input.windows.size());
}

/// `finish(total)` of every window, Total having Add(value) and Merge(total).
template <class Total, class Finish>
Status SlideTotals(const WindowInput& input, std::span<double> out, const Finish& finish) {
  if (DirectIsCheap(input)) {
    return ForEachWindow(input, [&](std::size_t step, const Window& window) {
      Total total;
      for (std::size_t i = window.begin; i < window.end; ++i) total.Add(input.values[i]);
      out[step] = finish(total);
    });
  }
  SlidingTotal<Total> sliding(input.values);
  return ForEachWindow(input, [&](std::size_t step, const Window& window) { out[step] = finish(sliding.At(window)); });
}

}  // namespace vedette::promql
