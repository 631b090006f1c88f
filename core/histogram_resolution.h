// Coarser native histograms: neighbouring buckets put together until the schema is the wanted one.
#pragma once

#include <cstddef>

#include "core/histogram.h"

namespace vedette {

/// Of a valid histogram with exponential buckets. Does nothing when `schema` is not below the histogram's own.
void ReduceResolution(Histogram& histogram, int schema);

/// Buckets that hold something, of both signs.
std::size_t FilledBuckets(const Histogram& histogram);

}  // namespace vedette
