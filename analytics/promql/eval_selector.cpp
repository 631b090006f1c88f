// Selectors: from stored samples to values at steps, and to the samples of ranges.
#include <algorithm>
#include <cmath>

#include "analytics/promql/eval.h"

namespace vedette::promql {

namespace {

/// Newest sample at each step that is not older than the lookback: one pass over samples and steps.
/// `put(step, sample)` for every step that has one which is not a staleness marker.
template <class Put>
void Lookup(const storage::Columns& samples, const Steps& steps, const VectorSelector& selector, std::int64_t lookback,
            const Put& put) {
  std::size_t next = 0;  // the first sample after the step
  for (std::size_t step = 0; step < steps.count; ++step) {
    const std::int64_t at = steps.At(step);
    const std::int64_t time = Shift(selector.time, at, at).first;
    while (next < samples.size() && samples.times[next] <= time) ++next;
    if (next == 0 || samples.times[next - 1] <= MinusSaturated(time, lookback)) continue;
    if (!IsAbsent(samples.values[next - 1])) put(step, next - 1);
  }
}

void RemoveStaleMarkers(storage::Columns& samples) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (IsAbsent(samples.values[i])) continue;
    samples.times[kept] = samples.times[i];
    samples.values[kept] = samples.values[i];
    ++kept;
  }
  samples.times.resize(kept);
  samples.values.resize(kept);
}

/// Values on the straight line between the samples around each step; the newest sample where none follows.
void Smooth(const storage::Columns& samples, const Steps& steps, const VectorSelector& selector, std::int64_t lookback,
            std::span<double> out) {
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

/// A row for every series selected, filled by `fill(samples, row)`; rows that stay empty are left out.
template <class Fill>
Result<Vector> EachToRow(Evaluator& eval, const VectorSelector& selector, const Steps& steps, const Fill& fill) {
  EvalContext& context = eval.context();
  const ReferenceTimes shifted = Shift(selector.time, steps.start, steps.Last());
  const TimeRange range = InstantRange(selector, shifted.first, shifted.last, context.times.lookback);
  Vector out = eval.NewVector(steps.count);
  VEDETTE_CHECK(ReadSeries(context, selector.matchers, range,
                           [&](const RowName& name, const storage::Columns& samples) -> Status {
                             if (samples.size() == 0) return Ok();
                             VEDETTE_TRY(const std::span<double> row, out.AddRow(name));
                             fill(samples, row);
                             if (!HasAnyValue(row)) out.RemoveLastRow();
                             return Ok();
                           }));
  return out;
}

}  // namespace

Status ReadSeries(EvalContext& context, std::span<const Matcher> matchers, const TimeRange& range,
                  const SeriesSink& sink) {
  const storage::Querier& querier = context.QuerierFor(range);
  const auto series = querier.Select(matchers);
  VEDETTE_CHECK(context.Check());
  if (!series) return series.error();
  storage::Columns samples;
  for (const storage::SeriesEntry& entry : *series) {
    VEDETTE_CHECK(context.Check());
    samples.clear();
    VEDETTE_CHECK(querier.Read(entry.id, range, samples));
    context.samples_read += samples.size();
    SampleLease held(context.budget);
    VEDETTE_CHECK(held.Add(samples.size()));
    VEDETTE_CHECK(sink(RowName{entry.labels, false}, samples));
  }
  return Ok();
}

Result<Vector> SelectVector(Evaluator& eval, const VectorSelector& selector, const Steps& steps) {
  const std::int64_t lookback = eval.context().times.lookback.count();
  if (selector.smoothed) {
    return EachToRow(eval, selector, steps, [&](const storage::Columns& samples, std::span<double> row) {
      storage::Columns kept = samples;
      RemoveStaleMarkers(kept);
      Smooth(kept, steps, selector, lookback, row);
    });
  }
  return EachToRow(eval, selector, steps, [&](const storage::Columns& samples, std::span<double> row) {
    Lookup(samples, steps, selector, lookback,
           [&](std::size_t step, std::size_t sample) { row[step] = samples.values[sample]; });
  });
}

Result<Vector> Evaluator::SampleTimes(const VectorSelector& selector, const Steps& steps) {
  const std::int64_t lookback = context_.times.lookback.count();
  return EachToRow(*this, selector, steps, [&](const storage::Columns& samples, std::span<double> row) {
    Lookup(samples, steps, selector, lookback, [&](std::size_t step, std::size_t sample) {
      row[step] = static_cast<double>(samples.times[sample]) / 1000.0;
    });
  });
}

Status Evaluator::EachSelected(const MatrixSelector& selector, const Steps& steps, const SeriesSink& sink) {
  const ReferenceTimes shifted = Shift(selector.selector->time, steps.start, steps.Last());
  const TimeRange range = WindowRange(selector, shifted.first, shifted.last, context_.times.lookback);
  storage::Columns kept;
  return ReadSeries(context_, selector.selector->matchers, range,
                    [&](const RowName& name, const storage::Columns& samples) -> Status {
                      if (std::ranges::none_of(samples.values, IsAbsent)) return sink(name, samples);
                      kept = samples;
                      RemoveStaleMarkers(kept);
                      return sink(name, kept);
                    });
}

}  // namespace vedette::promql
