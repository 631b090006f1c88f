// The loops that decoding spends its time in, each once plain and once with AVX2; the processor decides at run time.
// All results are the same to the last bit.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vedette::storage {

/// out[i] = base + number i of `width` bits. `packed` holds all of them; width 0 .. 64.
void UnpackBits(std::string_view packed, unsigned width, std::int64_t base, std::span<std::int64_t> out);

/// out[i] = out[i-1] + base + number i of `width` bits, wrapping, where out[-1] is `before`: UnpackBits and SumUp in
/// one.
void UnpackSums(std::string_view packed, unsigned width, std::int64_t base, std::int64_t before,
                std::span<std::int64_t> out);

/// out[i] = first + i * step, wrapping.
void FillSteps(std::int64_t first, std::int64_t step, std::span<std::int64_t> out);
void FillSame(double value, std::span<double> out);

/// values[i] += values[i-1], from the second on, wrapping: undoes a difference.
void SumUp(std::span<std::int64_t> values);

/// SumUp of values[1..] and then of all: undoes two differences in one pass.
void SumUpTwice(std::span<std::int64_t> values);

/// values[i] = base + values[i] * factor, wrapping.
void Rescale(std::span<std::int64_t> values, std::int64_t base, std::int64_t factor);

/// to[i] += values[i] * power, rounded to the nearest whole number, ties to even, wrapping. False, and nothing done,
/// when one of these is not below 2^51 in size.
bool AddRounded(std::span<const double> values, double power, std::span<std::int64_t> to);

/// out[i] = integers[i] / power, or times it. Integers beyond 2^53 are rounded as a cast rounds them.
void ToDoubles(std::span<const std::int64_t> integers, std::span<double> out);
void DivideInts(std::span<const std::int64_t> integers, double power, std::span<double> out);
void MultiplyInts(std::span<const std::int64_t> integers, double power, std::span<double> out);

}  // namespace vedette::storage
