// Series definitions on disk, and the way of a series into memory and out of it again.
//
// A label set has one id for as long as the store has samples of it: before an id is given, the disk is asked.
// Definitions are written with the first commit that uses them, so a journal record never names a series that is not
// there.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "storage/head/head.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

class SeriesCatalog {
 public:
  SeriesCatalog(Database& database, Head& head) : database_(database), head_(head) {}

  /// Reads where ids go on. Once, before anything else. `sealed_max_time`: no sample on disk is newer.
  Status Recover(std::int64_t sealed_max_time);
  /// Reads the labels of series that the journal named. Errors: kCorruption when the definition of a
  /// series with open samples is missing.
  Status LoadLabels(std::span<const SeriesId> ids);

  /// The series in memory, from disk, or new. Errors: kLimit at `max_series` series in memory (0: none), kCorruption.
  Result<SeriesId> FindOrCreate(const Labels& labels, TimeMs now, std::size_t max_series);
  /// Brings an evicted series back; false when the store does not know the id.
  Result<bool> Load(SeriesId id, TimeMs now);
  /// Of a series that may not be in memory; nothing when it is unknown.
  Result<std::optional<Labels>> ReadLabels(SeriesId id, const rocksdb::Snapshot* snapshot) const;

  /// No series outside memory has a newer sample. Read it with the table locked, then nothing leaves memory meanwhile.
  std::int64_t disk_only_max_time() const { return disk_only_max_time_.load(std::memory_order_relaxed); }

  void PutDefinitions(rocksdb::WriteBatch& batch, std::span<HeadSeries* const> undefined) const;

  // Maintenance thread.
  /// Takes out of memory what has been idle for `idle` and is on disk, at most `limit` series. No commit may be on its
  /// way.
  Status Evict(TimeMs now, Millis idle, std::size_t limit);
  /// Deletes the definitions that are neither in memory nor in `alive`, nor were evicted within `grace`.
  Status Collect(std::span<const SeriesId> alive, TimeMs now, Millis grace);

 private:
  Result<HeadSeries*> FindOnDisk(const Labels& labels);

  Database& database_;
  Head& head_;
  // Held while a series changes between disk and memory, so that it is never in neither. Before the table's lock.
  std::mutex mutex_;
  std::uint64_t next_id_ = 1;
  std::atomic<std::int64_t> disk_only_max_time_{INT64_MIN};
  /// What left memory in one round, as stored postings: with a million series a day they are kept for a whole
  /// retention.
  struct Evicted {
    TimeMs time;
    std::string ids;
  };
  std::deque<Evicted> evicted_;  // by time
};

}  // namespace vedette::storage
