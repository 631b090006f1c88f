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

}  // namespace vedette::storage
