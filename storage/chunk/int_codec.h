// Integer sequences: timestamps, counters, decimals scaled to integers, the bits of doubles. All go through here.
//
// The values, their differences or the differences of those (the "order") are coded in one of four ways: packed in a
// fixed number of bits (packed_ints.h), as bins under an entropy coder (bin_coder.h), as places and values of the few
// that are not the usual one, or as multiples of a step and what they are beside it (stepped_ints.h). What is a
// multiple of something whole is divided first. The smallest way is kept; a quicker one that is hardly larger is
// preferred.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "storage/chunk/flat_ints.h"
#include "storage/coding.h"

namespace vedette::storage {

/// Appends the sequence. Cost: 30 to 70 ns per integer.
void EncodeInts(std::span<const std::int64_t> values, std::string& out, IntEffort effort = IntEffort::kSmallest);

/// Reads the first `out.size()` of `count` integers. False when the bytes are damaged. `in` is behind the sequence
/// afterwards.
bool DecodeInts(ByteReader& in, std::size_t count, std::span<std::int64_t> out);

/// Takes the integers from number `at` on. It may change them.
using IntSink = std::function<void(std::size_t at, std::span<std::int64_t> part)>;

/// DecodeInts of the first `wanted`, in order and in parts that stay in the processor's cache where the sequence allows
/// it: for whoever makes something else of them at once. The sink is called for nothing that is found damaged.
bool DecodeIntsInParts(ByteReader& in, std::size_t count, std::size_t wanted, const IntSink& sink);

}  // namespace vedette::storage
