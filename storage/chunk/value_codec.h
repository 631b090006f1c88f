// Single values in the journal: one byte for small whole numbers, two to eight for others and short decimals, nine at
// most.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "core/numbers.h"
#include "storage/coding.h"

namespace vedette::storage {

/// First byte. Below kFirstTag it is the zigzag-coded value itself. Stored: never reused.
enum ValueTag : std::uint8_t {
  kFirstTag = 0xE0,
  kInteger1 = 0xE0,  // + n - 1: n bytes (1 to 7) of the zigzag-coded value, low byte first
  kDecimal1 = 0xE8,  // + e - 1: varint of the zigzag-coded value times 10^e, e from 1 to 3
  kStale = 0xF0,     // the staleness marker
  kRaw = 0xF1,       // 8 bytes
};

inline void PutValue(std::string& out, double value) {
  constexpr double kExact = 4503599627370496.0;  // 2^52: zigzag-coded it takes at most 7 bytes
  constexpr double kPowers[] = {1, 10, 100, 1000};
  for (int exponent = 0; exponent <= 3; ++exponent) {
    const double scaled = value * kPowers[exponent];
    if (!(std::fabs(scaled) < kExact)) break;
    const auto mantissa = static_cast<std::int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    const double back = static_cast<double>(mantissa) / kPowers[exponent];
    if (std::bit_cast<std::uint64_t>(back) != std::bit_cast<std::uint64_t>(value)) continue;
    const std::uint64_t coded = ZigZag(mantissa);
    if (exponent > 0) {
      out.push_back(static_cast<char>(kDecimal1 + exponent - 1));
      PutVarint(out, coded);
    } else if (coded < kFirstTag) {
      out.push_back(static_cast<char>(coded));
    } else {
      const int bytes = (std::bit_width(coded) + 7) / 8;
      char buffer[9];
      buffer[0] = static_cast<char>(kInteger1 + bytes - 1);
      std::memcpy(buffer + 1, &coded, 8);
      out.append(buffer, static_cast<std::size_t>(bytes) + 1);
    }
    return;
  }
  if (IsStaleNan(value)) {
    out.push_back(static_cast<char>(kStale));
    return;
  }
  out.push_back(static_cast<char>(kRaw));
  PutDouble(out, value);
}

inline std::optional<double> GetValue(ByteReader& in) {
  constexpr double kPowers[] = {10, 100, 1000};
  const auto tag = in.Byte();
  if (!tag) return std::nullopt;
  if (*tag < kFirstTag) return static_cast<double>(UnZigZag(*tag));
  if (*tag < kInteger1 + 7) {
    const auto bytes = in.Bytes(static_cast<std::size_t>(*tag - kInteger1 + 1));
    if (!bytes) return std::nullopt;
    std::uint64_t coded = 0;
    std::memcpy(&coded, bytes->data(), bytes->size());
    return static_cast<double>(UnZigZag(coded));
  }
  if (*tag >= kDecimal1 && *tag < kDecimal1 + 3) {
    const auto mantissa = in.Signed();
    if (!mantissa) return std::nullopt;
    return static_cast<double>(*mantissa) / kPowers[*tag - kDecimal1];
  }
  if (*tag == kStale) return StaleNan();
  if (*tag == kRaw) return in.Double();
  return std::nullopt;
}

}  // namespace vedette::storage
