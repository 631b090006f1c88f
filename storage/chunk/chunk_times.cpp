#include "storage/chunk/chunk_times.h"

#include <algorithm>
#include <functional>

#include "storage/chunk/int_codec.h"
#include "storage/chunk/kernels.h"

namespace vedette::storage {

std::size_t CodedTimes::CountUpTo(TimeMs max) const {
  if (codec != TimeCodec::kRegular || step == 0 || max >= range.max) return count;
  if (max < range.min) return 0;
  return static_cast<std::size_t>((max.ms - range.min.ms) / step) + 1;
}

TimeCodec TimeCodecOf(std::span<const std::int64_t> times) {
  if (times.size() < 2) return TimeCodec::kRegular;
  const std::int64_t step = WrapSub(times[1], times[0]);
  for (std::size_t i = 2; i < times.size(); ++i) {
    if (WrapSub(times[i], times[i - 1]) != step) return TimeCodec::kIntegers;
  }
  return TimeCodec::kRegular;
}

void PutTimes(std::span<const std::int64_t> times, TimeCodec codec, std::string& out, IntEffort effort) {
  PutVarint(out, times.size());
  PutSigned(out, times.front());
  PutVarint(out, static_cast<std::uint64_t>(WrapSub(times.back(), times.front())));
  if (codec == TimeCodec::kRegular) return;
  std::string payload;
  EncodeInts(times, payload, effort);
  PutVarint(out, payload.size());
  out.append(payload);
}

std::optional<CodedTimes> ReadTimes(ByteReader& in, TimeCodec codec) {
  CodedTimes out;
  out.codec = codec;
  const auto count = in.Varint();
  if (!count || *count == 0 || *count > kMaxChunkSamples) return std::nullopt;
  out.count = static_cast<std::size_t>(*count);
  const auto first = in.Signed();
  const auto span = in.Varint();
  if (!first || !span || *span > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  out.range = {TimeMs(*first), TimeMs(WrapAdd(*first, static_cast<std::int64_t>(*span)))};
  if (out.range.max < out.range.min) return std::nullopt;
  if (codec == TimeCodec::kRegular) {
    // The step follows from the span; times ascend, so it is zero for a single sample only.
    const std::uint64_t gaps = out.count - 1;
    if (gaps == 0 ? *span != 0 : (*span == 0 || *span % gaps != 0)) return std::nullopt;
    out.step = gaps == 0 ? 0 : static_cast<std::int64_t>(*span / gaps);
    return out;
  }
  const auto size = in.Varint();
  const auto payload = size && *size <= in.size() ? in.Bytes(static_cast<std::size_t>(*size)) : std::nullopt;
  if (!payload) return std::nullopt;
  out.payload = *payload;
  return out;
}

bool DecodeTimes(const CodedTimes& times, std::span<std::int64_t> out) {
  const std::int64_t first = times.range.min.ms, last = times.range.max.ms;
  if (times.codec == TimeCodec::kRegular) {
    FillSteps(first, times.step, out);
    return true;
  }
  ByteReader in(times.payload);
  if (!DecodeInts(in, times.count, out)) return false;
  // Readers merge by time: times out of order would spoil answers silently.
  return out.front() == first && std::ranges::adjacent_find(out, std::ranges::greater_equal{}) == out.end() &&
         (out.size() < times.count ? out.back() < last : out.back() == last);
}

}  // namespace vedette::storage
