// Integers one by one, packed in a fixed number of bits or as bins under the entropy coder: what every way of coding a
// sequence (int_codec.h) ends in.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "storage/chunk/bins.h"
#include "storage/chunk/packed_ints.h"
#include "storage/coding.h"

namespace vedette::storage {

/// Which ways a sequence may be coded: everything, or packing alone, which takes half the time, is read two to three
/// times as fast, and on a few hundred values is hardly larger.
enum class IntEffort : std::uint8_t { kSmallest, kPackedOnly };

/// Stored.
enum class FlatMode : std::uint8_t { kPacked = 0, kBins = 1 };

struct FlatPlan {
  FlatMode mode = FlatMode::kPacked;
  PackPlan pack;
  BinPlan bins;
  std::size_t bytes = 0;  // about
};

/// `sorted`: the values in ascending order.
FlatPlan PlanFlat(std::span<const std::int64_t> sorted, IntEffort effort);
/// The same for values in any order.
FlatPlan PlanFlatUnsorted(std::span<const std::int64_t> values, IntEffort effort);
void PutFlat(std::span<const std::int64_t> values, const FlatPlan& plan, std::string& out);

/// Reads the first `out.size()` of `count` integers. False when the bytes are damaged. `in` is behind the sequence
/// afterwards when all of it was read.
bool GetFlat(FlatMode mode, ByteReader& in, std::size_t count, std::span<std::int64_t> out);

}  // namespace vedette::storage
