// The growing chunk of an active series: one bit stream of times (delta of delta) and values (XOR), appended in order.
// About 64 bytes of state plus 1 to 4 bytes per sample. Not thread-safe; the head's shard lock guards it.
#pragma once

#include <cstdint>
#include <string>

#include "storage/chunk/xor_codec.h"
#include "storage/storage.h"

namespace vedette::storage {

class OpenChunk {
 public:
  std::size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// Of the first and the last sample; only when there is one.
  TimeMs first_time() const { return TimeMs(first_time_); }
  TimeMs last_time() const { return TimeMs(last_time_); }
  double last_value() const { return std::bit_cast<double>(xor_.previous); }
  std::size_t allocated_bytes() const { return bits_.allocated_bytes(); }

  /// `time` lies after last_time().
  void Append(TimeMs time, double value);

  /// The stream so far. A copy may be decoded while the chunk goes on growing.
  std::string_view bytes() const { return bits_.bytes(); }
  /// Appends the first `count` samples of a stream to `out`.
  static void Decode(std::string_view bytes, std::size_t count, Columns& out);

 private:
  std::int64_t first_time_ = 0, last_time_ = 0, last_delta_ = 0;
  XorState xor_;
  std::uint32_t count_ = 0;
  BitBuffer bits_;
};

}  // namespace vedette::storage
