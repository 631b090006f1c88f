// What the store keeps in memory for each active series: 48 bytes, held by value in the pages of SeriesTable.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include "storage/head/open_data.h"

namespace vedette::storage {

class RowGroup;

inline constexpr std::int32_t kNoDay = INT32_MIN;

/// "No sample is newer": a bound of times, kept in 32 bits as whole seconds rounded up. What lies before 1970 counts as
/// 1970, what lies beyond 2106 as without bound: a reader then looks where it need not, and misses nothing.
class TimeBound {
 public:
  TimeBound() = default;
  explicit TimeBound(std::int64_t ms) {
    if (ms == INT64_MIN) return;  // no sample
    if (ms <= 0) {
      seconds_ = 1;
    } else {
      seconds_ = static_cast<std::uint32_t>(std::min<std::int64_t>((ms - 1) / 1000 + 2, kUnbounded));
    }
  }
  void Raise(TimeBound other) { seconds_ = std::max(seconds_, other.seconds_); }
  /// Whether a sample at `ms` or later is possible.
  bool Reaches(std::int64_t ms) const { return seconds_ != 0 && this->ms() >= ms; }
  /// INT64_MIN: there is no sample. INT64_MAX: without bound.
  std::int64_t ms() const {
    if (seconds_ == 0) return INT64_MIN;
    return seconds_ == kUnbounded ? INT64_MAX : (std::int64_t{seconds_} - 1) * 1000;
  }

 private:
  static constexpr std::uint32_t kUnbounded = UINT32_MAX;
  std::uint32_t seconds_ = 0;  // 0: no sample; else 1 + seconds since 1970
};

struct HeadSeries {
  SeriesId id = SeriesId::kNone;

  // Guarded by the shard lock of head.h.
  /// Null while there is no unsealed sample.
  std::unique_ptr<OpenData> open;
  TimeBound max_time;         // of every sample since it came to memory
  TimeBound sealed_max_time;  // of its samples on disk
  /// Where its rows are; null: it has none. `column` is its place there.
  RowGroup* group = nullptr;
  std::uint16_t column = 0;
  bool queued : 1 = false;  // waits in the list of full chunks
  bool listed : 1 = false;  // is in the list of series with an open chunk

  /// The definition is on disk. Set by the first commit that wrote it.
  std::atomic<bool> stored{false};
  /// The last day whose index on disk has the series. The maintenance thread's alone.
  std::int32_t indexed_day = kNoDay;

  /// The clock at the last call of Series() or commit, in whole seconds.
  TimeMs last_use() const { return TimeMs(std::int64_t{last_use_s_.load(std::memory_order_relaxed)} * 1000); }
  void Use(TimeMs now) {
    const auto seconds = static_cast<std::uint32_t>(std::clamp<std::int64_t>(now.ms / 1000, 0, UINT32_MAX));
    // Most commits find it as it is: a line that is only read stays in the caches of all cores.
    if (last_use_s_.load(std::memory_order_relaxed) != seconds) last_use_s_.store(seconds, std::memory_order_relaxed);
  }

 private:
  friend class SeriesTable;
  static constexpr std::uint32_t kNoLabels = UINT32_MAX;
  std::uint32_t labels_ = kNoLabels;  // in the table's lists
  std::atomic<std::uint32_t> last_use_s_{0};
};
static_assert(sizeof(HeadSeries) <= 48);

}  // namespace vedette::storage
