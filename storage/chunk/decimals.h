// Doubles that are decimals: 12.5 is 125 / 10. Whole numbers are those with exponent 0.
//
// The idea is ALP's (Afroozeh et al., SIGMOD 2024): what people and counters write down has few decimal digits, and as
// integers such values compress far better than as floating-point bits. Every value is checked to come back bit for
// bit; the few that do not (a staleness marker, an infinity) are exceptions and do not cost the rest their form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace vedette::storage {

inline constexpr int kMaxDecimalExponent = 12;

/// How a mantissa becomes a value. Stored.
enum class DecimalForm : std::uint8_t {
  kQuotient,  // mantissa / 10^exponent, correctly rounded: what parsing "0.3" gives
  kProduct,   // mantissa * (1 / 10^exponent): what arithmetic such as 3 * 0.1 gives, 0.30000000000000004
};

struct Decimals {
  int exponent = 0;
  DecimalForm form = DecimalForm::kQuotient;
  std::vector<std::int64_t> mantissas;
  std::vector<std::uint32_t> exceptions;  // positions, ascending; their mantissa repeats the one before
};

/// Nothing when more than a sixteenth of the values are no decimals of at most kMaxDecimalExponent places and 53 bits
/// (NaN, infinity and -0 are not).
std::optional<Decimals> AsDecimals(std::span<const double> values);

/// In place of `out.size()` values; `exponent` within 0 .. kMaxDecimalExponent.
void FromDecimals(std::span<const std::int64_t> mantissas, int exponent, DecimalForm form, std::span<double> out);

/// The mantissas of any values at an exponent, rounded, one after another. What has none (NaN, too large) repeats the
/// one before: a number that is always the same for the same values.
class RoundedMantissas {
 public:
  RoundedMantissas(std::span<const double> values, int exponent);
  /// Adds the next ones, wrapping, or takes them away. In all at most as many as there are values.
  void AddNext(std::span<std::int64_t> to);
  void SubtractNext(std::span<std::int64_t> from);

 private:
  std::int64_t Next();
  bool AddQuickly(double power, std::span<std::int64_t> to);

  const std::span<const double> values_;
  const double power_;
  std::size_t at_ = 0;
  std::int64_t last_ = 0;
};

}  // namespace vedette::storage
