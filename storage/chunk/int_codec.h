// Integer sequences by differences: the values themselves, their deltas, or the deltas of those, whichever packs best.
// Timestamps, counters and decimals scaled to integers all go through here.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "storage/coding.h"

namespace vedette::storage {

/// Appends: order (byte, 0 to 2), the first `order` values of the difference ladder (signed varints), the packed rest.
void EncodeInts(std::span<const std::int64_t> values, std::string& out);

/// Reads `out.size()` integers. False when the bytes are damaged.
bool DecodeInts(ByteReader& in, std::span<std::int64_t> out);

}  // namespace vedette::storage
