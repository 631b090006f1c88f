// The XOR chunk of Prometheus' store, which remote read streams: times as differences of differences, values XORed with
// the one before.
//
//   2 bytes big-endian: samples. First: signed varint time, 64 bits of value. Second: varint step, value.
//   Further: difference of the step to the one before behind 0 (none), 10, 110, 1110, 1111 in 14, 17, 20, 64 bits;
//   value. A value: 0 the same; 10 the changed bits lie in the last window; 11 + 5 bits leading zeros + 6 bits length
//   (0: 64).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

/// Samples that one chunk takes.
inline constexpr std::size_t kXorChunkSamples = 120;

/// So many samples a chunk says it has.
std::size_t XorChunkSize(std::string_view chunk);
/// Appends the samples. Errors: kBadData for a chunk that ends too early or whose times do not ascend.
Status DecodeXorChunk(std::string_view chunk, storage::Columns& out);

/// `times` ascend, at most kXorChunkSamples.
std::string EncodeXorChunk(std::span<const std::int64_t> times, std::span<const double> values);

}  // namespace vedette::collector
