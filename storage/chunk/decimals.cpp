#include "storage/chunk/decimals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "storage/chunk/kernels.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

constexpr auto kPowers = std::to_array<double>({1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12});
static_assert(kPowers.size() == kMaxDecimalExponent + 1);

constexpr double kMaxMantissa = 9007199254740992.0;  // 2^53: above it doubles skip integers

double ValueOf(std::int64_t mantissa, int exponent, DecimalForm form) {
  const double power = kPowers[static_cast<std::size_t>(exponent)];
  const auto m = static_cast<double>(mantissa);
  return form == DecimalForm::kQuotient ? m / power : m * (1 / power);
}

/// Whether `value` comes back from a mantissa to the last bit.
bool IsDecimal(double value, int exponent, DecimalForm form, std::int64_t& mantissa) {
  const double scaled = value * kPowers[static_cast<std::size_t>(exponent)];
  if (!(std::fabs(scaled) < kMaxMantissa)) return false;  // NaN and infinity end here
  // As llrint, without a call: adding and taking away 1.5 * 2^52 rounds; larger ones are whole already.
  constexpr double kRound = 6755399441055744.0;
  mantissa = static_cast<std::int64_t>(std::fabs(scaled) < kMaxMantissa / 4 ? (scaled + kRound) - kRound : scaled);
  return std::bit_cast<std::uint64_t>(ValueOf(mantissa, exponent, form)) == std::bit_cast<std::uint64_t>(value);
}

/// The first exponent from `exponent` on that holds the value, or -1.
int ExponentFor(double value, int exponent, DecimalForm form) {
  std::int64_t mantissa;
  for (; exponent <= kMaxDecimalExponent; ++exponent) {
    if (IsDecimal(value, exponent, form, mantissa)) return exponent;
  }
  return -1;
}

/// The exponent that a few values spread over all of them need; -1 when too many have none.
int GuessExponent(std::span<const double> values, DecimalForm form) {
  constexpr std::size_t kSample = 24;
  const std::size_t n = std::min(kSample, values.size());
  std::size_t without = 0;
  int exponent = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const int found = ExponentFor(values[i * values.size() / n], exponent, form);
    if (found < 0 && ++without > n / 8 + 1) return -1;
    exponent = std::max(exponent, found);
  }
  return without == n ? -1 : exponent;
}

/// Fills in the mantissas. False when there would be more than `max_exceptions`.
bool Scale(std::span<const double> values, std::size_t max_exceptions, Decimals& out) {
  out.exceptions.clear();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (IsDecimal(values[i], out.exponent, out.form, out.mantissas[i])) continue;
    const int exponent = ExponentFor(values[i], out.exponent, out.form);
    if (exponent > 0) {  // those before are done again with the larger one
      out.exponent = exponent;
      return Scale(values, max_exceptions, out);
    }
    out.exceptions.push_back(static_cast<std::uint32_t>(i));
    if (out.exceptions.size() > max_exceptions) return false;
    out.mantissas[i] = i == 0 ? 0 : out.mantissas[i - 1];
  }
  // An exception at the very start repeats what follows it.
  for (std::size_t i = out.exceptions.size(); i-- > 0;) {
    const std::uint32_t at = out.exceptions[i];
    if (at == i && at + 1 < values.size()) out.mantissas[at] = out.mantissas[at + 1];
  }
  return true;
}

}  // namespace

std::optional<Decimals> AsDecimals(std::span<const double> values) {
  const std::size_t max_exceptions = values.size() / 16 + 1;
  Decimals out;
  out.mantissas.resize(values.size());
  for (const DecimalForm form : {DecimalForm::kQuotient, DecimalForm::kProduct}) {
    out.form = form;
    out.exponent = GuessExponent(values, form);
    if (out.exponent >= 0 && Scale(values, max_exceptions, out)) return out;
  }
  return std::nullopt;
}

void FromDecimals(std::span<const std::int64_t> mantissas, int exponent, DecimalForm form, std::span<double> out) {
  const double power = kPowers[static_cast<std::size_t>(exponent)];
  if (exponent == 0) {
    ToDoubles(mantissas, out);
  } else if (form == DecimalForm::kQuotient) {
    DivideInts(mantissas, power, out);
  } else {
    MultiplyInts(mantissas, 1 / power, out);
  }
}

RoundedMantissas::RoundedMantissas(std::span<const double> values, int exponent)
    : values_(values), power_(kPowers[static_cast<std::size_t>(exponent)]) {}

std::int64_t RoundedMantissas::Next() {
  std::int64_t rounded = 0;
  if (AddRounded(values_.subspan(at_++, 1), power_, std::span(&rounded, 1))) last_ = rounded;
  return last_;
}

bool RoundedMantissas::AddQuickly(double power, std::span<std::int64_t> to) {
  if (to.empty()) return true;
  const std::int64_t before = to.back();
  if (!AddRounded(values_.subspan(at_, to.size()), power, to)) return false;
  at_ += to.size();
  last_ = power < 0 ? WrapSub(before, to.back()) : WrapSub(to.back(), before);
  return true;
}

void RoundedMantissas::AddNext(std::span<std::int64_t> to) {
  if (AddQuickly(power_, to)) return;
  for (std::int64_t& mantissa : to) mantissa = WrapAdd(mantissa, Next());
}

void RoundedMantissas::SubtractNext(std::span<std::int64_t> from) {
  // Ties go to even on both sides of zero.
  if (AddQuickly(-power_, from)) return;
  for (std::int64_t& mantissa : from) mantissa = WrapSub(mantissa, Next());
}

}  // namespace vedette::storage
