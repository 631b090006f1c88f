// The part of the store that lies in memory: active series and their unsealed samples.
//
// Samples that came as rows lie in groups (row_group.h), all others in the open chunk of their series: late ones, those
// of series that come alone. Commits are applied one after the other (commit_order.h); readers and the sealer work at
// the same time, each holding a lock for a copy of some hundred bytes. Freezing hands the samples of a series over to
// the sealer and starts an empty chunk, closing does so with the rows of a group; both stay readable until they are on
// disk and no reader needs them any more.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "storage/append_batch.h"
#include "storage/head/commit_order.h"
#include "storage/head/group_walk.h"
#include "storage/head/open_histograms.h"
#include "storage/head/row_groups.h"
#include "storage/head/series_table.h"

namespace vedette::storage {

class CommitPlan;

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

/// A series whose native histograms so far are to be written to disk.
struct FrozenHistograms {
  HeadSeries* series = nullptr;
  std::shared_ptr<const OpenHistograms> data;
};

/// A closed block of rows; ids[i] is the series of column i.
struct FrozenBlock {
  RowGroup* group = nullptr;
  std::shared_ptr<const RowBlock> block;
  std::vector<SeriesId> ids;
};

/// What one step of sealing took out of the head: everything of these series and blocks up to commit `through`. A step
/// has series, blocks or histograms: one that has series and blocks would write two chunks of a series under one key.
struct FreezeBatch {
  std::uint64_t through = 0;
  std::vector<FrozenSeries> frozen;
  std::vector<CarriedSeries> carried;
  std::vector<FrozenBlock> blocks;
  std::vector<FrozenHistograms> histograms;
  bool empty() const { return frozen.empty() && carried.empty() && blocks.empty() && histograms.empty(); }
};

/// Where the samples of a series go.
struct Placement {
  HeadSeries* series = nullptr;
  RowGroup* group = nullptr;  // null: none
  std::uint16_t column = 0;
};

class Head {
 public:
  /// A chunk is full at `chunk_samples` samples, in order or late, or when at least `span_samples` span `chunk_span`; a
  /// block likewise, in rows.
  Head(std::size_t chunk_samples, Millis chunk_span, std::size_t span_samples)
      : chunk_samples_(chunk_samples), chunk_span_(chunk_span), span_samples_(span_samples) {}

  SeriesTable& table() { return table_; }
  const SeriesTable& table() const { return table_; }
  CommitOrder& order() { return order_; }
  const CommitOrder& order() const { return order_; }
  ReaderRegistry& readers() const { return readers_; }
  RowGroups& groups() { return groups_; }

  /// Stores what was planned as commit number `commit`. Call in the commit's turn. Counts into `outcome`.
  void Apply(CommitPlan& plan, std::uint64_t commit, AppendOutcome& outcome);
  /// Stores the batch sample by sample.
  void ApplySingles(const AppendBatch& batch, std::uint64_t commit, AppendOutcome& outcome);

  /// The native histograms of the commit, in its turn.
  void ApplyHistograms(std::span<const AppendBatch::HistogramSample> samples, std::uint64_t commit,
                       AppendOutcome& outcome);

  // The table locked shared.
  Placement PlaceOf(SeriesId id) const;
  /// Gives the series a column of the group, which is claimed. Nothing when the series has a group.
  std::optional<std::uint16_t> Join(HeadSeries& series, RowGroup& group);
  /// The series, which has no unsealed samples, leaves memory. No commit is on its way.
  void Leave(const HeadSeries& series);

  // Reading; any thread. None of these locks the table, which is locked.
  /// Appends what `view` sees of the series, not sorted, possibly with samples that are on disk as well.
  void Read(const HeadSeries& series, HeadView view, TimeRange range, Columns& out) const;
  /// Read() and ReadHistograms() (null: not wanted) for one who reads many; true: the disk may hold samples as well.
  bool ReadAll(const HeadSeries& series, HeadView view, TimeRange range, GroupWalk& walk, Columns& out,
               HistogramColumns* histograms) const;
  /// The same of its native histograms.
  void ReadHistograms(SeriesId series, HeadView view, TimeRange range, HistogramColumns& out) const;
  /// Whether unsealed samples, or (with `sealed_too`) any sample since the series came to memory, may lie in `range`.
  bool MayHave(const HeadSeries& series, TimeRange range, bool sealed_too) const;

  /// Samples up to `max_time` (ms) are about to be on disk that did not pass through here.
  void NoteOnDisk(HeadSeries& series, std::int64_t max_time);

  // Sealing (head_sealing.cpp); the maintenance thread only. For those of single series the table is locked shared and
  // commits are paused.
  enum class Fate : std::uint8_t { kKeep, kFreeze, kCarry };
  /// The series with an open chunk; some may have none any more.
  std::vector<SeriesId> OpenSeries() const;
  void Freeze(std::span<const SeriesId> ids, const std::function<Fate(const HeadSeries&)>& decide, FreezeBatch& out);
  /// Freezes those that became full, at most `limit`.
  void FreezeFull(std::size_t limit, FreezeBatch& out);
  bool has_full() const;
  /// Histograms have no list of full ones: those that `decide` says, at most `limit` series.
  void FreezeHistograms(const std::function<bool(const HeadSeries&, const OpenHistograms&)>& decide, std::size_t limit,
                        FreezeBatch& out);
  bool IsFull(const OpenHistograms& open) const;
  /// Forgets which series have no open chunk any more. The table is locked shared.
  void TrimOpenSeries();

  enum class GroupFate : std::uint8_t { kKeep, kCloseBlock, kEnd };
  /// Closes blocks, and ends groups: they take no more rows. Where a commit is at work the block ends with its row.
  void CloseBlocks(const std::function<GroupFate(const RowGroup&, const RowGroup::Extent&)>& decide);
  /// Whether the open block has as many rows as it should. Groups differ, so that not all are sealed at once.
  bool IsFull(const RowGroup& group, const RowGroup::Extent& extent) const;
  /// What is closed and not sealed, in steps of about `columns` series.
  std::vector<FreezeBatch> ClosedBlocks(std::size_t columns);
  /// Samples of the series up to `max_time` are about to be on disk; it was in use at `used`.
  void NoteSealing(HeadSeries& series, std::int64_t max_time, TimeMs used);

  /// The batch is on disk: drops frozen samples as soon as no reader of an earlier round is left.
  void Retire(const FreezeBatch& batch);
  /// Drops what Retire() had to leave.
  void DropRetired();
  /// Whether it had to leave something as well.
  bool has_retired() const { return has_retired_; }
  /// Frees ended groups that have no rows left. No commit is on its way; locks the table.
  void DropEndedGroups();
  /// No journal record before this commit is needed, but for what has none: UINT64_MAX. The table is locked shared.
  std::uint64_t OldestNeededCommit() const;
  /// Nothing unsealed and nothing frozen.
  bool IsClean(const HeadSeries& series) const;

  /// While the journal is replayed, by one thread.
  void DropOpen(HeadSeries& series) {
    series.open.reset();
    series.queued = false;
  }
  void DropOpenHistograms(SeriesId id);

  std::size_t open_chunks() const;
  std::optional<TimeRange> range() const;
  /// Bytes of rows, groups and histograms. The table is locked shared.
  std::size_t row_bytes() const;

 private:
  static constexpr std::size_t kShards = 64;
  template <class Data>
  struct FrozenPart {
    std::shared_ptr<const Data> data;
    std::uint64_t retired_round = 0;  // 0: not on disk yet

    /// By readers of `round`.
    bool IsNeeded(std::uint64_t round) const { return retired_round == 0 || retired_round > round; }
  };
  using Frozen = FrozenPart<OpenData>;
  struct HistogramParts {
    std::unique_ptr<OpenHistograms> open;
    std::vector<FrozenPart<OpenHistograms>> frozen;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<SeriesId, std::vector<Frozen>> frozen;
    std::unordered_map<SeriesId, HistogramParts> histograms;
  };
  /// Neighbours share a shard, so that a row of a scrape changes locks rarely.
  static std::size_t ShardOf(SeriesId id) { return (static_cast<std::uint64_t>(id) >> 6) % kShards; }

  void Count(HeadSeries& series, TimeMs time, double value, std::uint64_t commit, std::uint64_t oldest_reader,
             AppendOutcome& outcome);
  void NoteIfFull(HeadSeries& series);
  void FreezeLocked(HeadSeries& series, Shard& shard, FreezeBatch& out);
  /// Calls `visit` with every series that has an open chunk, its shard locked. The table is locked shared.
  void VisitOpen(const std::function<void(const HeadSeries&)>& visit) const;

  // head_histograms.cpp
  void RetireHistograms(const FreezeBatch& batch, std::uint64_t round);
  /// True: readers of `oldest` still need some. The shard is locked, as for the next but one.
  static bool DropRetiredHistograms(Shard& shard, std::uint64_t oldest);
  void VisitHistograms(const std::function<void(const OpenHistograms&)>& visit) const;
  static bool HasHistograms(const Shard& shard, SeriesId id, TimeRange range);

  const std::size_t chunk_samples_;
  const Millis chunk_span_;
  const std::size_t span_samples_;
  SeriesTable table_;
  CommitOrder order_;
  mutable ReaderRegistry readers_;
  RowGroups groups_;
  std::array<Shard, kShards> shards_;
  mutable std::mutex lists_mutex_;
  std::vector<SeriesId> full_;
  std::vector<SeriesId> open_;  // series whose `listed` is set
  bool has_retired_ = false;    // the maintenance thread's
};

}  // namespace vedette::storage
