// Sequences of integers as bins and offsets, entropy-coded: tANS (Duda, "Asymmetric numeral systems", 2013) over the
// bin numbers, each followed by its offset in plain bits.
//
// Several states take turns, value i belonging to state i modulo their number: a processor then works on all of them at
// once instead of waiting for one table look-up after the other. Bits (see docs/storage_format.md) are written so that
// the decoder runs forwards.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "storage/chunk/bins.h"
#include "storage/coding.h"

namespace vedette::storage {

/// Appends the table and the values. Every value lies in a bin of the plan.
void EncodeBins(std::span<const std::int64_t> values, const BinPlan& plan, std::string& out);

/// Reads the first `out.size()` of `count` integers. False when the bytes are damaged; never reads outside them.
/// `in` is behind the sequence afterwards when all of it was read.
bool DecodeBins(ByteReader& in, std::size_t count, std::span<std::int64_t> out);

}  // namespace vedette::storage
