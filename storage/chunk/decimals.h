// Doubles that are decimals: 12.5 is 125 / 10. Whole numbers are those with exponent 0.
//
// The idea is ALP's (Afroozeh et al., SIGMOD 2024): what people and counters write down has few decimal digits, and as
// integers such values compress far better than as floating-point bits. Every value is checked to come back bit for
// bit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace vedette::storage {

inline constexpr int kMaxDecimalExponent = 12;

struct Decimals {
  int exponent = 0;  // value = mantissa / 10^exponent
  std::vector<std::int64_t> mantissas;
};

/// Nothing when some value is not a decimal of at most kMaxDecimalExponent places and 53 bits (NaN, infinity, -0 too).
std::optional<Decimals> AsDecimals(std::span<const double> values);

/// In place of `out.size()` values; `exponent` within 0 .. kMaxDecimalExponent.
void FromDecimals(std::span<const std::int64_t> mantissas, int exponent, std::span<double> out);

}  // namespace vedette::storage
