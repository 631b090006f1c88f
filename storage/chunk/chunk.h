// A sealed chunk: samples of one series in their stored form. The codecs are chosen by size, chunk by chunk.
//
// Layout (docs/storage_format.md draws it): version, codecs, count, time range, summary, times, values. Decoders trust
// nothing: any bytes give samples or kCorruption, with memory bounded by kMaxChunkSamples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "storage/chunk/chunk_times.h"
#include "storage/chunk/flat_ints.h"
#include "storage/chunk/summary.h"
#include "storage/storage.h"

namespace vedette::storage {

/// Stored: values are never reused.
enum class ValueCodec : std::uint8_t {
  kConstant = 0,    // one value
  kIntegers = 1,    // whole numbers, or decimals as mantissa / 10^exponent: an integer sequence
  kXor = 2,         // anything: XOR with the one before
  kFloatBits = 3,   // anything: the bits as an integer sequence
  kProducts = 4,    // decimals as mantissa * (1 / 10^exponent)
  kHistograms = 8,  // reserved for native histograms: no release writes or reads it yet
};
struct ChunkHeader {
  std::size_t count = 0;
  TimeRange range;  // first and last sample
  TimeCodec time_codec = TimeCodec::kRegular;
  ValueCodec value_codec = ValueCodec::kConstant;
  /// Absent when the chunk holds a NaN of any kind, or is too short to pay for it.
  std::optional<ChunkSummary> summary;
};

/// Appends the chunk. Shapes: times and values of the same length, 1 to kMaxChunkSamples; times strictly ascending.
/// `forced`: only for the codec laboratory and tests; a codec that cannot hold the values is replaced by kXor.
/// `effort`: kPackedOnly for chunks that will soon be coded again.
void EncodeChunk(std::span<const std::int64_t> times, std::span<const double> values, std::string& out,
                 std::optional<ValueCodec> forced = std::nullopt, IntEffort effort = IntEffort::kSmallest);

/// Errors: kCorruption; kBadData for a version that this program does not read.
Result<ChunkHeader> ReadChunkHeader(std::string_view bytes);

/// Appends all samples to `out`, which is unchanged on error. Errors: as ReadChunkHeader.
Status DecodeChunk(std::string_view bytes, Columns& out);

/// Appends the samples within `range` to `out`, which is unchanged on error: those after it are not decoded, and
/// nothing is where the chunk lies outside. Errors: as ReadChunkHeader.
Status DecodeChunkRange(std::string_view bytes, TimeRange range, Columns& out);

}  // namespace vedette::storage
