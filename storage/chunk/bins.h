// Integers cut into bins: a value is the number of its bin and an offset of a few bits within it. How often each bin
// occurs is what the entropy coder (bin_coder.h) lives on; within a bin the values count as evenly spread.
//
// The idea is pcodec's (Loncaric et al., "Pcodec: Better Compression for Numerical Sequences", 2025); where the cuts
// lie is found by dynamic programming over the sorted values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vedette::storage {

/// Bins per sequence at most: their numbers fit a byte.
inline constexpr std::size_t kMaxBins = 256;
/// Weights add up to 2^table_log.
inline constexpr unsigned kMinTableLog = 4, kMaxTableLog = 11;

/// States of the entropy coder that take turns in a sequence. Stored by the count: short sequences cannot pay for the
/// start of eight.
constexpr std::size_t StatesFor(std::size_t count) {
  return count >= 2048 ? 8 : count >= 512 ? 4 : count >= 64 ? 2 : 1;
}

/// Holds lower .. lower + 2^width - 1.
struct Bin {
  std::int64_t lower = 0;
  std::uint8_t width = 0;  // bits of the offset, 0 .. 64
  std::uint32_t count = 0;
  std::uint32_t weight = 0;  // its share of 2^table_log, at least 1
};

struct BinPlan {
  std::vector<Bin> bins;  // ascending, none overlaps the next
  unsigned table_log = kMinTableLog;
  std::size_t bytes = 0;  // about what the coded sequence takes
};

/// Cost: O(n + groups^2), with up to 128 groups of neighbouring values. `sorted` is ascending and not empty.
BinPlan PlanBins(std::span<const std::int64_t> sorted);

/// Sorts by radix: about 2 ns per value and byte that differs. `spare` is scratch.
void SortInts(std::vector<std::int64_t>& values, std::vector<std::int64_t>& spare);

}  // namespace vedette::storage
