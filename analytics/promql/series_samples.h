// The samples of one series on their way from the store, or a subquery, to a function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/histogram.h"
#include "storage/storage.h"

namespace vedette::promql {

/// Most series have floats only, and then the other arrays are empty. No time is in both columns.
struct SeriesSamples {
  storage::Columns floats;
  storage::HistogramColumns histograms;
  /// When the counter began, where someone asked for it.
  std::vector<storage::StartTime> starts;

  bool empty() const { return floats.size() == 0 && histograms.size() == 0; }
  void clear();
};

bool HasStaleMarkers(const SeriesSamples& samples);
void RemoveStaleMarkers(SeriesSamples& samples);

/// What histograms of the store say of resets, as the engine takes it: a sender's "not reset" is no proof, as samples
/// between may be missing here.
void ForgetUnproven(storage::HistogramColumns& histograms);
/// Works out for each histogram whether it follows from the one before it, which needs the buckets, and then drops
/// these: for expressions that look at counts and sums only.
void ReduceToCounts(storage::HistogramColumns& histograms);

/// When the counter behind the sample at each of `times` (ascending) began, in ms; 0 where nobody knows. What a sample
/// said itself counts for it, even when that lies in its future. O(n log n).
std::vector<std::int64_t> StartsAt(std::span<const storage::StartTime> known, std::span<const std::int64_t> times);

}  // namespace vedette::promql
