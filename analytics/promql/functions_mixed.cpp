// Range functions on a series that has native histograms: sorts the windows by what is in them, and runs the function
// of the floats, that of the histograms, or both.
#include <string_view>
#include <vector>

#include "analytics/promql/functions_impl.h"

namespace vedette::promql {

namespace {

/// Samples of both kinds in the order of time.
struct MergedSamples {
  std::vector<std::int64_t> times;
  std::vector<MixedSample> samples;

  explicit MergedSamples(const SeriesSamples& from, std::span<const std::int64_t> float_starts,
                         std::span<const std::int64_t> histogram_starts) {
    const storage::Columns& floats = from.floats;
    const storage::HistogramColumns& histograms = from.histograms;
    times.reserve(floats.size() + histograms.size());
    samples.reserve(floats.size() + histograms.size());
    std::size_t f = 0, h = 0;
    while (f < floats.size() || h < histograms.size()) {
      if (h == histograms.size() || (f < floats.size() && floats.times[f] < histograms.times[h])) {
        times.push_back(floats.times[f]);
        samples.push_back({floats.values[f], nullptr, float_starts.empty() ? 0 : float_starts[f]});
        ++f;
      } else {
        times.push_back(histograms.times[h]);
        samples.push_back({0, &histograms.histograms[h], histogram_starts.empty() ? 0 : histogram_starts[h]});
        ++h;
      }
    }
  }

  std::vector<std::int64_t> Starts() const {
    std::vector<std::int64_t> starts(samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) starts[i] = samples[i].start;
    return starts;
  }
};

/// Leaves every window to one of the two functions, or to none. `all` are the windows over both kinds.
void SortWindows(MixedRanges ranges, std::string_view metric, Position at, Annotator& notes,
                 std::vector<Window>& floats, std::vector<Window>& all) {
  for (std::size_t step = 0; step < all.size(); ++step) {
    const bool any_floats = floats[step].size() > 0;
    const bool mixed = any_floats && floats[step].size() < all[step].size();
    if (ranges == MixedRanges::kBoth) {
      floats[step] = {};
    } else if (ranges == MixedRanges::kFloatsOnly) {
      if (mixed) notes.IgnoredInMixedRange(metric, at);
      all[step] = {};
    } else if (any_floats) {
      if (mixed) notes.MixedFloatsHistograms(metric, at);
      if (mixed) floats[step] = {};
      all[step] = {};
    }
  }
}

}  // namespace

Status RunMixedWindows(Evaluator& eval, const CallExpr& call, const FunctionCode& code, const Steps& steps,
                       const RangeShape& shape, std::span<const Scalar> scalars, const RowName& name,
                       const SeriesSamples& samples, Vector& out) {
  EvalContext& context = eval.context();
  const std::size_t row = out.rows() - 1;
  const std::string_view metric = name.labels.MetricName();
  const Position at = AnnotatedPosition(call);
  std::vector<std::int64_t> float_starts, histogram_starts;
  if (!samples.starts.empty()) {
    float_starts = StartsAt(samples.starts, samples.floats.times);
    histogram_starts = StartsAt(samples.starts, samples.histograms.times);
  }
  const MergedSamples merged(samples, float_starts, histogram_starts);
  std::vector<Window> floats, all;
  FindWindows(samples.floats.times, steps, shape, floats);
  FindWindows(merged.times, steps, shape, all);
  SortWindows(code.ranges, metric, at, context.notes, floats, all);

  const bool extended = shape.anchored || shape.smoothed;
  if (code.ranges != MixedRanges::kBoth && samples.floats.size() > 0) {
    VEDETTE_CHECK(
        code.window({samples.floats.times, samples.floats.values, floats, steps, shape, scalars, context, float_starts},
                    out.values(row)));
    if (code.wants_counter && !float_starts.empty() && !extended) {
      NoteOverlaps(context.notes, metric, at, samples.floats.times, float_starts, floats);
    }
  }
  if (code.mixed == nullptr) return Ok();
  VEDETTE_CHECK(code.mixed({merged.times, merged.samples, all, steps, shape, context, metric, at, out, row}));
  if (code.wants_counter && !histogram_starts.empty() && !extended) {
    NoteOverlaps(context.notes, metric, at, merged.times, merged.Starts(), all);
  }
  return Ok();
}

}  // namespace vedette::promql
