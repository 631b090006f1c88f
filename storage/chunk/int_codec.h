// Integer sequences: timestamps, counters, decimals scaled to integers, the bits of doubles. All go through here.
//
// The values, their differences or the differences of those (the "order") are coded in one of three ways: packed in a
// fixed number of bits (packed_ints.h), as bins under an entropy coder (bin_coder.h), or as places and values of the
// few that are not the usual one. What is a multiple of something is divided first. The smallest way is kept; a quicker
// one that is hardly larger is preferred.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "storage/coding.h"

namespace vedette::storage {

/// Which ways a sequence may be coded: everything, or packing alone (to measure what it gives away).
enum class IntEffort : std::uint8_t { kSmallest, kPackedOnly };

/// Appends the sequence. Cost: 30 to 70 ns per integer.
void EncodeInts(std::span<const std::int64_t> values, std::string& out, IntEffort effort = IntEffort::kSmallest);

/// Reads the first `out.size()` of `count` integers. False when the bytes are damaged. `in` is behind the sequence
/// afterwards.
bool DecodeInts(ByteReader& in, std::size_t count, std::span<std::int64_t> out);

}  // namespace vedette::storage
