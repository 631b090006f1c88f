// sum_over_time and avg_over_time of native histograms.
#include <vector>

#include "analytics/promql/histogram_totals.h"
#include "analytics/promql/window_mixed.h"

namespace vedette::promql::fn {

namespace {

Status TotalOverTime(const MixedInput& input, HistogramTotal (*total_of)(std::span<const Histogram* const>)) {
  HistogramNotes notes;
  bool mixed_kinds = false;
  std::vector<const Histogram*> histograms;
  VEDETTE_CHECK(ForEachMixed(input, [&](std::size_t step, const Window& window) -> Status {
    histograms.clear();
    for (std::size_t i = window.begin; i < window.end; ++i) histograms.push_back(input.samples[i].histogram);
    HistogramTotal total = total_of(histograms);
    if (!total.value) {
      mixed_kinds = true;
      return Ok();
    }
    notes.collision |= total.notes.collision;
    notes.reconciled |= total.notes.reconciled;
    return input.Set(step, *std::move(total.value));
  }));
  Annotator& annotator = input.context.notes;
  if (mixed_kinds) annotator.MixedHistogramKinds(input.metric, input.at);
  if (notes.collision) annotator.CollidingResets(HistogramOperation::kAggregation, input.at);
  if (notes.reconciled) annotator.MismatchedBounds(HistogramOperation::kAggregation, input.at);
  return Ok();
}

}  // namespace

Status MixedSumOverTime(const MixedInput& input) { return TotalOverTime(input, SumOf); }
Status MixedAvgOverTime(const MixedInput& input) { return TotalOverTime(input, MeanOf); }

}  // namespace vedette::promql::fn
