// Compensated sums and means of native histograms.
#include "analytics/promql/histogram_totals.h"

#include <algorithm>
#include <utility>

namespace vedette::promql {

namespace {

void NoteResets(std::span<const Histogram* const> histograms, HistogramNotes& notes) {
  const auto any = [&](CounterReset said) {
    return std::ranges::any_of(histograms, [said](const Histogram* histogram) { return histogram->reset == said; });
  };
  notes.collision = any(CounterReset::kReset) && any(CounterReset::kNotReset);
}

/// Adds histograms [1, end) to the first one. False: `total.misfit` does not fit.
bool AddAll(std::span<const Histogram* const> histograms, HistogramSum& sum, HistogramTotal& total) {
  for (std::size_t i = 1; i < histograms.size(); ++i) {
    if (sum.Add(*histograms[i], 1, total.notes)) continue;
    total.misfit = i;
    return false;
  }
  return true;
}

/// Mean of which the first `direct` histograms are added up before it becomes incremental.
std::optional<Histogram> IncrementalMean(std::span<const Histogram* const> histograms, std::size_t direct,
                                         HistogramTotal& total) {
  HistogramSum mean(*histograms.front());
  if (!AddAll(histograms.first(direct), mean, total)) return std::nullopt;
  mean.Divide(static_cast<double>(direct));
  for (std::size_t i = direct; i < histograms.size(); ++i) {
    const auto count = static_cast<double>(i + 1);
    mean.Multiply((count - 1) / count);
    Histogram part = *histograms[i];
    Divide(part, count);
    if (!mean.Add(part, 1, total.notes)) {
      total.misfit = i;
      return std::nullopt;
    }
  }
  return std::move(mean).Take();
}

}  // namespace

HistogramTotal SumOf(std::span<const Histogram* const> histograms) {
  HistogramTotal total;
  HistogramSum sum(*histograms.front());
  if (AddAll(histograms, sum, total)) total.value = std::move(sum).Take();
  NoteResets(histograms, total.notes);
  return total;
}

HistogramTotal MeanOf(std::span<const Histogram* const> histograms) {
  HistogramTotal total;
  HistogramSum sum(*histograms.front());
  std::size_t direct = 1;
  bool fits = true;
  while (fits && direct < histograms.size()) {
    fits = sum.Add(*histograms[direct], 1, total.notes);
    if (fits && sum.Overflows()) break;
    if (fits) ++direct;
  }
  if (!fits) {
    total.misfit = direct;
  } else if (direct == histograms.size()) {
    sum.Divide(static_cast<double>(direct));
    total.value = std::move(sum).Take();
  } else {
    total.value = IncrementalMean(histograms, direct, total);
  }
  NoteResets(histograms, total.notes);
  return total;
}

}  // namespace vedette::promql
