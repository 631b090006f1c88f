// From the head to disk: full and idle chunks are sealed, and the journal in front of them is dropped.
//
// One step freezes some thousand series while commits wait for a moment, encodes them without any lock, and writes
// chunks, index rows and a "sealed" journal record in one atomic batch. Called by the maintenance thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "storage/head/head.h"
#include "storage/rocks/chunk_writer.h"
#include "storage/rocks/database.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/metrics.h"
#include "storage/rocks/partitions.h"
#include "storage/rocks/rocks_storage.h"

namespace vedette::storage {

class Sealer {
 public:
  Sealer(Database& database, Head& head, Partitions& partitions, StorageMetrics& metrics, const RocksTuning& tuning)
      : database_(database),
        head_(head),
        partitions_(partitions),
        metrics_(metrics),
        tuning_(tuning),
        writer_(database, tuning.table_bytes) {}

  /// Reads where numbers go on. Once, before the journal is replayed.
  Status Recover();
  /// No sample on disk is newer than this.
  std::int64_t sealed_max_time() const { return sealed_max_time_.load(); }

  /// Called for each commit.
  void NoteJournal(std::size_t samples) { journal_samples_ += samples; }
  std::size_t journal_samples() const { return journal_samples_.load(); }
  bool JournalIsLong() const;

  /// Chunks that became full. `oldest`: samples before this time are beyond the retention and not written.
  Status SealFull(TimeMs oldest);
  /// Series that nobody wrote to since `unused_since`.
  Status SealIdle(TimeMs unused_since, TimeMs oldest);
  /// Seals or carries everything the journal holds so far and drops it. `all`: carries nothing.
  Status Spill(bool all, TimeMs oldest);

 private:
  /// What one step puts on disk.
  struct Sealed {
    DiskIndexBatch index;
    std::deque<Labels> labels;  // what `index` views
    std::map<HeadSeries*, std::int32_t> indexed;
    std::int64_t max_time = INT64_MIN;
  };
  /// Writes what an earlier step froze and could not write; nothing may be frozen before that.
  Status WritePending(TimeMs oldest);
  Status WriteStep(TimeMs oldest);
  void PutChunks(const FrozenSeries& item, TimeMs oldest, Sealed& sealed);
  Status SealWhere(const std::function<Head::Fate(const HeadSeries&)>& decide, TimeMs oldest);
  Status DropJournal(std::uint64_t through);

  Database& database_;
  Head& head_;
  Partitions& partitions_;
  StorageMetrics& metrics_;
  const RocksTuning& tuning_;
  ChunkWriter writer_;
  std::optional<FreezeBatch> pending_;
  std::uint32_t seal_ = 0;
  std::atomic<std::int64_t> sealed_max_time_{INT64_MIN};
  std::atomic<std::size_t> journal_samples_{0};
};

}  // namespace vedette::storage
