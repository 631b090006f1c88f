// Pieces of one series put together: sorted by time, each time once.
#pragma once

#include "core/time.h"
#include "storage/storage.h"

namespace vedette::storage {

/// Sorts what `columns` holds from element `first` on by time and resolves samples with the same time
/// (ResolveDuplicate). Cost: linear when it is in order already.
void SortAndResolve(Columns& columns, std::size_t first);

/// Removes from element `first` on what lies outside `range`; those are sorted.
void CutToRange(Columns& columns, std::size_t first, TimeRange range);

/// The same of histograms.
void SortAndResolve(HistogramColumns& columns, std::size_t first);
void CutToRange(HistogramColumns& columns, std::size_t first, TimeRange range);

/// Leaves one sample per time: drops floats that a histogram beats, and markers of histograms that a float beats. Both
/// are sorted from these elements on.
void ResolveMixed(Columns& floats, std::size_t first_float, HistogramColumns& histograms, std::size_t first_histogram);

}  // namespace vedette::storage
