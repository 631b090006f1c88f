// Many series in memory in the order of their labels, without comparing texts: labels are interned pairs, each pair
// gets its place among all, and the lists of places are put in order by counting.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "storage/head/series_table.h"

namespace vedette::storage {

/// Whether OrderByLabels() is the cheaper way to sort `count` series of the table: it looks at every pair there is.
bool IsOrderedCheaply(const SeriesTable& table, std::size_t count);

/// `series` in the order of Labels::operator<=>. The table is locked. Cost: O(labels of all + pairs of the table).
std::vector<const HeadSeries*> OrderByLabels(const SeriesTable& table, std::span<const HeadSeries* const> series);

}  // namespace vedette::storage
