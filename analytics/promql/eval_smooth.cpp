// Instant selectors that are `smoothed`.
#include <algorithm>
#include <optional>
#include <vector>

#include "analytics/promql/eval.h"

namespace vedette::promql {

namespace {

void SmoothFloats(const storage::Columns& samples, const Steps& steps, const VectorSelector& selector,
                  std::int64_t lookback, std::span<double> out) {
  std::size_t next = 0;  // the first sample at or after the step
  for (std::size_t step = 0; step < steps.count; ++step) {
    const std::int64_t at = steps.At(step);
    const std::int64_t time = Shift(selector.time, at, at).first;
    while (next < samples.size() && samples.times[next] < time) ++next;
    const bool has_next = next < samples.size() && samples.times[next] <= MinusSaturated(time, -lookback);
    if (has_next && samples.times[next] == time) {
      out[step] = samples.values[next];
      continue;
    }
    if (next == 0 || samples.times[next - 1] <= MinusSaturated(time, lookback)) continue;
    const double before = samples.values[next - 1];
    out[step] = before;
    if (!has_next) continue;
    const auto gap = static_cast<double>(samples.times[next] - samples.times[next - 1]);
    out[step] += (samples.values[next] - before) * static_cast<double>(time - samples.times[next - 1]) / gap;
  }
}

/// The histogram at `time` from those of the window around it. Taken as a counter unless both neighbours are gauges.
std::optional<Histogram> SmoothHistogram(EvalContext& context, const storage::HistogramColumns& samples,
                                         const Window& window, std::int64_t time, std::string_view metric,
                                         Position pos) {
  const auto first = samples.times.begin() + static_cast<std::ptrdiff_t>(window.begin);
  const auto end = samples.times.begin() + static_cast<std::ptrdiff_t>(window.end);
  const auto next = std::lower_bound(first, end, time);
  const auto at = static_cast<std::size_t>(next - samples.times.begin());
  if (next != end && *next == time) return samples.histograms[at];
  if (next == first) return std::nullopt;
  const Histogram& before = samples.histograms[at - 1];
  if (next == end) {
    Histogram last = before;
    last.reset = CounterReset::kUnknown;  // what it said was about a step that is over
    return last;
  }
  const Histogram& after = samples.histograms[at];
  const bool counter = before.reset != CounterReset::kGauge || after.reset != CounterReset::kGauge;
  HistogramNotes subtracted, added;
  auto result = SameKind(before, after)
                    ? Interpolate({samples.times[at - 1], before}, {*next, after}, time, counter, subtracted, added)
                    : std::nullopt;
  if (!result) context.notes.MixedHistogramKinds(metric, pos);
  if (subtracted.reconciled) context.notes.MismatchedBounds(HistogramOperation::kSubtraction, pos);
  if (added.reconciled) context.notes.MismatchedBounds(HistogramOperation::kAddition, pos);
  return result;
}

}  // namespace

Status SmoothSelected(EvalContext& context, const VectorSelector& selector, const Steps& steps,
                      const SeriesSamples& samples, Vector& out, std::size_t row) {
  const std::int64_t lookback = context.times.lookback.count();
  SmoothFloats(samples.floats, steps, selector, lookback, out.values(row));
  if (samples.histograms.size() == 0) return Ok();

  RangeShape around;
  around.offset_ms = selector.time.offset.count();
  if (selector.time.at) around.at_ms = selector.time.at->ms;
  around.before_ms = around.after_ms = lookback;
  std::vector<Window> floats, histograms;
  FindWindows(samples.floats.times, steps, around, floats);
  FindWindows(samples.histograms.times, steps, around, histograms);
  const std::string_view metric = out.name(row).labels.MetricName();
  for (std::size_t step = 0; step < steps.count; ++step) {
    if (histograms[step].size() == 0) continue;
    if (floats[step].size() > 0) {
      context.notes.MixedFloatsHistograms(metric, selector.pos);
      out.ClearAt(row, step);
      continue;
    }
    const std::int64_t time = around.End(steps.At(step));
    auto smooth = SmoothHistogram(context, samples.histograms, histograms[step], time, metric, selector.pos);
    if (smooth) VEDETTE_CHECK(out.SetHistogram(row, step, std::make_shared<const Histogram>(*std::move(smooth))));
  }
  return Ok();
}

}  // namespace vedette::promql
