// Selectors: from stored samples to values at steps, and to the samples of ranges.
#include <algorithm>
#include <memory>
#include <optional>

#include "analytics/promql/eval.h"
#include "analytics/promql/eval_labels.h"
#include "analytics/promql/eval_rows.h"

namespace vedette::promql {

namespace {

/// Newest sample at each step that is not older than the lookback: one pass over samples and steps.
/// `put(step, sample)` for every step that has one, be it a staleness marker.
template <class Put>
void Lookup(std::span<const std::int64_t> times, const Steps& steps, const VectorSelector& selector,
            std::int64_t lookback, const Put& put) {
  std::size_t next = 0;  // the first sample after the step
  for (std::size_t step = 0; step < steps.count; ++step) {
    const std::int64_t at = steps.At(step);
    const std::int64_t time = Shift(selector.time, at, at).first;
    while (next < times.size() && times[next] <= time) ++next;
    if (next == 0 || times[next - 1] <= MinusSaturated(time, lookback)) continue;
    put(step, next - 1);
  }
}

/// A sample of a series that has histograms.
struct Found {
  std::optional<std::size_t> float_at, histogram_at;  // one of them
};

/// The newest sample of either kind at each step; nothing where that is a staleness marker.
std::vector<Found> LookupMixed(const SeriesSamples& samples, const Steps& steps, const VectorSelector& selector,
                               std::int64_t lookback) {
  std::vector<Found> found(steps.count);
  Lookup(samples.floats.times, steps, selector, lookback,
         [&](std::size_t step, std::size_t sample) { found[step].float_at = sample; });
  Lookup(samples.histograms.times, steps, selector, lookback, [&](std::size_t step, std::size_t sample) {
    Found& there = found[step];
    if (there.float_at && samples.floats.times[*there.float_at] > samples.histograms.times[sample]) return;
    there = {std::nullopt, sample};
  });
  for (Found& there : found) {
    if (there.float_at && IsAbsent(samples.floats.values[*there.float_at])) there = {};
    if (there.histogram_at && IsStaleHistogram(samples.histograms.histograms[*there.histogram_at])) there = {};
  }
  return found;
}

/// A row for every series selected, filled by `fill(work, samples)`; rows that stay empty are left out.
template <class Fill>
Result<Vector> EachToRow(Evaluator& eval, const VectorSelector& selector, const Steps& steps,
                         const ReadOptions& options, const Fill& fill,
                         const std::vector<std::string>* names = nullptr) {
  const ReferenceTimes shifted = Shift(selector.time, steps.start, steps.Last());
  const TimeRange range = InstantRange(selector, shifted.first, shifted.last, eval.context().times.lookback);
  return RowsOfSeries(eval, steps, {selector.matchers, range, options, true, names},
                      [&](RowWork& work, const RowName&, const SeriesSamples& samples) { return fill(work, samples); });
}

Status FillMixed(const SeriesSamples& samples, const std::vector<Found>& found, Vector& out, std::size_t row) {
  HistogramPtr shared;  // mostly the same for some steps
  std::optional<std::size_t> shared_at;
  for (std::size_t step = 0; step < found.size(); ++step) {
    if (found[step].float_at) out.values(row)[step] = samples.floats.values[*found[step].float_at];
    const auto at = found[step].histogram_at;
    if (!at) continue;
    if (at != shared_at) shared = std::make_shared<const Histogram>(samples.histograms.histograms[*at]);
    shared_at = at;
    VEDETTE_CHECK(out.SetHistogram(row, step, shared));
  }
  return Ok();
}

}  // namespace

Status ReadOne(EvalContext& context, const storage::Querier& querier, storage::SeriesReader& reader,
               storage::SeriesId series, const TimeRange& range, const ReadOptions& options, SeriesSamples& out,
               SampleLease& held) {
  out.clear();
  VEDETTE_CHECK(reader.Read(series, range, out.floats, out.histograms));
  if (options.starts && context.use_start_timestamps) VEDETTE_CHECK(querier.ReadStarts(series, out.starts));
  std::size_t weight = out.floats.size();
  if (out.histograms.size() > 0) {
    context.bound_to_range = true;
    for (const Histogram& histogram : out.histograms.histograms) weight += SampleWeight(histogram);
    ForgetUnproven(out.histograms);
    if (options.counts_only) ReduceToCounts(out.histograms);
  }
  context.samples_read += weight;
  return held.Cover(weight);
}

Status ReadSeries(EvalContext& context, std::span<const Matcher> matchers, const TimeRange& range,
                  const ReadOptions& options, const SeriesSink& sink) {
  QueryProfile::Visit visit(context.profile, QueryProfile::KeyOf(matchers), context.samples_read);
  const storage::Querier& querier = context.QuerierFor(range);
  const auto series = context.Select(querier, matchers);
  VEDETTE_CHECK(context.Check());
  if (!series) return series.error();
  visit.Result(series->size(), 0);
  SeriesSamples samples;
  const auto reader = querier.NewReader();
  for (const storage::SeriesEntry& entry : *series) {
    VEDETTE_CHECK(context.Check());
    SampleLease held(context.budget);
    VEDETTE_CHECK(ReadOne(context, querier, *reader, entry.id, range, options, samples, held));
    VEDETTE_CHECK(sink(RowName{entry.labels, false}, samples));
  }
  return Ok();
}

Result<Vector> SelectVector(Evaluator& eval, const VectorSelector& selector, const Steps& steps) {
  const std::int64_t lookback = eval.context().times.lookback.count();
  const ReadOptions options{.counts_only = eval.plan().CountsOnly(selector)};
  const std::vector<std::string>* const names = LabelsThatMatter(eval, selector);
  if (selector.smoothed) {
    return EachToRow(
        eval, selector, steps, options,
        [&](RowWork& work, const SeriesSamples& samples) -> Status {
          SeriesSamples kept = samples;
          RemoveStaleMarkers(kept);
          return SmoothSelected(work.eval.context(), selector, steps, kept, work.out, work.out.rows() - 1);
        },
        names);
  }
  return EachToRow(
      eval, selector, steps, options,
      [&](RowWork& work, const SeriesSamples& samples) -> Status {
        Vector& out = work.out;
        const std::size_t row = out.rows() - 1;
        if (samples.histograms.size() > 0) {
          return FillMixed(samples, LookupMixed(samples, steps, selector, lookback), out, row);
        }
        const std::span<double> values = out.values(row);
        Lookup(samples.floats.times, steps, selector, lookback, [&](std::size_t step, std::size_t sample) {
          values[step] = samples.floats.values[sample];  // a staleness marker means absent here, too
        });
        return Ok();
      },
      names);
}

Result<Vector> Evaluator::SampleTimes(const VectorSelector& selector, const Steps& steps, TimeOf what) {
  const std::int64_t lookback = context_.times.lookback.count();
  const auto seconds = [](std::int64_t ms) { return static_cast<double>(ms) / 1000.0; };
  const auto fill = [&](RowWork& work, const SeriesSamples& samples) -> Status {
    Vector& out = work.out;
    const std::size_t row = out.rows() - 1;
    const std::span<double> values = out.values(row);
    if (what != TimeOf::kStart && samples.histograms.size() == 0) {
      Lookup(samples.floats.times, steps, selector, lookback, [&](std::size_t step, std::size_t sample) {
        if (!IsAbsent(samples.floats.values[sample])) values[step] = seconds(samples.floats.times[sample]);
      });
      return Ok();
    }
    const auto times_of = [&](std::span<const std::int64_t> times) {
      return what == TimeOf::kStart ? StartsAt(samples.starts, times)
                                    : std::vector<std::int64_t>(times.begin(), times.end());
    };
    const std::vector<std::int64_t> floats = times_of(samples.floats.times);
    const std::vector<std::int64_t> histograms = times_of(samples.histograms.times);
    const std::vector<Found> found = LookupMixed(samples, steps, selector, lookback);
    for (std::size_t step = 0; step < found.size(); ++step) {
      const auto& [float_at, histogram_at] = found[step];
      if (histogram_at && what == TimeOf::kInfo) {
        return Fail(Code::kExecution, "this should be an info metric, with float samples: {}",
                    BracedText(out.name(row).labels));
      }
      if (float_at) values[step] = seconds(floats[*float_at]);
      if (histogram_at) values[step] = seconds(histograms[*histogram_at]);
    }
    return Ok();
  };
  return EachToRow(*this, selector, steps, {.starts = what == TimeOf::kStart}, fill);
}

TimeRange Evaluator::RangeOf(const MatrixSelector& selector, const Steps& steps) const {
  const ReferenceTimes shifted = Shift(selector.selector->time, steps.start, steps.Last());
  return WindowRange(selector, shifted.first, shifted.last, context_.times.lookback);
}

Status Evaluator::EachSelected(const MatrixSelector& selector, const Steps& steps, const SeriesSink& sink,
                               bool starts) {
  const ReadOptions options{starts, plan_.CountsOnly(*selector.selector)};
  SeriesSamples kept;
  return ReadSeries(context_, selector.selector->matchers, RangeOf(selector, steps), options,
                    [&](const RowName& name, const SeriesSamples& samples) -> Status {
                      if (!HasStaleMarkers(samples)) return sink(name, samples);
                      kept = samples;
                      RemoveStaleMarkers(kept);
                      return sink(name, kept);
                    });
}

}  // namespace vedette::promql
