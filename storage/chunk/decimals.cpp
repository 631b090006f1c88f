#include "storage/chunk/decimals.h"

#include <array>
#include <bit>
#include <cmath>

namespace vedette::storage {
namespace {

constexpr auto kPowers = std::to_array<double>({1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12});
static_assert(kPowers.size() == kMaxDecimalExponent + 1);

constexpr double kMaxMantissa = 9007199254740992.0;  // 2^53: above it doubles skip integers

/// Whether `value` is mantissa / 10^exponent to the last bit.
bool IsDecimal(double value, int exponent, std::int64_t& mantissa) {
  const double power = kPowers[static_cast<std::size_t>(exponent)];
  const double scaled = value * power;
  if (!(std::fabs(scaled) < kMaxMantissa)) return false;  // NaN and infinity end here
  mantissa = std::llrint(scaled);
  return std::bit_cast<std::uint64_t>(static_cast<double>(mantissa) / power) == std::bit_cast<std::uint64_t>(value);
}

}  // namespace

std::optional<Decimals> AsDecimals(std::span<const double> values) {
  Decimals out;
  out.mantissas.resize(values.size());
  // The exponent only grows; those before the growth are done again with the larger one.
  for (std::size_t i = 0; i < values.size();) {
    if (IsDecimal(values[i], out.exponent, out.mantissas[i])) {
      ++i;
      continue;
    }
    do {
      if (++out.exponent > kMaxDecimalExponent) return std::nullopt;
    } while (!IsDecimal(values[i], out.exponent, out.mantissas[i]));
    i = 0;
  }
  return out;
}

void FromDecimals(std::span<const std::int64_t> mantissas, int exponent, std::span<double> out) {
  const double power = kPowers[static_cast<std::size_t>(exponent)];
  if (exponent == 0) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(mantissas[i]);
  } else {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(mantissas[i]) / power;
  }
}

}  // namespace vedette::storage
