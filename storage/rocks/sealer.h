// From the head to disk: full and idle chunks are sealed, and the journal in front of them is dropped.
//
// One step takes some thousand series, or the closed blocks of a few groups, encodes them without any lock, and writes
// chunks, index rows and a "sealed" journal record. Groups are sealed in turn, so the journal gets shorter at its front
// all the time; only when something holds it back for too long is that sealed early, or carried along when it is
// little. Called by the maintenance thread only.
#pragma once

#include <algorithm>
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
#include "storage/rocks/feeds.h"
#include "storage/rocks/metrics.h"
#include "storage/rocks/partitions.h"
#include "storage/rocks/rocks_storage.h"

namespace vedette::storage {

class Sealer {
 public:
  Sealer(Database& database, Head& head, const Feeds& feeds, Partitions& partitions, StorageMetrics& metrics,
         const RocksTuning& tuning)
      : database_(database),
        head_(head),
        feeds_(feeds),
        partitions_(partitions),
        metrics_(metrics),
        tuning_(tuning),
        writer_(database, tuning.table_bytes) {}

  /// Reads where numbers go on. Once, before the journal is replayed.
  Status Recover();
  /// The number of the last round.
  std::uint32_t last_seal() const { return seal_; }
  /// Numbers a round of somebody else, with samples up to `max_time`; `batch` is to be written before its chunks.
  std::uint32_t NewSeal(rocksdb::WriteBatch& batch, std::int64_t max_time);
  /// No sample on disk is newer than this.
  std::int64_t sealed_max_time() const { return sealed_max_time_.load(); }

  /// Called for each commit.
  void NoteJournal(std::size_t samples) { journal_total_ += samples; }
  /// About what a restart would replay.
  std::size_t journal_samples() const {
    return journal_total_ - std::min(journal_dropped_.load(), journal_total_.load());
  }

  /// All samples that NoteJournal() was told of.
  std::size_t journaled() const { return journal_total_; }

  /// Chunks and blocks that became full. `oldest`: samples before this time are beyond the retention and not written.
  Status SealFull(TimeMs oldest);
  /// The part of SealFull() that costs nothing when there is nothing to do: it does not look at groups and histograms.
  Status SealFullChunks(TimeMs oldest);
  /// Series and groups that nobody wrote to since `unused_since`, and groups that do not fit what comes any more.
  Status SealIdle(TimeMs unused_since, TimeMs oldest);
  /// When the journal is long, seals or carries what holds its older half; drops what is not needed any more.
  Status CutJournal(TimeMs oldest);
  /// Seals everything and drops the journal.
  Status SealAll(TimeMs oldest);
  /// Seals every sample of the commits that are visible now. Errors: kUnavailable when a writer leaves no gap.
  Status SealVisible(TimeMs oldest);

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
  void PutSeries(const FrozenSeries& item, TimeMs oldest, Sealed& sealed);
  void PutBlock(const FrozenBlock& item, TimeMs oldest, Sealed& sealed);
  void PutHistograms(const FrozenHistograms& item, TimeMs oldest, Sealed& sealed);
  void PutSamples(HeadSeries& series, const Columns& samples, TimeMs oldest, Sealed& sealed);
  void NoteDay(HeadSeries& series, std::int32_t day, std::int64_t max_time, Sealed& sealed);
  void PutJournalRecords(rocksdb::WriteBatch& batch);
  Status SealWhere(const std::function<Head::Fate(const HeadSeries&)>& decide, TimeMs oldest);
  Status SealClosedBlocks(TimeMs oldest);
  Status SealHistograms(const std::function<bool(const HeadSeries&, const OpenHistograms&)>& decide, TimeMs oldest);
  /// Seals what needs journal records of commits up to `through`; small things are carried unless `all`.
  Status Release(std::uint64_t through, bool all, TimeMs oldest);

  std::size_t JournalBound() const;
  void MarkJournal();
  Status DropUnneeded(std::size_t at_least);
  Status DropJournal(std::uint64_t through);
  Status DropPassed();

  /// Commits up to `commit` brought at least `samples`, counted from the start.
  struct Mark {
    std::uint64_t commit = 0;
    std::size_t samples = 0;
  };

  Database& database_;
  Head& head_;
  const Feeds& feeds_;
  Partitions& partitions_;
  StorageMetrics& metrics_;
  const RocksTuning& tuning_;
  ChunkWriter writer_;
  std::optional<FreezeBatch> pending_;
  std::uint32_t seal_ = 0;
  std::atomic<std::int64_t> sealed_max_time_{INT64_MIN};
  std::atomic<std::size_t> journal_total_{0}, journal_dropped_{0};
  std::deque<Mark> marks_;
  std::uint64_t watermark_ = 0, kept_from_ = 0;  // of the last DropJournal()
};

}  // namespace vedette::storage
