#include "storage/chunk/chunk_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "storage/chunk/int_codec.h"
#include "storage/chunk/kernels.h"
#include "storage/chunk/xor_codec.h"

namespace vedette::storage {
namespace {

bool AllSameBits(std::span<const double> values) {
  const auto first = std::bit_cast<std::uint64_t>(values.front());
  return std::ranges::all_of(values, [first](double v) { return std::bit_cast<std::uint64_t>(v) == first; });
}

/// The bits of a double as an integer that grows with it: neighbours differ by the number of doubles between them.
/// Its own inverse, up to the casts.
constexpr std::int64_t Ordered(std::int64_t bits) { return bits ^ ((bits >> 63) & INT64_MAX); }

/// Scratch per thread: chunks are decoded by the thousand and a fresh vector each would dominate short ones.
std::vector<std::int64_t>& Scratch(std::size_t size) {
  thread_local std::vector<std::int64_t> scratch;
  if (scratch.size() < size) scratch.resize(size);
  return scratch;
}

void PutFloatBits(std::span<const double> values, IntEffort effort, std::string& out) {
  const auto ordered = std::span(Scratch(values.size())).first(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) ordered[i] = Ordered(std::bit_cast<std::int64_t>(values[i]));
  EncodeInts(ordered, out, effort);
}

bool GetFloatBits(std::string_view bytes, std::size_t count, std::span<double> out) {
  const auto ordered = std::span(Scratch(out.size())).first(out.size());
  ByteReader in(bytes);
  if (!DecodeInts(in, count, ordered)) return false;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::bit_cast<double>(Ordered(ordered[i]));
  return true;
}

void PutXorValues(std::span<const double> values, std::string& out) {
  BitBuffer bits;
  XorState state;
  for (const double v : values) PutXor(bits, state, v);
  out.append(bits.bytes());
}

/// GetXor over plain words, as long as three of them are left; `state` and the position go on in the careful loop.
/// Returns how many values were read; `valid` as GetXor has it.
std::size_t GetXorQuickly(std::string_view bytes, std::span<double> out, XorState& state, std::uint64_t& position,
                          bool& valid) {
  constexpr std::uint64_t kMostBits = 2 + 12 + 64 + 64;  // of one value, and what its last load may reach
  if (bytes.size() * 8 < kMostBits) return 0;
  const std::uint64_t safe = bytes.size() * 8 - kMostBits;
  const auto load = [data = bytes.data()](std::uint64_t bit) {
    std::uint64_t word;
    std::memcpy(&word, data + bit / 8, 8);
    return word >> (bit % 8);
  };
  std::uint64_t bit = position, previous = state.previous;
  unsigned width = state.width, shift = 64U - state.leading - state.width;
  std::size_t i = 0;
  for (; i < out.size() && bit <= safe; ++i) {
    std::uint64_t word = load(bit);
    if ((word & 1) == 0) {
      ++bit;
      out[i] = std::bit_cast<double>(previous);
      continue;
    }
    bit += 2;
    if ((word & 2) != 0) {
      const auto leading = static_cast<unsigned>(word >> 2 & 63);
      width = static_cast<unsigned>(word >> 8 & 63) + 1;
      valid = leading + width <= 64;
      shift = 64 - leading - width;
      bit += 12;
    }
    if (!valid || width == 0) {
      valid = false;
      return i;
    }
    word = load(bit);
    if (width > 56) word |= load(bit + 32) << 32;
    previous ^= (word & LowBits(width)) << shift;
    bit += width;
    out[i] = std::bit_cast<double>(previous);
  }
  position = bit;
  state = {previous, static_cast<std::uint8_t>(64U - width - shift), static_cast<std::uint8_t>(width)};
  return i;
}

bool GetXorValues(std::string_view bytes, std::span<double> out) {
  XorState state;
  std::uint64_t position = 0;
  bool valid = true;
  const std::size_t done = GetXorQuickly(bytes, out, state, position, valid);
  if (!valid) return false;
  BitReader in(bytes, position);
  for (double& v : out.subspan(done)) {
    v = GetXor(in, state, valid);
    if (!valid) return false;
  }
  return !in.failed();
}

/// Exceptions first, if there are any: their number, then gap and value of each; then the mantissas.
void PutDecimals(std::span<const double> values, const Decimals& decimals, std::span<const std::int64_t> mantissas,
                 IntEffort effort, std::string& out) {
  if (!decimals.exceptions.empty()) {
    PutVarint(out, decimals.exceptions.size());
    std::uint32_t next = 0;
    for (const std::uint32_t at : decimals.exceptions) {
      PutVarint(out, at - next);
      PutDouble(out, values[at]);
      next = at + 1;
    }
  }
  EncodeInts(mantissas, out, effort);
}

bool GetDecimals(const ValueLayout& layout, std::string_view bytes, std::size_t count, std::span<double> out,
                 std::span<const double> base) {
  ByteReader in(bytes);
  ByteReader exceptions("");
  std::uint64_t left = 0;
  if (layout.exceptions) {
    const auto number = in.Varint();
    if (!number || *number > count) return false;
    left = *number;
    exceptions = in;
    for (std::uint64_t i = 0; i < left; ++i) {
      if (!in.Varint() || !in.Double()) return false;
    }
  }
  const DecimalForm form = FormOf(layout.codec);
  RoundedMantissas next_to(base, layout.exponent);
  const auto convert = [&](std::size_t at, std::span<std::int64_t> mantissas) {
    if (layout.relative) next_to.AddNext(mantissas);
    FromDecimals(mantissas, layout.exponent, form, out.subspan(at, mantissas.size()));
  };
  if (!DecodeIntsInParts(in, count, out.size(), convert)) return false;
  for (std::uint64_t at = 0; left > 0; --left, ++at) {
    const auto gap = exceptions.Varint();
    const auto value = exceptions.Double();
    if (*gap >= count - at) return false;
    at += *gap;
    if (at < out.size()) out[at] = *value;
    if (at + 1 == count && left > 1) return false;
  }
  return true;
}

/// Two ways of any double: bits as integers under the entropy coder, or the XOR stream, which wins on short chunks and
/// where values repeat in bursts.
void EncodeFloats(std::span<const double> values, std::optional<ValueCodec> forced, IntEffort effort,
                  CodedValues& out) {
  std::string bits, changes;
  if (forced != ValueCodec::kXor) PutFloatBits(values, effort, bits);
  if (forced != ValueCodec::kFloatBits) PutXorValues(values, changes);
  const bool take_bits = changes.empty() || (!bits.empty() && bits.size() < changes.size());
  out.layout = {take_bits ? ValueCodec::kFloatBits : ValueCodec::kXor, 0, false, false};
  out.payload = std::move(take_bits ? bits : changes);
  out.decimals.reset();
}

}  // namespace

CodedValues EncodeValues(std::span<const double> values, std::optional<ValueCodec> forced, IntEffort effort) {
  CodedValues out;
  if ((!forced || *forced == ValueCodec::kConstant) && AllSameBits(values)) {
    PutDouble(out.payload, values.front());
    return out;
  }
  if (!forced || IsDecimalCodec(*forced)) out.decimals = AsDecimals(values);
  if (!out.decimals) {
    EncodeFloats(values, forced == ValueCodec::kFloatBits ? forced : forced ? ValueCodec::kXor : forced, effort, out);
    return out;
  }
  out.layout = {out.decimals->form == DecimalForm::kQuotient ? ValueCodec::kIntegers : ValueCodec::kProducts,
                out.decimals->exponent, !out.decimals->exceptions.empty(), false};
  PutDecimals(values, *out.decimals, out.decimals->mantissas, effort, out.payload);
  // Decimals with many digits may take more than their bits: both are tried unless the integers are clearly small.
  if (forced || out.payload.size() <= 3 * values.size()) return out;
  CodedValues floats;
  EncodeFloats(values, std::nullopt, effort, floats);
  return floats.payload.size() < out.payload.size() ? floats : out;
}

std::uint64_t RoughBits(const Decimals& decimals, std::span<const double> base) {
  constexpr std::size_t kStretches = 8, kLength = 48;
  const std::span<const std::int64_t> mantissas = decimals.mantissas;
  std::uint64_t plain = 0, steps = 0;
  const auto width = [](std::int64_t value) { return static_cast<unsigned>(std::bit_width(ZigZag(value))); };
  for (std::size_t stretch = 0; stretch < kStretches; ++stretch) {
    const std::size_t begin = mantissas.size() * stretch / kStretches;
    const std::size_t n = std::min(kLength, mantissas.size() - begin);
    std::array<std::int64_t, kLength> values;
    std::ranges::copy(mantissas.subspan(begin, n), values.begin());
    if (!base.empty()) {
      RoundedMantissas(base.subspan(begin, n), decimals.exponent).SubtractNext(std::span(values).first(n));
    }
    for (std::size_t i = 1; i < n; ++i) {
      plain += width(values[i]);
      steps += width(WrapSub(values[i], values[i - 1]));
    }
  }
  return std::min(plain, steps);
}

CodedValues EncodeBeside(std::span<const double> values, const CodedValues& plain, std::span<const double> base) {
  const std::vector<std::int64_t>& mantissas = plain.decimals->mantissas;
  RoundedMantissas next_to(base, plain.decimals->exponent);
  std::vector<std::int64_t> rest = mantissas;
  next_to.SubtractNext(rest);
  CodedValues out;
  out.layout = plain.layout;
  out.layout.relative = true;
  PutDecimals(values, *plain.decimals, rest, IntEffort::kSmallest, out.payload);
  return out;
}

bool DecodeValues(const ValueLayout& layout, std::string_view bytes, std::size_t count, std::span<double> out,
                  std::span<const double> base) {
  if (layout.relative && (!IsDecimalCodec(layout.codec) || base.size() < out.size())) return false;
  switch (layout.codec) {
    case ValueCodec::kConstant: {
      const auto value = ByteReader(bytes).Double();
      if (value) FillSame(*value, out);
      return value.has_value();
    }
    case ValueCodec::kIntegers:
    case ValueCodec::kProducts:
      return GetDecimals(layout, bytes, count, out, base);
    case ValueCodec::kXor:
      return GetXorValues(bytes, out);
    case ValueCodec::kFloatBits:
      return GetFloatBits(bytes, count, out);
    case ValueCodec::kHistograms:
      return false;
  }
  return false;
}

}  // namespace vedette::storage
