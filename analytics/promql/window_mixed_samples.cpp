// Functions that take floats and native histograms in one range: the last two samples, changes, counts, the ends.
#include <algorithm>
#include <cmath>
#include <optional>

#include "analytics/promql/histogram_math.h"
#include "analytics/promql/window_mixed.h"
#include "analytics/promql/window_rate.h"

namespace vedette::promql::fn {

namespace {

StartedSample StartedAt(const MixedInput& input, std::size_t i) { return {input.times[i], input.samples[i].start}; }

/// Difference of two histograms, the earlier one played no part when it was lost in a reset.
std::optional<Histogram> InstantIncrease(const MixedInput& input, std::size_t last, bool rate) {
  Annotator& notes = input.context.notes;
  const Histogram& now = *input.samples[last].histogram;
  const Histogram& before = *input.samples[last - 1].histogram;
  const bool any_gauge = now.reset == CounterReset::kGauge || before.reset == CounterReset::kGauge;
  const bool all_gauge = now.reset == CounterReset::kGauge && before.reset == CounterReset::kGauge;
  if (rate && any_gauge) notes.HistogramNotCounter(input.metric, input.at);
  if (!rate && !all_gauge) notes.HistogramNotGauge(input.metric, input.at);
  Histogram increase = now;
  const bool reset = rate && (BeganAnew(StartedAt(input, last - 1), StartedAt(input, last)) || HasReset(now, before));
  if (!reset) {
    HistogramNotes subtracted;
    if (!Subtract(increase, before, subtracted)) {
      notes.MixedHistogramKinds(input.metric, input.at);
      return std::nullopt;
    }
    if (subtracted.reconciled) notes.MismatchedBounds(HistogramOperation::kSubtraction, input.at);
  }
  increase.reset = CounterReset::kGauge;
  return increase;
}

Status LastTwoMixed(const MixedInput& input, bool rate) {
  return ForEachMixed(input, [&](std::size_t step, const Window& window) -> Status {
    if (window.size() < 2) return Ok();
    const std::size_t last = window.end - 1;
    const MixedSample& now = input.samples[last];
    const MixedSample& before = input.samples[last - 1];
    const double seconds = static_cast<double>(input.times[last] - input.times[last - 1]) / 1000.0;
    if ((now.histogram == nullptr) != (before.histogram == nullptr)) {
      input.context.notes.MixedFloatsHistograms(input.metric, input.at);
      return Ok();
    }
    if (now.histogram != nullptr) {
      std::optional<Histogram> increase = InstantIncrease(input, last, rate);
      if (!increase) return Ok();
      if (rate) Divide(*increase, seconds);
      return input.Set(step, *std::move(increase));
    }
    const bool reset =
        rate && (now.value < before.value || BeganAnew(StartedAt(input, last - 1), StartedAt(input, last)));
    const double increase = reset ? now.value : now.value - before.value;
    input.values()[step] = rate ? increase / seconds : increase;
    return Ok();
  });
}

/// Counts the samples of each window that differ from the one before by `differs(index)`, which is asked once for each.
template <class Differs>
Status CountDifferences(const MixedInput& input, const Differs& differs) {
  std::vector<std::size_t> until(input.samples.size() + 1);  // how many before sample i
  for (std::size_t i = 0; i < input.samples.size(); ++i) until[i + 1] = until[i] + (i > 0 && differs(i) ? 1 : 0);
  return ForEachMixed(input, [&](std::size_t step, const Window& window) -> Status {
    std::size_t begin = window.begin;
    if (input.range.anchored) {
      const auto first = input.times.begin() + static_cast<std::ptrdiff_t>(window.begin);
      const auto end = input.times.begin() + static_cast<std::ptrdiff_t>(window.end);
      const auto inside = std::upper_bound(first, end, input.range.Start(input.steps.At(step)));
      if (inside == end) return Ok();
      if (inside != first) begin = static_cast<std::size_t>(inside - input.times.begin()) - 1;
    }
    input.values()[step] = static_cast<double>(until[window.end] - until[begin + 1]);
    return Ok();
  });
}

/// `number(window)` for every window.
template <class Number>
Status EachMixed(const MixedInput& input, const Number& number) {
  return ForEachMixed(input, [&](std::size_t step, const Window& window) -> Status {
    input.values()[step] = number(window);
    return Ok();
  });
}

template <class Pick>
Status PickSample(const MixedInput& input, const Pick& pick) {
  std::size_t last_picked = input.samples.size();
  HistogramPtr shared;
  return ForEachMixed(input, [&](std::size_t step, const Window& window) -> Status {
    const std::size_t picked = pick(window);
    const MixedSample& sample = input.samples[picked];
    if (sample.histogram == nullptr) {
      input.values()[step] = sample.value;
      return Ok();
    }
    if (picked != last_picked) shared = std::make_shared<const Histogram>(*sample.histogram);
    last_picked = picked;
    return input.out.SetHistogram(input.row, step, shared);
  });
}

double SecondsAt(const MixedInput& input, std::size_t i) { return static_cast<double>(input.times[i]) / 1000.0; }

}  // namespace

Status MixedIrate(const MixedInput& input) { return LastTwoMixed(input, true); }
Status MixedIdelta(const MixedInput& input) { return LastTwoMixed(input, false); }

Status MixedResets(const MixedInput& input) {
  return CountDifferences(input, [&](std::size_t i) {
    const MixedSample& now = input.samples[i];
    const MixedSample& before = input.samples[i - 1];
    if ((now.histogram == nullptr) != (before.histogram == nullptr)) return true;
    if (BeganAnew(StartedAt(input, i - 1), StartedAt(input, i))) return true;
    return now.histogram != nullptr ? HasReset(*now.histogram, *before.histogram) : now.value < before.value;
  });
}

Status MixedChanges(const MixedInput& input) {
  return CountDifferences(input, [&](std::size_t i) {
    const MixedSample& now = input.samples[i];
    const MixedSample& before = input.samples[i - 1];
    if ((now.histogram == nullptr) != (before.histogram == nullptr)) return true;
    if (now.histogram != nullptr) return !EqualHistograms(*now.histogram, *before.histogram);
    return now.value != before.value && !(std::isnan(now.value) && std::isnan(before.value));
  });
}

Status MixedCountOverTime(const MixedInput& input) {
  return EachMixed(input, [](const Window& window) { return static_cast<double>(window.size()); });
}
Status MixedPresentOverTime(const MixedInput& input) {
  return EachMixed(input, [](const Window&) { return 1.0; });
}
Status MixedFirstOverTime(const MixedInput& input) {
  return PickSample(input, [](const Window& window) { return window.begin; });
}
Status MixedLastOverTime(const MixedInput& input) {
  return PickSample(input, [](const Window& window) { return window.end - 1; });
}
Status MixedTsOfFirstOverTime(const MixedInput& input) {
  return EachMixed(input, [&](const Window& window) { return SecondsAt(input, window.begin); });
}
Status MixedTsOfLastOverTime(const MixedInput& input) {
  return EachMixed(input, [&](const Window& window) { return SecondsAt(input, window.end - 1); });
}

}  // namespace vedette::promql::fn
