// A sealed chunk of native histograms: one series over one stretch of time, by columns.
//
// Samples of one schema, threshold and set of own bounds share one layout, the union of their buckets; each bucket is
// then a column of whole numbers as any counter is, and the count is only stored where it is not the sum of the buckets
// (docs/storage_format.md draws it). Decoders trust nothing; kMaxHistogramCells bounds what any bytes can ask for.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "storage/storage.h"

namespace vedette::storage {

/// Samples times buckets of one chunk.
inline constexpr std::size_t kMaxHistogramCells = 1 << 20;

/// How many of the histograms, from the first on, one chunk may hold: at most `most`, at least one.
std::size_t FitHistograms(std::span<const Histogram> histograms, std::size_t most);

/// Appends the chunk. Shapes: times and histograms of the same length, as many as FitHistograms() says or fewer; times
/// strictly ascending; all valid.
void EncodeHistogramChunk(std::span<const std::int64_t> times, std::span<const Histogram> histograms, std::string& out);

struct HistogramChunkHeader {
  std::size_t count = 0;
  TimeRange range;  // first and last sample
};
/// Errors: kCorruption; kBadData for a version that this program does not read.
Result<HistogramChunkHeader> ReadHistogramChunkHeader(std::string_view bytes);

/// Appends all samples to `out`, which is unchanged on error. Samples of one layout share it. Errors: likewise.
Status DecodeHistogramChunk(std::string_view bytes, HistogramColumns& out);

}  // namespace vedette::storage
