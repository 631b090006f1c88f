// One native histogram as bytes, against the one before of the same series or on its own: journal and open samples.
#pragma once

#include <string>

#include "core/histogram.h"
#include "storage/coding.h"

namespace vedette::storage {

/// Appends `histogram`, which is valid. `before`: what the decoder will have decoded last; null: nothing.
void PutHistogram(const Histogram& histogram, const Histogram* before, std::string& out);

/// False when the bytes are damaged; otherwise `out` is valid and `in` behind it. `out` may be `*before`. The layout is
/// that of `before` when it is the same.
bool GetHistogram(ByteReader& in, const Histogram* before, Histogram& out);

/// The parts of a layout, also used by chunks (histogram_chunk.h).
void PutLayout(const HistogramLayout& layout, std::string& out);
/// Not validated; at most `most_buckets` of both signs together.
bool GetLayout(ByteReader& in, std::size_t most_buckets, HistogramLayout& layout);

}  // namespace vedette::storage
