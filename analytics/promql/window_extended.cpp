// rate, increase and delta of `anchored` and `smoothed` ranges: no extrapolation, the ends of the range have values.
//
// Anchored: the last sample at or before an end stands for it. Smoothed: the value at an end is interpolated between
// the samples around it; across a counter's reset it rises from zero.
#include <algorithm>

#include "analytics/promql/window.h"

namespace vedette::promql::fn {

namespace {

/// One window's computation.
class Extended {
 public:
  Extended(const WindowInput& input, std::size_t step, const Window& window, bool counter)
      : times_(input.times.subspan(window.begin, window.size())),
        values_(input.values.subspan(window.begin, window.size())),
        start_(input.range.Start(input.steps.At(step))),
        end_(input.range.End(input.steps.At(step))),
        smoothed_(input.range.smoothed),
        counter_(counter) {
    const auto before_last = times_.end() - 1;
    const auto inside = std::upper_bound(times_.begin(), before_last, start_);
    first_ = std::max<std::ptrdiff_t>(0, inside - times_.begin() - 1);
    last_ = before_last - times_.begin();
    if (smoothed_) last_ = std::lower_bound(times_.begin(), before_last, end_) - times_.begin();
  }

  bool HasSamples() const { return Time(last_) > start_ && !(smoothed_ && Time(first_) > end_); }

  double Increase() const {
    const double left = Left(), right = Right();
    return right - left + (counter_ ? LostInResets(left, right) : 0);
  }

  /// The two ends and what lies between them.
  void AppendTo(storage::Columns& out) const {
    const auto add = [&out](std::int64_t time, double value) {
      out.times.push_back(time);
      out.values.push_back(value);
    };
    add(start_, Left());
    for (std::ptrdiff_t i = first_; i <= last_; ++i) {
      if (Time(i) > start_ && Time(i) < end_) add(Time(i), Value(i));
    }
    add(end_, Right());
  }

 private:
  double Left() const { return smoothed_ && Time(first_) < start_ ? Between(first_, start_) : Value(first_); }
  double Right() const {
    return smoothed_ && last_ > 0 && Time(last_) > end_ ? Between(last_ - 1, end_) : Value(last_);
  }

  std::int64_t Time(std::ptrdiff_t i) const { return times_[static_cast<std::size_t>(i)]; }
  double Value(std::ptrdiff_t i) const { return values_[static_cast<std::size_t>(i)]; }

  /// The line between samples i and i + 1 at `time`.
  double Between(std::ptrdiff_t i, std::int64_t time) const {
    const double to = Value(i + 1);
    const double from = counter_ && to < Value(i) ? 0 : Value(i);
    return from + (to - from) * static_cast<double>(time - Time(i)) / static_cast<double>(Time(i + 1) - Time(i));
  }

  double LostInResets(double left, double right) const {
    const std::ptrdiff_t begin = first_ + (Time(first_) <= start_ ? 1 : 0);
    const std::ptrdiff_t end = last_ - (Time(last_) >= end_ ? 1 : 0);
    double lost = 0, before = left;
    for (std::ptrdiff_t i = begin; i <= end; ++i) {
      if (Value(i) < before) lost += before;
      before = Value(i);
    }
    return right < before ? lost + before : lost;
  }

  std::span<const std::int64_t> times_;
  std::span<const double> values_;
  std::int64_t start_, end_;
  bool smoothed_, counter_;
  std::ptrdiff_t first_ = 0, last_ = 0;  // the samples that stand for the ends
};

}  // namespace

Status ExtendedIncrease(const WindowInput& input, bool counter, bool per_second, std::span<double> out) {
  const double divisor = per_second ? static_cast<double>(input.range.range_ms) / 1000.0 : 1;
  return ForEachWindow(input, [&](std::size_t step, const Window& window) {
    const Extended extended(input, step, window, counter);
    if (extended.HasSamples()) out[step] = extended.Increase() / divisor;
  });
}

void ExtendedSamples(const WindowInput& input, storage::Columns& out) {
  const Window& window = input.windows.front();
  if (!input.range.anchored && !input.range.smoothed) {
    out.times.assign(input.times.begin() + static_cast<std::ptrdiff_t>(window.begin),
                     input.times.begin() + static_cast<std::ptrdiff_t>(window.end));
    out.values.assign(input.values.begin() + static_cast<std::ptrdiff_t>(window.begin),
                      input.values.begin() + static_cast<std::ptrdiff_t>(window.end));
    return;
  }
  const Extended extended(input, 0, window, false);
  if (extended.HasSamples()) extended.AppendTo(out);
}

}  // namespace vedette::promql::fn
