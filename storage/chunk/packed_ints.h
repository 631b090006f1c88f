// Integers in a fixed number of bits each, offset by a base; the few that do not fit are patched in afterwards.
//
// Patched frame of reference, as in Zukowski et al., "Super-Scalar RAM-CPU Cache Compression" (ICDE 2006): one missed
// scrape among 240 regular ones costs a few bytes instead of 14 bits on every timestamp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/coding.h"

namespace vedette::storage {

/// How a span of integers is packed best, and how many bytes that takes.
struct PackPlan {
  std::int64_t base = 0;
  unsigned width = 0;  // bits per value
  std::size_t exceptions = 0;
  std::size_t bytes = 0;  // an estimate that is exact without exceptions
};

/// `sorted`: the values in ascending order. Cost: one pass per candidate width.
PackPlan PlanPacking(std::span<const std::int64_t> sorted);

/// Appends: base (signed varint), width (byte), exceptions (varint), the bits, then per exception the gap to the one
/// before (varint) and its offset from the base (signed varint).
void PackInts(std::span<const std::int64_t> values, const PackPlan& plan, std::string& out);

/// Reads the first `out.size()` of `count` integers. False when the bytes are damaged; never reads outside them.
bool UnpackInts(ByteReader& in, std::size_t count, std::span<std::int64_t> out);

/// A packed sequence without exceptions, which UnpackBits reads from anywhere.
struct PlainPacking {
  std::string_view bits;
  unsigned width = 0;
  std::int64_t base = 0;
};
/// Nothing when it has exceptions or is damaged. `in` is behind it afterwards.
std::optional<PlainPacking> ReadPlainPacking(ByteReader& in, std::size_t count);

}  // namespace vedette::storage
