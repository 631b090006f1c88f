// The times of a chunk: regular ones as first, last and count, others as an integer sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/time.h"
#include "storage/chunk/flat_ints.h"
#include "storage/coding.h"

namespace vedette::storage {

inline constexpr std::size_t kMaxChunkSamples = 1 << 16;

/// Stored.
enum class TimeCodec : std::uint8_t {
  kRegular = 0,  // every `step` ms
  kIntegers = 1,
};

struct CodedTimes {
  std::size_t count = 0;
  TimeRange range;  // first and last
  TimeCodec codec = TimeCodec::kRegular;
  std::int64_t step = 0;     // kRegular; 0 for a single one
  std::string_view payload;  // kIntegers

  /// So many from the front have to be decoded for whoever wants none behind `max`: all, where that cannot be told.
  std::size_t CountUpTo(TimeMs max) const;
};

/// `times`: 1 to kMaxChunkSamples, strictly ascending.
TimeCodec TimeCodecOf(std::span<const std::int64_t> times);
/// Appends count, first time, the distance of the last one, and the payload.
void PutTimes(std::span<const std::int64_t> times, TimeCodec codec, std::string& out,
              IntEffort effort = IntEffort::kSmallest);
/// Reads what PutTimes wrote; views `in`. Nothing when it is damaged.
std::optional<CodedTimes> ReadTimes(ByteReader& in, TimeCodec codec);
/// The first `out.size()` times. False when they are damaged.
bool DecodeTimes(const CodedTimes& times, std::span<std::int64_t> out);

}  // namespace vedette::storage
