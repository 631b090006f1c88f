// Text to number and back, as Go's strconv does it: exposition, PromQL and the API share these.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vedette {

/// ASCII only, whatever the locale.
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Bit by bit: a NaN is the same as one with its payload, and -0 is not 0.
constexpr bool SameBits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}
constexpr bool SameBits(std::span<const double> a, std::span<const double> b) {
  return std::ranges::equal(a, b, [](double x, double y) { return SameBits(x, y); });
}

/// The double with the bits 0x7ff0000000000002: marks a series as gone (Prometheus' staleness marker).
double StaleNan();
bool IsStaleNan(double value);
/// An ordinary NaN with the bits that Prometheus uses, 0x7ff8000000000001.
double NormalNan();

/// Decimal or exponent notation, "Inf"/"infinity"/"NaN" in any case, with an optional sign. The whole text must be used
/// up. Values too small become zero, too large is an error, as in Go's ParseFloat ("1e-400" is 0, "1e400" is nullopt).
/// Hexadecimal and "_" are PromQL's business, not this function's.
std::optional<double> ParseFloat(std::string_view text);

/// A sample value in an API vector or matrix: shortest digits that read back equal; exponent form below 1e-6 and from
/// 1e21 on (sign and two exponent digits at least), "NaN", "+Inf", "-Inf".
void AppendSampleValue(std::string& out, double value);

/// Go's FormatFloat(v, 'f', -1, 64): shortest digits, never an exponent. Label values (le, quantile, count_values) and
/// API scalars are written so.
void AppendFixed(std::string& out, double value);

/// Go's FormatFloat(v, 'e', -1, 64): "1.1e+01", as alert values are written.
void AppendExponent(std::string& out, double value);

/// Go's FormatFloat(v, 'g', -1, 64), what Go's %v prints: exponent form below 1e-4 and from 1e6 on.
void AppendGeneral(std::string& out, double value);

std::string FormatSampleValue(double value);
std::string FormatFixed(double value);

}  // namespace vedette
