// The series in memory: by id, by labels, and their inverted index. One lock for the three; see head.h for the samples.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "storage/head/open_data.h"
#include "storage/index/label_index.h"

namespace vedette::storage {

inline constexpr std::int32_t kNoDay = INT32_MIN;

struct HeadSeries {
  SeriesId id = SeriesId::kNone;
  Labels labels;
  /// The definition is on disk. Set by the first commit that wrote it.
  std::atomic<bool> stored{false};
  /// Clock time of the last call of Series() or commit.
  std::atomic<std::int64_t> last_use_ms{0};

  // Guarded by the shard lock of head.h.
  OpenData open;
  bool queued = false;                // waits in the list of full chunks
  std::int64_t max_time = INT64_MIN;  // of every sample since it came to memory
  /// No sample on disk is newer.
  std::int64_t sealed_max_time = INT64_MIN;

  /// The last day whose index on disk has the series. The maintenance thread's alone.
  std::int32_t indexed_day = kNoDay;
};

/// All methods expect the lock to be held as said; pointers stay valid until Remove().
class SeriesTable {
 public:
  std::shared_mutex& mutex() const { return mutex_; }

  // Shared lock.
  HeadSeries* Find(SeriesId id) const;
  HeadSeries* Find(const Labels& labels) const;
  /// The series with the lowest id above `id`; null at the end.
  HeadSeries* After(SeriesId id) const;
  const LabelIndex& index() const { return index_; }

  std::size_t size() const { return size_.load(std::memory_order_relaxed); }  // no lock

  // Exclusive lock.
  HeadSeries& Insert(SeriesId id, const Labels& labels);
  /// A series whose labels are not known yet: while the journal is replayed.
  HeadSeries& InsertBare(SeriesId id);
  void SetLabels(HeadSeries& series, const Labels& labels);
  void Remove(std::span<const SeriesEntry> series);

 private:
  static constexpr std::size_t kPageSize = 4096;
  struct Page {
    std::array<std::unique_ptr<HeadSeries>, kPageSize> series;
    std::size_t used = 0;
  };

  mutable std::shared_mutex mutex_;
  // Ids are dense and given in order: two array look-ups find a series, and a page of evicted ids costs one pointer.
  std::vector<std::unique_ptr<Page>> pages_;
  std::unordered_multimap<std::uint64_t, HeadSeries*> by_hash_;
  LabelIndex index_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace vedette::storage
