// Functions over ranges of series that have native histograms, perhaps beside floats.
//
// Such series take a way of their own, so that the functions of floats (window.h) know nothing of them. Samples of both
// kinds are merged by time once per series; a function gets the windows over the merged samples that it is to answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "analytics/promql/ast.h"
#include "analytics/promql/eval.h"
#include "analytics/promql/window.h"
#include "core/histogram.h"

namespace vedette::promql {

struct MixedSample {
  double value = 0;
  const Histogram* histogram = nullptr;  // null: it is a float
  std::int64_t start = 0;                // when its counter began, 0: not known
};

struct MixedInput {
  std::span<const std::int64_t> times;
  std::span<const MixedSample> samples;
  std::span<const Window> windows;  // one per step, empty where there is nothing to answer
  const Steps& steps;
  const RangeShape& range;
  EvalContext& context;
  std::string_view metric;  // name of the series
  Position at;              // what annotations point at
  Vector& out;
  std::size_t row;

  std::span<double> values() const { return out.values(row); }
  Status Set(std::size_t step, Histogram histogram) const {
    return out.SetHistogram(row, step, std::make_shared<const Histogram>(std::move(histogram)));
  }
};

/// Fills the row where the function has a value. Errors: kLimit, kTimeout, kCanceled.
using MixedFunction = Status (*)(const MixedInput& input);

/// How a function takes a range in which there are histograms.
enum class MixedRanges : std::uint8_t {
  kFloatsOnly,  // it looks at the floats only, and says so where it leaves out histograms
  kOneKind,     // a range of both kinds has no value but a warning; histograms alone are its MixedFunction's
  kBoth,        // its MixedFunction takes all windows
};

/// Calls `visit(step, window)`, which gives a Status, for each window that is not empty.
template <class Visit>
Status ForEachMixed(const MixedInput& input, const Visit& visit) {
  for (std::size_t step = 0; step < input.windows.size(); ++step) {
    const Window& window = input.windows[step];
    if (window.size() == 0) continue;
    VEDETTE_CHECK(input.context.Check());
    VEDETTE_CHECK(visit(step, window));
  }
  return Ok();
}

namespace fn {

// kOneKind: all samples of a window are histograms (window_mixed_rate.cpp, window_mixed_totals.cpp).
Status MixedRate(const MixedInput& input);
Status MixedIncrease(const MixedInput& input);
Status MixedDelta(const MixedInput& input);
Status MixedSumOverTime(const MixedInput& input);
Status MixedAvgOverTime(const MixedInput& input);
/// Of anchored and smoothed ranges (window_mixed_extended.cpp).
Status MixedExtendedIncrease(const MixedInput& input, bool counter, bool per_second);

// kBoth (window_mixed_samples.cpp).
Status MixedIrate(const MixedInput& input);
Status MixedIdelta(const MixedInput& input);
Status MixedResets(const MixedInput& input);
Status MixedChanges(const MixedInput& input);
Status MixedCountOverTime(const MixedInput& input);
Status MixedPresentOverTime(const MixedInput& input);
Status MixedFirstOverTime(const MixedInput& input);
Status MixedLastOverTime(const MixedInput& input);
Status MixedTsOfFirstOverTime(const MixedInput& input);
Status MixedTsOfLastOverTime(const MixedInput& input);

}  // namespace fn

}  // namespace vedette::promql
