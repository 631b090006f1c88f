// The way of a series into memory and out of it again.
//
// A label set has one id for as long as the store has samples of it: before an id is given, the disk is asked.
// Definitions are written with the first commit that uses them (definition_store.h), so a journal record never names a
// series that is not there.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/head/head.h"
#include "storage/rocks/database.h"
#include "storage/rocks/definition_reader.h"
#include "storage/rocks/definition_store.h"

namespace vedette::storage {

class SeriesCatalog {
 public:
  SeriesCatalog(Database& database, Head& head)
      : database_(database), head_(head), store_(database, head.table()), reader_(database, nullptr) {}

  /// Reads where ids go on. Once, before anything else. `sealed_max_time`: no sample on disk is newer.
  Status Recover(std::int64_t sealed_max_time);
  /// Reads the labels of series that the journal named, `ids` ascending, and brings in those that no block has yet.
  /// Once, before anything below, with the table's lock held: nobody sees a series without its labels. Errors:
  /// kCorruption when the definition of a series with open samples is missing.
  Status LoadLabels(std::span<const SeriesId> ids);

  /// kNone: not in memory.
  SeriesId FindInMemory(const Labels& labels, TimeMs now);
  /// The series in memory, from disk, or new. Errors: kLimit at `max_series` series in memory (0: none), kCorruption.
  Result<SeriesId> FindOrCreate(const Labels& labels, TimeMs now, std::size_t max_series);
  /// Brings an evicted series back; false when the store does not know the id.
  Result<bool> Load(SeriesId id, TimeMs now);

  /// No series outside memory has a newer sample. Read it with the table locked, then nothing leaves memory meanwhile.
  std::int64_t disk_only_max_time() const { return disk_only_max_time_.load(std::memory_order_relaxed); }

  /// Adds the definitions of series in memory to the batch of the commit that names them. Any thread; to be told when
  /// the batch was written.
  DefinitionRecord PutDefinitions(std::span<HeadSeries* const> undefined, rocksdb::WriteBatch& batch) {
    return store_.PutRecord(undefined, batch);
  }
  void NoteDefined(std::span<HeadSeries* const> defined, DefinitionRecord record);

  // Maintenance thread.
  /// Moves definitions from their records to blocks, when at least `least` series wait for that.
  Status StoreDefinitions(std::size_t least = 1);
  /// Takes out of memory what has been idle for `idle` and is on disk, at most `limit` series. No commit may be on its
  /// way.
  Status Evict(TimeMs now, Millis idle, std::size_t limit);
  /// Takes those of the series out of memory that have nothing there but labels. No commit may be on its way.
  Status EvictClean(std::span<const SeriesId> series, TimeMs now);
  /// Deletes the definitions that are neither in memory nor in `alive`, nor were evicted within `grace`.
  Status Collect(std::span<const SeriesId> alive, TimeMs now, Millis grace);

 private:
  Result<HeadSeries*> FindOnDisk(const Labels& labels);
  HeadSeries& Revive(SeriesId id, const Labels& labels, TimeMs now);
  struct Record {
    std::uint64_t number = 0;
    std::string bytes;
    Definitions definitions;  // views `bytes`
  };
  void TakeIn(const Record& record);
  Status LoadFromBlocks(std::span<const SeriesId> ids);
  Status ForgetNamed(SeriesId id);

  Database& database_;
  Head& head_;
  DefinitionStore store_;
  // Held while a series changes between disk and memory, so that it is never in neither. Before the table's lock.
  std::mutex mutex_;
  DefinitionReader reader_;  // of FindOnDisk and Load
  /// Of FindOnDisk, for many look-ups in a row: to make one costs more than to ask it. It sees everything that has left
  /// memory, so it ends when a series does; and it holds on to tables and memtables, so it ends with every round of
  /// maintenance.
  std::unique_ptr<rocksdb::Iterator> hash_rows_;
  std::uint64_t next_id_ = 1;
  bool all_in_memory_ = true;  // GUARDED_BY(mutex_): there are no series but those of the table
  std::int64_t recovered_max_time_ = INT64_MIN;
  std::atomic<std::int64_t> disk_only_max_time_{INT64_MIN};
  /// What left memory in one round, as stored postings: with a million series a day they are kept for a whole
  /// retention.
  struct Evicted {
    TimeMs time;
    std::string ids;
  };
  std::deque<Evicted> evicted_;            // by time
  std::mutex waiting_mutex_;               // guards the two below
  std::vector<DefinitionRecord> waiting_;  // records whose series are in no block yet
  std::size_t waiting_series_ = 0;
};

}  // namespace vedette::storage
