// rate, increase and delta of native histograms.
//
// The last histogram less the first one, plus each that was lost in a reset, all in the coarsest schema of the window.
// Whether a histogram follows from the one before it is worked out once per series.
#include <algorithm>
#include <optional>

#include "analytics/promql/histogram_math.h"
#include "analytics/promql/window_mixed.h"
#include "analytics/promql/window_rate.h"

namespace vedette::promql::fn {

namespace {

/// What the windows of a series have to say to the user; each thing once.
struct RateNotes {
  bool not_counter = false, not_gauge = false, mixed_kinds = false;
  HistogramNotes subtracted, added;

  void Merge(const RateNotes& other) {
    not_counter |= other.not_counter;
    not_gauge |= other.not_gauge;
    mixed_kinds |= other.mixed_kinds;
    subtracted.reconciled |= other.subtracted.reconciled;
    added.reconciled |= other.added.reconciled;
  }
  void Tell(const MixedInput& input) const {
    Annotator& notes = input.context.notes;
    if (not_counter) notes.HistogramNotCounter(input.metric, input.at);
    if (not_gauge) notes.HistogramNotGauge(input.metric, input.at);
    if (mixed_kinds) notes.MixedHistogramKinds(input.metric, input.at);
    if (subtracted.reconciled) notes.MismatchedBounds(HistogramOperation::kSubtraction, input.at);
    if (added.reconciled) notes.MismatchedBounds(HistogramOperation::kAddition, input.at);
  }
};

class HistogramRates {
 public:
  HistogramRates(const MixedInput& input, bool counter) : input_(input), counter_(counter) {}

  /// Increase over the window, extrapolated; per second when asked.
  std::optional<Histogram> Of(std::size_t step, const Window& window, bool per_second) {
    RateNotes notes;
    const std::int64_t at = input_.steps.At(step);
    const std::size_t first = window.begin, last = window.end - 1;
    const std::int64_t start = counter_ ? StartWithin(input_.range, at, Started(first)) : 0;
    std::optional<Histogram> increase;
    if (window.size() > 1) {
      increase = Increase(first, last, notes);
    } else if (start != 0) {
      increase = At(first);
    }
    if (increase && window.size() > 1 && start != 0 && !Add(*increase, At(first), notes.added)) {
      notes.mixed_kinds = true;
      increase.reset();
    }
    notes_.Merge(notes);
    if (!increase) return std::nullopt;
    double factor = ExtrapolationFactor(
        input_.range, at,
        {input_.times[first], input_.times[last], window.size(), At(first).count, increase->count, counter_, start});
    if (per_second) factor /= static_cast<double>(input_.range.range_ms) / 1000.0;
    Multiply(*increase, factor);
    return increase;
  }

  const RateNotes& notes() const { return notes_; }

 private:
  const Histogram& At(std::size_t i) const { return *input_.samples[i].histogram; }
  StartedSample Started(std::size_t i) const { return {input_.times[i], input_.samples[i].start}; }

  bool ResetAt(std::size_t i) {
    if (resets_.empty()) resets_.resize(input_.samples.size(), Known::kNot);
    if (resets_[i] == Known::kNot) {
      const bool reset = BeganAnew(Started(i - 1), Started(i)) || HasReset(At(i), At(i - 1));
      resets_[i] = reset ? Known::kReset : Known::kNoReset;
    }
    return resets_[i] == Known::kReset;
  }

  std::optional<Histogram> Increase(std::size_t first, std::size_t last, RateNotes& notes) {
    const auto gauge = [this](std::size_t i) { return At(i).reset == CounterReset::kGauge; };
    notes.not_counter = counter_ && (gauge(first) || gauge(last));
    // With a reset right after it the first histogram plays no part, whatever its layout is.
    const bool first_is_lost = counter_ && ResetAt(first + 1);
    const HistogramLayout& from = *At(first_is_lost ? first + 1 : first).layout;
    if (At(last).layout->custom() != from.custom()) return Mixed(notes);
    int schema = std::min(At(last).layout->schema, from.schema);
    for (std::size_t i = first + 1; counter_ && i < last; ++i) {
      notes.not_counter |= gauge(i);
      schema = std::min(schema, At(i).layout->schema);
      if (At(i).layout->custom() != from.custom()) {
        notes = {};
        return Mixed(notes);
      }
    }
    Histogram increase = InSchema(At(last), schema);
    if (!first_is_lost) {
      Subtract(increase, At(first), notes.subtracted);
    } else if (from.custom()) {
      Subtract(increase, NothingIn(At(first + 1)), notes.subtracted);  // only bounds of both are left
    }
    for (std::size_t i = first + (first_is_lost ? 2 : 1); counter_ && i <= last; ++i) {
      if (ResetAt(i)) Add(increase, At(i - 1), notes.added);
    }
    notes.not_gauge = !counter_ && !(gauge(first) && gauge(last));
    increase.integers = false;
    increase.reset = CounterReset::kGauge;
    return increase;
  }

  static Histogram NothingIn(Histogram histogram) {
    histogram.count = histogram.zero_count = histogram.sum = 0;
    std::ranges::fill(histogram.counts, 0);
    return histogram;
  }

  static std::optional<Histogram> Mixed(RateNotes& notes) {
    notes.mixed_kinds = true;
    return std::nullopt;
  }

  enum class Known : std::uint8_t { kNot, kReset, kNoReset };

  const MixedInput& input_;
  bool counter_;
  std::vector<Known> resets_;  // per sample: whether it follows from the one before; made when asked for
  RateNotes notes_;
};

Status RateOfHistograms(const MixedInput& input, bool counter, bool per_second) {
  if (input.range.anchored || input.range.smoothed) return MixedExtendedIncrease(input, counter, per_second);
  HistogramRates rates(input, counter);
  VEDETTE_CHECK(ForEachMixed(input, [&](std::size_t step, const Window& window) -> Status {
    std::optional<Histogram> rate = rates.Of(step, window, per_second);
    return rate ? input.Set(step, *std::move(rate)) : Ok();
  }));
  rates.notes().Tell(input);
  return Ok();
}

}  // namespace

Status MixedRate(const MixedInput& input) { return RateOfHistograms(input, true, true); }
Status MixedIncrease(const MixedInput& input) { return RateOfHistograms(input, true, false); }
Status MixedDelta(const MixedInput& input) { return RateOfHistograms(input, false, false); }

}  // namespace vedette::promql::fn
