// The part of the store that lies in memory: active series and their unsealed samples.
//
// Commits are applied one after the other (commit_order.h); readers and the sealer work at the same time, each holding
// one of a few dozen shard locks for a copy of some hundred bytes. Freezing hands the samples of a series over to the
// sealer and starts an empty chunk; frozen samples stay readable until they are on disk and no reader needs them any
// more.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "storage/append_batch.h"
#include "storage/head/commit_order.h"
#include "storage/head/series_table.h"

namespace vedette::storage {

/// A series whose samples so far are to be written to disk.
struct FrozenSeries {
  HeadSeries* series = nullptr;
  std::shared_ptr<const OpenData> data;
};

/// A series with so few samples that they are copied to the front of the journal instead.
struct CarriedSeries {
  HeadSeries* series = nullptr;
  Columns samples;
};

/// What one step of sealing took out of the head: everything of these series up to commit `through`.
struct FreezeBatch {
  std::uint64_t through = 0;
  std::vector<FrozenSeries> frozen;
  std::vector<CarriedSeries> carried;
  bool empty() const { return frozen.empty() && carried.empty(); }
};

/// How far a reader sees.
struct HeadView {
  std::uint64_t commit = 0;
  std::uint64_t round = 0;
};

class Head {
 public:
  /// A chunk is full at `chunk_samples` samples, in order or late, or when at least `span_samples` span `chunk_span`.
  Head(std::size_t chunk_samples, Millis chunk_span, std::size_t span_samples)
      : chunk_samples_(chunk_samples), chunk_span_(chunk_span), span_samples_(span_samples) {}

  SeriesTable& table() { return table_; }
  const SeriesTable& table() const { return table_; }
  CommitOrder& order() { return order_; }
  const CommitOrder& order() const { return order_; }
  ReaderRegistry& readers() const { return readers_; }

  /// Stores the batch as commit number `commit`. Call in the commit's turn. Counts into `outcome`.
  void Apply(const AppendBatch& batch, std::uint64_t commit, AppendOutcome& outcome);

  // Reading; any thread. None of these locks the table.
  /// Appends what `view` sees of the series, not sorted, possibly with samples that are on disk as well.
  void Read(const HeadSeries& series, HeadView view, TimeRange range, Columns& out) const;
  /// Whether unsealed samples, or (with `sealed_too`) any sample since the series came to memory, may lie in `range`.
  bool MayHave(const HeadSeries& series, TimeRange range, bool sealed_too) const;
  /// Whether the disk may hold samples of the series in `range`.
  bool MayBeOnDisk(const HeadSeries& series, TimeRange range) const;

  // Sealing; the maintenance thread only, the table locked shared, commits paused.
  enum class Fate : std::uint8_t { kKeep, kFreeze, kCarry };
  /// Looks at up to `limit` series with ids above `cursor` and moves it on; false when the end was reached.
  bool Freeze(SeriesId& cursor, std::size_t limit, const std::function<Fate(const HeadSeries&)>& decide,
              FreezeBatch& out);
  /// Freezes those that became full, at most `limit`.
  void FreezeFull(std::size_t limit, FreezeBatch& out);
  bool has_full() const;

  /// The batch is on disk: drops frozen samples as soon as no reader of an earlier round is left.
  void Retire(const FreezeBatch& batch);
  /// Drops what Retire() had to leave.
  void DropRetired();
  /// Nothing unsealed and nothing frozen.
  bool IsClean(const HeadSeries& series) const;

  /// While the journal is replayed, by one thread.
  void DropOpen(HeadSeries& series) {
    series.open.reset();
    series.queued = false;
  }

  std::size_t open_chunks() const;
  std::optional<TimeRange> range() const;

 private:
  static constexpr std::size_t kShards = 64;
  struct Frozen {
    std::shared_ptr<const OpenData> data;
    std::uint64_t retired_round = 0;  // 0: not on disk yet
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<SeriesId, std::vector<Frozen>> frozen;
  };
  /// Neighbours share a shard, so that a row of a scrape changes locks rarely.
  static std::size_t ShardOf(SeriesId id) { return (static_cast<std::uint64_t>(id) >> 6) % kShards; }

  void NoteIfFull(HeadSeries& series);
  void FreezeLocked(HeadSeries& series, Shard& shard, FreezeBatch& out);

  const std::size_t chunk_samples_;
  const Millis chunk_span_;
  const std::size_t span_samples_;
  SeriesTable table_;
  CommitOrder order_;
  mutable ReaderRegistry readers_;
  std::array<Shard, kShards> shards_;
  mutable std::mutex full_mutex_;
  std::vector<SeriesId> full_;
  bool has_retired_ = false;  // the maintenance thread's
};

}  // namespace vedette::storage
