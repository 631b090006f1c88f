// Sample values: a fast way for what nearly all of them are (short integers and decimals), the correct one for the
// rest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/time.h"

namespace vedette::collector {

/// The value at the beginning of [at, end) if it is a plain decimal of at most 2^53 after its digits are strung
/// together and with at most 22 of them behind the point; then a division of two exact doubles is correctly rounded
/// (Clinger 1990). Returns where it ends; null when the text is of another kind, which says nothing about its validity.
inline const char* ParsePlainDecimal(const char* at, const char* end, double& value) {
  constexpr std::array<double, 23> kPowers = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  const char* const first = at;
  std::uint64_t digits = 0;
  const auto take = [&] {
    while (at != end && static_cast<unsigned char>(*at - '0') < 10) {
      if (at - first > 18) return false;
      digits = digits * 10 + static_cast<unsigned char>(*at++ - '0');
    }
    return true;
  };
  if (!take() || at == first) return nullptr;
  std::size_t fraction = 0;
  if (at != end && *at == '.') {
    const char* const point = ++at;
    if (!take()) return nullptr;
    fraction = static_cast<std::size_t>(at - point);
  }
  if (digits > kExact) return nullptr;
  const double magnitude = static_cast<double>(digits);
  value = fraction == 0 ? magnitude : magnitude / kPowers[fraction];
  if (negative) value = -value;
  return at;
}

/// Any sample value, the whole text; NaN comes out as the ordinary NaN. Nothing for text that is no float, and for
/// numbers beyond the range, as Prometheus refuses them.
std::optional<double> ParseSampleValue(std::string_view text);

/// Seconds as OpenMetrics writes times, cut to ms as Prometheus cuts them, and clamped.
std::optional<TimeMs> ParseOpenMetricsTime(std::string_view text);

}  // namespace vedette::collector
