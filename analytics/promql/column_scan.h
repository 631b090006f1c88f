// Passes over all values of a series, which are rarely worth more than a look: made to be as quick as the memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace vedette::promql {

/// Whether one is a staleness marker.
bool AnyAbsent(std::span<const double> values);

/// Appends each i >= 1 with values[i] < values[i - 1].
void FindFalls(std::span<const double> values, std::vector<std::size_t>& out);

}  // namespace vedette::promql
