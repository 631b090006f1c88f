// Sums and means of many native histograms: aggregations and *_over_time share them.
#pragma once

#include <optional>
#include <span>

#include "analytics/promql/histogram_math.h"

namespace vedette::promql {

struct HistogramTotal {
  /// Nothing: they are not all of one kind.
  std::optional<Histogram> value;
  HistogramNotes notes;
  /// The first that did not fit, when there is no value.
  std::size_t misfit = 0;
};

/// Of at least one histogram, none of them null, in their order. What they say of resets collides when any one says
/// there was one and any other that there was none.
HistogramTotal SumOf(std::span<const Histogram* const> histograms);
/// Sum over count, and an incremental mean from the moment the sum would overflow.
HistogramTotal MeanOf(std::span<const Histogram* const> histograms);

}  // namespace vedette::promql
