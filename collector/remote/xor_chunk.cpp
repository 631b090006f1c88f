#include "collector/remote/xor_chunk.h"

#include <bit>
#include <optional>

#include "storage/coding.h"

namespace vedette::collector {
namespace {

/// Bits from the high end of each byte.
class ChunkBits {
 public:
  explicit ChunkBits(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool Bit() { return Bits(1) != 0; }
  std::uint64_t Bits(unsigned count) {
    std::uint64_t out = 0;
    for (; count > 0 && ok_; --count) {
      if (at_ >= 8 * bytes_.size()) {
        ok_ = false;
        return 0;
      }
      const auto byte = static_cast<unsigned char>(bytes_[at_ / 8]);
      out = out << 1 | ((byte >> (7 - at_ % 8)) & 1U);
      ++at_;
    }
    return out;
  }
  std::uint64_t Varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64 && ok_; shift += 7) {
      const std::uint64_t byte = Bits(8);
      out |= (byte & 0x7F) << shift;
      if (byte < 0x80) return out;
    }
    ok_ = false;
    return 0;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

class ChunkBitWriter {
 public:
  explicit ChunkBitWriter(std::string& out) : out_(out) {}
  void Bits(std::uint64_t value, unsigned count) {
    for (; count > 0; --count) {
      if (free_ == 0) {
        out_.push_back(0);
        free_ = 8;
      }
      --free_;
      out_.back() =
          static_cast<char>(static_cast<unsigned char>(out_.back()) | (((value >> (count - 1)) & 1U) << free_));
    }
  }
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) Bits((value & 0x7F) | 0x80, 8);
    Bits(value, 8);
  }

 private:
  std::string& out_;
  unsigned free_ = 0;
};

/// The window of the value before.
struct Window {
  unsigned leading = 0, trailing = 0;
  bool is_set = false;
};

std::uint64_t ReadXor(ChunkBits& in, std::uint64_t before, Window& window) {
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

void WriteXor(ChunkBitWriter& out, std::uint64_t before, std::uint64_t value, Window& window) {
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

/// Widths of a change of the step, by the number of ones in front.
constexpr unsigned kStepBits[] = {0, 14, 17, 20, 64};

std::int64_t ReadStepChange(ChunkBits& in) {
  unsigned ones = 0;
  while (ones < 4 && in.Bit()) ++ones;
  const unsigned width = kStepBits[ones];
  if (width == 0) return 0;
  const std::uint64_t bits = in.Bits(width);
  if (width == 64) return static_cast<std::int64_t>(bits);
  // Values above the middle stand for negative ones.
  const bool negative = bits > (std::uint64_t{1} << (width - 1));
  return negative ? static_cast<std::int64_t>(bits) - (std::int64_t{1} << width) : static_cast<std::int64_t>(bits);
}

bool FitsStep(std::int64_t change, unsigned width) {
  const std::int64_t half = std::int64_t{1} << (width - 1);
  return -(half - 1) <= change && change <= half;
}

void WriteStepChange(ChunkBitWriter& out, std::int64_t change) {
  if (change == 0) return out.Bits(0, 1);
  for (unsigned ones = 1; ones < 4; ++ones) {
    if (!FitsStep(change, kStepBits[ones])) continue;
    out.Bits((1U << (ones + 1)) - 2, ones + 1);
    return out.Bits(static_cast<std::uint64_t>(change), kStepBits[ones]);
  }
  out.Bits(0b1111, 4);
  out.Bits(static_cast<std::uint64_t>(change), 64);
}

}  // namespace

Status DecodeXorChunk(std::string_view chunk, storage::Columns& out) {
  if (chunk.size() < 2) return Fail(Code::kBadData, "a chunk of {} bytes", chunk.size());
  const std::size_t count = storage::GetBigEndian<std::uint16_t>(chunk);
  ChunkBits in(chunk.substr(2));
  std::int64_t time = 0, step = 0;
  std::uint64_t value = 0;
  Window window;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t before = time;
    if (i == 0) {
      time = storage::UnZigZag(in.Varint());
      value = in.Bits(64);
    } else {
      step = i == 1 ? static_cast<std::int64_t>(in.Varint()) : storage::WrapAdd(step, ReadStepChange(in));
      time = storage::WrapAdd(time, step);
      value = ReadXor(in, value, window);
    }
    if (!in.ok()) return Fail(Code::kBadData, "a chunk of {} samples ends behind {}", count, i);
    if (i > 0 && time <= before)
      return Fail(Code::kBadData, "the times of a chunk do not ascend: {} after {}", time, before);
    out.times.push_back(time);
    out.values.push_back(std::bit_cast<double>(value));
  }
  return Ok();
}

std::string EncodeXorChunk(std::span<const std::int64_t> times, std::span<const double> values) {
  std::string out;
  storage::PutBigEndian(out, static_cast<std::uint16_t>(times.size()));
  ChunkBitWriter bits(out);
  std::int64_t step = 0;
  Window window;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto value = std::bit_cast<std::uint64_t>(values[i]);
    if (i == 0) {
      bits.Varint(storage::ZigZag(times[0]));
      bits.Bits(value, 64);
      continue;
    }
    const std::int64_t next = times[i] - times[i - 1];
    if (i == 1) {
      bits.Varint(static_cast<std::uint64_t>(next));
    } else {
      WriteStepChange(bits, next - step);
    }
    step = next;
    WriteXor(bits, std::bit_cast<std::uint64_t>(values[i - 1]), value, window);
  }
  return out;
}

}  // namespace vedette::collector
