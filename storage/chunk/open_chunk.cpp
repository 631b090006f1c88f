#include "storage/chunk/open_chunk.h"

#include <array>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// Change of the step, zigzag-coded, in one of these widths behind a prefix of ones: 0, 10, 110, 1110, 1111.
/// 7 bits hold the jitter of a scrape, 15 a missed one at 15 s, 24 a gap of hours.
constexpr std::array<unsigned, 5> kChangeBits = {0, 7, 15, 24, 64};

void PutChange(BitBuffer& out, std::uint64_t change) {
  std::size_t size = 0;
  while (change > LowBits(kChangeBits[size])) ++size;
  const auto ones = static_cast<unsigned>(size);
  out.Put(LowBits(ones), size == 4 ? 4 : ones + 1);
  out.Put(change, kChangeBits[size]);
}

std::uint64_t GetChange(BitReader& in) {
  std::size_t size = 0;
  while (size < 4 && in.Get(1) != 0) ++size;
  return in.Get(kChangeBits[size]);
}

}  // namespace

void OpenChunk::Append(TimeMs time, double value) {
  if (count_ == 0) {
    first_time_ = time.ms;
    bits_.Put(static_cast<std::uint64_t>(time.ms), 64);
  } else {
    const std::int64_t delta = WrapSub(time.ms, last_time_);
    PutChange(bits_, ZigZag(WrapSub(delta, last_delta_)));
    last_delta_ = delta;
  }
  last_time_ = time.ms;
  PutXor(bits_, xor_, value);
  ++count_;
}

void OpenChunk::Decode(std::string_view bytes, std::size_t count, Columns& out) {
  BitReader in(bytes);
  XorState state;
  bool valid = true;
  std::int64_t time = 0, delta = 0;
  for (std::size_t i = 0; i < count && valid; ++i) {
    if (i == 0) {
      time = static_cast<std::int64_t>(in.Get(64));
    } else {
      delta = WrapAdd(delta, UnZigZag(GetChange(in)));
      time = WrapAdd(time, delta);
    }
    const double value = GetXor(in, state, valid);
    out.times.push_back(time);
    out.values.push_back(value);
  }
}

}  // namespace vedette::storage
