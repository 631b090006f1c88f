// rate, increase and delta of native histograms over `anchored` and `smoothed` ranges, as window_extended.cpp has them
// for floats.
#include <algorithm>
#include <optional>

#include "analytics/promql/histogram_math.h"
#include "analytics/promql/window_mixed.h"

namespace vedette::promql::fn {

namespace {

/// One window's computation. What goes wrong is told at once.
class ExtendedHistograms {
 public:
  ExtendedHistograms(const MixedInput& input, std::size_t step, const Window& window, bool counter)
      : input_(input),
        start_(input.range.Start(input.steps.At(step))),
        end_(input.range.End(input.steps.At(step))),
        smoothed_(input.range.smoothed),
        counter_(counter),
        first_(window.begin),
        last_(window.end - 1) {
    const auto begin = input.times.begin();
    const auto before_last = begin + static_cast<std::ptrdiff_t>(last_);
    const auto from = begin + static_cast<std::ptrdiff_t>(first_);
    const auto inside = static_cast<std::size_t>(std::upper_bound(from, before_last, start_) - begin);
    if (inside > first_) first_ = inside - 1;
    if (smoothed_) last_ = static_cast<std::size_t>(std::lower_bound(from, before_last, end_) - begin);
    window_begin_ = window.begin;
  }

  std::optional<Histogram> Increase() {
    if (Time(last_) <= start_ || (smoothed_ && Time(first_) > end_)) return std::nullopt;
    if (!Checked()) return std::nullopt;
    const std::optional<Histogram> left = Left(), right = Right();
    if (!left || !right) return std::nullopt;
    if (!counter_ && (left->reset != CounterReset::kGauge || right->reset != CounterReset::kGauge)) {
      input_.context.notes.HistogramNotGauge(input_.metric, input_.at);
    }
    Histogram increase = *right;
    HistogramNotes subtracted, added;
    if (!Subtract(increase, *left, subtracted)) return Mixed();
    if (subtracted.reconciled) Mismatched(HistogramOperation::kSubtraction);
    if (counter_ && !AddLost(increase, *left, *right, added)) return Mixed();
    if (added.reconciled) Mismatched(HistogramOperation::kAddition);
    increase.reset = CounterReset::kGauge;
    return increase;
  }

 private:
  std::int64_t Time(std::size_t i) const { return input_.times[i]; }
  const Histogram& At(std::size_t i) const { return *input_.samples[i].histogram; }

  std::optional<Histogram> Mixed() const {
    input_.context.notes.MixedHistogramKinds(input_.metric, input_.at);
    return std::nullopt;
  }
  void Mismatched(HistogramOperation operation) const { input_.context.notes.MismatchedBounds(operation, input_.at); }

  /// All of one kind; gauges are told of.
  bool Checked() const {
    for (std::size_t i = first_; i <= last_; ++i) {
      if (!SameKind(At(i), At(first_))) {
        Mixed();
        return false;
      }
      if (counter_ && At(i).reset == CounterReset::kGauge) {
        input_.context.notes.HistogramNotCounter(input_.metric, input_.at);
      }
    }
    return true;
  }

  std::optional<Histogram> Left() const {
    return smoothed_ && Time(first_) < start_ ? Between(first_, start_) : At(first_);
  }
  std::optional<Histogram> Right() const {
    return smoothed_ && last_ > window_begin_ && Time(last_) > end_ ? Between(last_ - 1, end_) : At(last_);
  }
  std::optional<Histogram> Between(std::size_t i, std::int64_t time) const {
    HistogramNotes subtracted, added;
    auto between = Interpolate({Time(i), At(i)}, {Time(i + 1), At(i + 1)}, time, counter_, subtracted, added);
    if (subtracted.reconciled) Mismatched(HistogramOperation::kSubtraction);
    if (added.reconciled) Mismatched(HistogramOperation::kAddition);
    return between ? between : Mixed();
  }

  /// Adds what was lost in the resets between the ends.
  bool AddLost(Histogram& to, const Histogram& left, const Histogram& right, HistogramNotes& notes) const {
    std::size_t next = first_ + 1;
    const Histogram* before = &left;
    if (smoothed_ && Time(first_) < start_ && HasReset(At(next), At(first_))) {
      before = &At(next++);  // the left end lies behind this reset
    }
    // The last sample is the right end: it must not be compared with itself.
    if (next > last_) return true;
    std::optional<Histogram> lost;
    const auto lose = [&](const Histogram& histogram) {
      if (lost) return Add(*lost, histogram, notes);
      lost = histogram;
      return true;
    };
    for (; next < last_; ++next) {
      if (HasReset(At(next), *before) && !lose(*before)) return false;
      before = &At(next);
    }
    if (HasReset(right, *before) && !lose(*before)) return false;
    return !lost || Add(to, *lost, notes);
  }

  const MixedInput& input_;
  std::int64_t start_, end_;
  bool smoothed_, counter_;
  std::size_t first_, last_;  // the samples that stand for the ends
  std::size_t window_begin_ = 0;
};

}  // namespace

Status MixedExtendedIncrease(const MixedInput& input, bool counter, bool per_second) {
  const double divisor = static_cast<double>(input.range.range_ms) / 1000.0;
  return ForEachMixed(input, [&](std::size_t step, const Window& window) -> Status {
    std::optional<Histogram> increase = ExtendedHistograms(input, step, window, counter).Increase();
    if (!increase) return Ok();
    if (per_second) Divide(*increase, divisor);
    return input.Set(step, *std::move(increase));
  });
}

}  // namespace vedette::promql::fn
