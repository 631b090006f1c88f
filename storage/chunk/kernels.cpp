#include "storage/chunk/kernels.h"

#include <array>
#include <cmath>
#include <cstring>

#include "storage/chunk/bits.h"
#include "storage/chunk/cpu.h"
#include "storage/coding.h"

#ifdef VEDETTE_X86
#include <immintrin.h>
#endif

namespace vedette::storage {
namespace {

const bool kAvx2 = CpuHasAvx2();

constexpr double kRound = 0x1.8p52;  // adding and taking it away rounds what is smaller

/// Eight bytes are loaded at once where that many are left; the rest goes through the careful reader.
void UnpackPlain(std::string_view packed, unsigned width, std::int64_t base, std::size_t i,
                 std::span<std::int64_t> out) {
  const std::uint64_t mask = LowBits(width);
  const auto add = [base](std::uint64_t offset) { return WrapAdd(base, static_cast<std::int64_t>(offset)); };
  if (width <= 56 && packed.size() >= 8) {
    const std::size_t safe_bits = (packed.size() - 8) * 8;
    for (std::size_t bit = i * width; i < out.size() && bit <= safe_bits; ++i, bit += width) {
      std::uint64_t word;
      std::memcpy(&word, packed.data() + bit / 8, 8);
      out[i] = add((word >> (bit % 8)) & mask);
    }
  }
  BitReader in(packed, i * width);
  for (; i < out.size(); ++i) out[i] = add(in.Get(width));
}

#ifdef VEDETTE_X86

/// Eight numbers of up to 25 bits: they begin at a byte, four of them lie within 16 bytes, each within 4 of those.
class NarrowEights {
 public:
  [[gnu::target("avx2")]] explicit NarrowEights(unsigned width) : half_byte_(4 * width / 8) {
    alignas(32) std::array<std::uint8_t, 32> pick;
    alignas(32) std::array<std::uint32_t, 8> shift;
    for (unsigned j = 0; j < 8; ++j) {
      const unsigned bit = j * width, first = bit / 8 - (j < 4 ? 0 : half_byte_);
      for (unsigned k = 0; k < 4; ++k) pick[j * 4 + k] = static_cast<std::uint8_t>(first + k);
      shift[j] = bit % 8;
    }
    picks_ = _mm256_load_si256(reinterpret_cast<const __m256i*>(pick.data()));
    shifts_ = _mm256_load_si256(reinterpret_cast<const __m256i*>(shift.data()));
    mask_ = _mm256_set1_epi32(static_cast<int>(LowBits(width)));
  }

  /// So many bytes are read.
  std::size_t reach() const { return half_byte_ + 16; }

  [[gnu::target("avx2"), gnu::always_inline]] __m256i Load(const char* data) const {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + half_byte_));
    const __m256i v = _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1), picks_);
    return _mm256_and_si256(_mm256_srlv_epi32(v, shifts_), mask_);
  }

 private:
  unsigned half_byte_;
  __m256i picks_, shifts_, mask_;
};

/// Both return how many were done.
[[gnu::target("avx2")]] std::size_t UnpackNarrowAvx2(std::string_view packed, unsigned width, std::int64_t base,
                                                     std::span<std::int64_t> out) {
  const NarrowEights eights(width);
  const __m256i bases = _mm256_set1_epi64x(base);
  std::size_t i = 0;
  for (std::size_t at = 0; i + 8 <= out.size() && at + eights.reach() <= packed.size(); i += 8, at += width) {
    const __m256i v = eights.Load(packed.data() + at);
    auto* to = reinterpret_cast<__m256i*>(out.data() + i);
    _mm256_storeu_si256(to, _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_castsi256_si128(v)), bases));
    _mm256_storeu_si256(to + 1, _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_extracti128_si256(v, 1)), bases));
  }
  return i;
}

/// Eight of 25 bits sum up to 28: the sums of each eight are made in 32 bits.
[[gnu::target("avx2")]] std::size_t UnpackSumsAvx2(std::string_view packed, unsigned width, std::int64_t base,
                                                   std::int64_t before, std::span<std::int64_t> out) {
  const NarrowEights eights(width);
  const auto times = [base](std::uint64_t n) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(base) * n);
  };
  const __m256i low_steps = _mm256_set_epi64x(times(4), times(3), times(2), times(1));
  const __m256i high_steps = _mm256_set_epi64x(times(8), times(7), times(6), times(5));
  const __m256i fourth = _mm256_set1_epi32(3);
  __m256i carry = _mm256_set1_epi64x(before);
  std::size_t i = 0;
  for (std::size_t at = 0; i + 8 <= out.size() && at + eights.reach() <= packed.size(); i += 8, at += width) {
    __m256i v = eights.Load(packed.data() + at);
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
    const __m256i of_low_half = _mm256_permutevar8x32_epi32(v, fourth);
    v = _mm256_add_epi32(v, _mm256_blend_epi32(_mm256_setzero_si256(), of_low_half, 0b11110000));
    const __m256i low = _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_castsi256_si128(v)), low_steps);
    const __m256i high = _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_extracti128_si256(v, 1)), high_steps);
    auto* to = reinterpret_cast<__m256i*>(out.data() + i);
    _mm256_storeu_si256(to, _mm256_add_epi64(low, carry));
    _mm256_storeu_si256(to + 1, _mm256_add_epi64(high, carry));
    // Only this addition waits for the round before.
    carry = _mm256_add_epi64(carry, _mm256_permute4x64_epi64(high, 0b11111111));
  }
  return i;
}

[[gnu::target("avx2")]] std::size_t FillStepsAvx2(std::int64_t first, std::uint64_t step, std::span<std::int64_t> out) {
  const auto start = static_cast<std::uint64_t>(first);
  const auto at = [&](std::uint64_t i) { return static_cast<std::int64_t>(start + i * step); };
  __m256i low = _mm256_set_epi64x(at(3), at(2), at(1), at(0)), high = _mm256_set_epi64x(at(7), at(6), at(5), at(4));
  const __m256i eight = _mm256_set1_epi64x(static_cast<std::int64_t>(8 * step));
  std::size_t i = 0;
  for (; i + 8 <= out.size(); i += 8) {
    auto* to = reinterpret_cast<__m256i*>(out.data() + i);
    _mm256_storeu_si256(to, low);
    _mm256_storeu_si256(to + 1, high);
    low = _mm256_add_epi64(low, eight);
    high = _mm256_add_epi64(high, eight);
  }
  return i;
}

[[gnu::target("avx2")]] std::size_t FillSameAvx2(double value, std::span<double> out) {
  const __m256d values = _mm256_set1_pd(value);
  std::size_t i = 0;
  for (; i + 8 <= out.size(); i += 8) {
    _mm256_storeu_pd(out.data() + i, values);
    _mm256_storeu_pd(out.data() + i + 4, values);
  }
  return i;
}

/// Sums of four neighbours: within pairs, then across the halves, then with all that came before.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i Sums(__m256i v, __m256i& carry) {
  v = _mm256_add_epi64(v, _mm256_slli_si256(v, 8));
  const __m256i low = _mm256_permute4x64_epi64(v, 0b01010101);
  v = _mm256_add_epi64(v, _mm256_blend_epi32(_mm256_setzero_si256(), low, 0b11110000));
  const __m256i out = _mm256_add_epi64(v, carry);
  carry = _mm256_add_epi64(carry, _mm256_permute4x64_epi64(v, 0b11111111));
  return out;
}

[[gnu::target("avx2")]] std::size_t SumUpAvx2(std::span<std::int64_t> values) {
  __m256i carry = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    auto* at = reinterpret_cast<__m256i*>(values.data() + i);
    _mm256_storeu_si256(at, Sums(_mm256_loadu_si256(at), carry));
  }
  return i;
}

/// Exact for integers of up to 53 bits, rounded once beyond, as a cast: the upper 48 and the lower 16 bits become
/// doubles of known exponents, and the last addition rounds.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256d Convert(__m256i v) {
  __m256i high = _mm256_srai_epi32(v, 16);
  high = _mm256_blend_epi16(high, _mm256_setzero_si256(), 0x33);
  high = _mm256_add_epi64(high, _mm256_castpd_si256(_mm256_set1_pd(442721857769029238784.0)));               // 3 * 2^67
  const __m256i low = _mm256_blend_epi16(v, _mm256_castpd_si256(_mm256_set1_pd(4503599627370496.0)), 0x88);  // 2^52
  const __m256d sum = _mm256_sub_pd(_mm256_castsi256_pd(high), _mm256_set1_pd(442726361368656609280.0));
  return _mm256_add_pd(sum, _mm256_castsi256_pd(low));
}

enum class Step : std::uint8_t { kNone, kDivide, kMultiply };

template <Step kStep>
[[gnu::target("avx2")]] std::size_t ConvertAvx2(std::span<const std::int64_t> integers, double power,
                                                std::span<double> out) {
  const __m256d powers = _mm256_set1_pd(power);
  std::size_t i = 0;
  for (; i + 4 <= out.size(); i += 4) {
    __m256d v = Convert(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(integers.data() + i)));
    if constexpr (kStep == Step::kDivide) v = _mm256_div_pd(v, powers);
    if constexpr (kStep == Step::kMultiply) v = _mm256_mul_pd(v, powers);
    _mm256_storeu_pd(out.data() + i, v);
  }
  return i;
}

/// Adding 1.5 * 2^52 leaves the rounded number in the low bits of the double.
[[gnu::target("avx2")]] std::size_t AddRoundedAvx2(std::span<const double> values, double power,
                                                   std::span<std::int64_t> to) {
  const __m256d powers = _mm256_set1_pd(power), round = _mm256_set1_pd(kRound);
  const __m256i round_bits = _mm256_castpd_si256(round);
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    const __m256d rounded = _mm256_add_pd(_mm256_mul_pd(_mm256_loadu_pd(values.data() + i), powers), round);
    auto* at = reinterpret_cast<__m256i*>(to.data() + i);
    const __m256i whole = _mm256_sub_epi64(_mm256_castpd_si256(rounded), round_bits);
    _mm256_storeu_si256(at, _mm256_add_epi64(_mm256_loadu_si256(at), whole));
  }
  return i;
}

[[gnu::target("avx2")]] bool AllBelowAvx2(std::span<const double> values, double power, double end, std::size_t& done) {
  const __m256d powers = _mm256_set1_pd(power), ends = _mm256_set1_pd(end);
  const __m256d size = _mm256_castsi256_pd(_mm256_set1_epi64x(INT64_MAX));
  __m256d all = _mm256_castsi256_pd(_mm256_set1_epi64x(-1));
  for (; done + 4 <= values.size(); done += 4) {
    const __m256d scaled = _mm256_mul_pd(_mm256_loadu_pd(values.data() + done), powers);
    all = _mm256_and_pd(all, _mm256_cmp_pd(_mm256_and_pd(scaled, size), ends, _CMP_LT_OQ));
  }
  return _mm256_movemask_pd(all) == 0b1111;
}

#endif

}  // namespace

bool AddRounded(std::span<const double> values, double power, std::span<std::int64_t> to) {
  constexpr double kEnd = 0x1p51;
  std::size_t checked = 0, done = 0;
#ifdef VEDETTE_X86
  if (kAvx2 && !AllBelowAvx2(values, power, kEnd, checked)) return false;
#endif
  for (; checked < values.size(); ++checked) {
    if (!(std::fabs(values[checked] * power) < kEnd)) return false;
  }
#ifdef VEDETTE_X86
  if (kAvx2) done = AddRoundedAvx2(values, power, to);
#endif
  for (; done < values.size(); ++done) {
    to[done] = WrapAdd(to[done], static_cast<std::int64_t>((values[done] * power + kRound) - kRound));
  }
  return true;
}

void UnpackBits(std::string_view packed, unsigned width, std::int64_t base, std::span<std::int64_t> out) {
  if (width == 0) return FillSteps(base, 0, out);
  std::size_t done = 0;
#ifdef VEDETTE_X86
  if (kAvx2 && width <= 25) done = UnpackNarrowAvx2(packed, width, base, out);
#endif
  UnpackPlain(packed, width, base, done, out);
}

void UnpackSums(std::string_view packed, unsigned width, std::int64_t base, std::int64_t before,
                std::span<std::int64_t> out) {
  if (width == 0) return FillSteps(WrapAdd(before, base), base, out);
  std::size_t done = 0;
#ifdef VEDETTE_X86
  if (kAvx2 && width <= 25) done = UnpackSumsAvx2(packed, width, base, before, out);
#endif
  UnpackPlain(packed, width, base, done, out);
  std::int64_t sum = done == 0 ? before : out[done - 1];
  for (std::int64_t& value : out.subspan(done)) value = sum = WrapAdd(sum, value);
}

void FillSteps(std::int64_t first, std::int64_t step, std::span<std::int64_t> out) {
  std::size_t i = 0;
#ifdef VEDETTE_X86
  if (kAvx2) i = FillStepsAvx2(first, static_cast<std::uint64_t>(step), out);
#endif
  for (; i < out.size(); ++i) {
    out[i] = WrapAdd(first, static_cast<std::int64_t>(static_cast<std::uint64_t>(step) * i));
  }
}

void FillSame(double value, std::span<double> out) {
  std::size_t i = 0;
#ifdef VEDETTE_X86
  if (kAvx2) i = FillSameAvx2(value, out);
#endif
  for (; i < out.size(); ++i) out[i] = value;
}

void SumUp(std::span<std::int64_t> values) {
  std::size_t i = 0;
#ifdef VEDETTE_X86
  if (kAvx2) i = SumUpAvx2(values);
#endif
  for (i = i == 0 ? 1 : i; i < values.size(); ++i) values[i] = WrapAdd(values[i], values[i - 1]);
}

void SumUpTwice(std::span<std::int64_t> values) {
  if (values.size() < 2) return;
  std::int64_t step = values[1], value = WrapAdd(values[0], step);
  values[1] = value;
  for (std::size_t i = 2; i < values.size(); ++i) {
    step = WrapAdd(step, values[i]);
    values[i] = value = WrapAdd(value, step);
  }
}

void Rescale(std::span<std::int64_t> values, std::int64_t base, std::int64_t factor) {
  for (std::int64_t& v : values) {
    v = WrapAdd(base, static_cast<std::int64_t>(static_cast<std::uint64_t>(v) * static_cast<std::uint64_t>(factor)));
  }
}

void ToDoubles(std::span<const std::int64_t> integers, std::span<double> out) {
  std::size_t i = 0;
#ifdef VEDETTE_X86
  if (kAvx2) i = ConvertAvx2<Step::kNone>(integers, 1, out);
#endif
  for (; i < out.size(); ++i) out[i] = static_cast<double>(integers[i]);
}

void DivideInts(std::span<const std::int64_t> integers, double power, std::span<double> out) {
  std::size_t i = 0;
#ifdef VEDETTE_X86
  if (kAvx2) i = ConvertAvx2<Step::kDivide>(integers, power, out);
#endif
  for (; i < out.size(); ++i) out[i] = static_cast<double>(integers[i]) / power;
}

void MultiplyInts(std::span<const std::int64_t> integers, double power, std::span<double> out) {
  std::size_t i = 0;
#ifdef VEDETTE_X86
  if (kAvx2) i = ConvertAvx2<Step::kMultiply>(integers, power, out);
#endif
  for (; i < out.size(); ++i) out[i] = static_cast<double>(integers[i]) * power;
}

}  // namespace vedette::storage
