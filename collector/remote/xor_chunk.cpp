#include "collector/remote/xor_chunk.h"

#include <bit>

#include "collector/remote/chunk_bits.h"
#include "storage/coding.h"

namespace vedette::collector {
namespace {

/// Of a change of the step.
constexpr unsigned kStepBits[] = {14, 17, 20, 64};

}  // namespace

std::size_t XorChunkSize(std::string_view chunk) {
  return chunk.size() < 2 ? 0 : storage::GetBigEndian<std::uint16_t>(chunk);
}

Status DecodeXorChunk(std::string_view chunk, storage::Columns& out) {
  if (chunk.size() < 2) return Fail(Code::kBadData, "a chunk of {} bytes", chunk.size());
  const std::size_t count = XorChunkSize(chunk);
  ChunkBits in(chunk.substr(2));
  std::int64_t time = 0, step = 0;
  std::uint64_t value = 0;
  XorWindow window;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t before = time;
    if (i == 0) {
      time = storage::UnZigZag(in.Varint());
      value = in.Bits(64);
    } else {
      step = i == 1 ? static_cast<std::int64_t>(in.Varint()) : storage::WrapAdd(step, in.Signed(kStepBits));
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
  XorWindow window;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto value = std::bit_cast<std::uint64_t>(values[i]);
    if (i == 0) {
      bits.Varint(storage::ZigZag(times[0]));
      bits.Bits(value, 64);
      continue;
    }
    const std::int64_t next = storage::WrapSub(times[i], times[i - 1]);
    if (i == 1) {
      bits.Varint(static_cast<std::uint64_t>(next));
    } else {
      bits.Signed(storage::WrapSub(next, step), kStepBits);
    }
    step = next;
    WriteXor(bits, std::bit_cast<std::uint64_t>(values[i - 1]), value, window);
  }
  return out;
}

}  // namespace vedette::collector
