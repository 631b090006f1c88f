#include "collector/remote/chunk_bits.h"

#include <algorithm>
#include <bit>

namespace vedette::collector {

std::uint64_t ChunkBits::Bits(unsigned count) {
  if (!ok_ || count > 8 * bytes_.size() - at_) {
    ok_ = false;
    return 0;
  }
  std::uint64_t out = 0;
  while (count > 0) {
    const auto left = static_cast<unsigned>(8 - at_ % 8);
    const unsigned take = std::min(count, left);
    const unsigned byte = static_cast<unsigned char>(bytes_[at_ / 8]);
    out = out << take | ((byte >> (left - take)) & ((1U << take) - 1));
    at_ += take;
    count -= take;
  }
  return out;
}

std::uint64_t ChunkBits::Varint() {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64 && ok_; shift += 7) {
    const std::uint64_t byte = Bits(8);
    out |= (byte & 0x7F) << shift;
    if (byte < 0x80) return out;
  }
  ok_ = false;
  return 0;
}

unsigned ChunkBits::WidthOf(std::span<const unsigned> widths) {
  std::size_t ones = 0;
  while (ones < widths.size() && Bit()) ++ones;
  return ones == 0 ? 0 : widths[ones - 1];
}

std::int64_t ChunkBits::Signed(std::span<const unsigned> widths) {
  const unsigned width = WidthOf(widths);
  if (width == 0) return 0;
  const std::uint64_t bits = Bits(width);
  if (width == 64) return static_cast<std::int64_t>(bits);
  const bool negative = bits > (std::uint64_t{1} << (width - 1));
  return negative ? static_cast<std::int64_t>(bits) - (std::int64_t{1} << width) : static_cast<std::int64_t>(bits);
}

std::uint64_t ChunkBits::Unsigned(std::span<const unsigned> widths) { return Bits(WidthOf(widths)); }

void ChunkBitWriter::Bits(std::uint64_t value, unsigned count) {
  while (count > 0) {
    if (free_ == 0) {
      out_.push_back(0);
      free_ = 8;
    }
    const unsigned take = std::min(count, free_);
    const unsigned bits = static_cast<unsigned>(value >> (count - take)) & ((1U << take) - 1);
    free_ -= take;
    out_.back() = static_cast<char>(static_cast<unsigned char>(out_.back()) | (bits << free_));
    count -= take;
  }
}

void ChunkBitWriter::Varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) Bits((value & 0x7F) | 0x80, 8);
  Bits(value, 8);
}

void ChunkBitWriter::Width(std::size_t place, std::span<const unsigned> widths, std::uint64_t value) {
  const auto ones = static_cast<unsigned>(place + 1);
  if (ones == widths.size()) {
    Bits((1U << ones) - 1, ones);
  } else {
    Bits((1U << (ones + 1)) - 2, ones + 1);
  }
  Bits(value, widths[place]);
}

void ChunkBitWriter::Signed(std::int64_t value, std::span<const unsigned> widths) {
  if (value == 0) return Bits(0, 1);
  std::size_t place = 0;
  for (; place + 1 < widths.size(); ++place) {
    const std::int64_t half = std::int64_t{1} << (widths[place] - 1);
    if (-(half - 1) <= value && value <= half) break;
  }
  Width(place, widths, static_cast<std::uint64_t>(value));
}

void ChunkBitWriter::Unsigned(std::uint64_t value, std::span<const unsigned> widths) {
  if (value == 0) return Bits(0, 1);
  std::size_t place = 0;
  while (place + 1 < widths.size() && value >> widths[place] != 0) ++place;
  Width(place, widths, value);
}

std::uint64_t ReadXor(ChunkBits& in, std::uint64_t before, XorWindow& window) {
  if (!in.Bit()) return before;
  if (in.Bit()) {
    window.leading = static_cast<unsigned>(in.Bits(5));
    auto length = static_cast<unsigned>(in.Bits(6));
    if (length == 0) length = 64;
    if (window.leading + length > 64) length = 64 - window.leading;  // damaged: what follows is not believed anyway
    window.trailing = 64 - window.leading - length;
  }
  const unsigned length = 64 - window.leading - window.trailing;
  return before ^ (in.Bits(length) << window.trailing);
}

void WriteXor(ChunkBitWriter& out, std::uint64_t before, std::uint64_t value, XorWindow& window) {
  const std::uint64_t changed = before ^ value;
  if (changed == 0) return out.Bits(0, 1);
  const auto leading = std::min(static_cast<unsigned>(std::countl_zero(changed)), 31U);
  const auto trailing = static_cast<unsigned>(std::countr_zero(changed));
  if (window.is_set && leading >= window.leading && trailing >= window.trailing) {
    out.Bits(0b10, 2);
  } else {
    window = {leading, trailing, true};
    out.Bits(0b11, 2);
    out.Bits(leading, 5);
    out.Bits((64 - leading - trailing) & 63, 6);
  }
  out.Bits(changed >> window.trailing, 64 - window.leading - window.trailing);
}

}  // namespace vedette::collector
