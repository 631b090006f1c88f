// The series that come together, normally those of one target, and their unsealed rows.
//
// A group has two sides. The *writer's*: ids, what the next row is coded against, the order in which the series come.
// It belongs to whoever holds the claim, a mutex that a commit keeps from coding its rows until they are applied, so
// that journal and memory have the rows of a group in one order. The *readers'*: the blocks of rows, behind a lock that
// is held for moments. Columns are only ever added; one whose series left memory stays empty.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "storage/head/row_block.h"
#include "storage/head/row_codec.h"

namespace vedette::storage {

/// How far a reader sees: commits up to `commit`, and what was sealed after `round`.
struct HeadView {
  std::uint64_t commit = 0;
  std::uint64_t round = 0;
};

class RowGroup;

/// A row that was coded and is on its way through the journal.
struct RowDraft {
  RowGroup* group = nullptr;
  std::uint64_t block = 0;
  bool opens_block = false;
  // Columns that the journal has to learn with this row: all of them when it opens a block.
  std::uint32_t first_column = 0, columns = 0;
  std::uint32_t ordinal = 0;  // rows of the block before it
  TimeMs time;
  std::size_t begin = 0, end = 0;  // in RowDrafts::bytes
  std::size_t values = 0;
};

struct RowDrafts {
  std::vector<RowDraft> rows;
  std::string bytes;
  std::string_view RowBytes(const RowDraft& draft) const {
    return std::string_view(bytes).substr(draft.begin, draft.end - draft.begin);
  }
};

class RowGroup {
 public:
  /// `next_block`: where the numbers of blocks come from, each one once.
  RowGroup(std::uint64_t number, std::atomic<std::uint64_t>& next_block) : number_(number), next_block_(next_block) {}
  RowGroup(const RowGroup&) = delete;
  RowGroup& operator=(const RowGroup&) = delete;

  std::uint64_t number() const { return number_; }
  std::mutex& claim() { return claim_; }

  // Writer; the claim is held.
  std::span<const SeriesId> ids() const { return ids_; }
  std::uint16_t AddColumn(SeriesId id);
  /// The series left memory and has no sample here.
  void ForgetColumn(std::uint16_t column);
  bool Accepts(TimeMs time) const { return !ended() && time.ms > last_time_; }
  std::size_t last_values() const { return last_values_; }  // of the last row
  /// How many of `ids`, from the first on, are the series of the last row in their order: all of them, or 0.
  std::size_t MatchLast(std::span<const SeriesId> ids) const;
  /// Rows for this group came that it could not take, one after the other: it does not fit what comes.
  void NoteRefused() { refused_.fetch_add(1, std::memory_order_relaxed); }

  /// Codes a row of the series of the last row, in that order.
  void DraftLast(TimeMs time, std::span<const double> values, std::uint64_t commit_hint, RowDrafts& out);
  /// Codes a row of other series: columns[i], each once, gets values[i].
  void Draft(TimeMs time, std::span<const std::uint16_t> columns, std::span<const double> values,
             std::uint64_t commit_hint, RowDrafts& out);
  /// The drafted row is in the journal.
  void Apply(const RowDraft& draft, std::string_view row, std::uint64_t commit);
  /// Drafted rows were not written. The journal may show them after a restart all the same, so the next row opens a
  /// block.
  void Abort();
  /// No row follows in the open block, if there is one.
  void CloseBlock();

  // While the journal is replayed, by one thread.
  /// Columns from `first` on, which is not beyond those there are; a kNone leaves a column that is there as it is.
  void RestoreColumns(std::size_t first, std::span<const SeriesId> ids);
  RowBlock& RestoreBlock(std::uint64_t number);
  /// After the last record: the last block goes on.
  void FinishRestore();

  // Any thread.
  /// The next row opens a block.
  void WantNewBlock() { wants_new_block_.store(true, std::memory_order_relaxed); }
  /// Takes no more rows: to be freed when its blocks are gone.
  void End() { ended_.store(true, std::memory_order_relaxed); }
  bool ended() const { return ended_.load(std::memory_order_relaxed); }
  std::size_t refused() const { return refused_.load(std::memory_order_relaxed); }
  /// The clock when rows came last.
  void Use(TimeMs now) { last_use_ms_.store(now.ms, std::memory_order_relaxed); }
  TimeMs last_use() const { return TimeMs(last_use_ms_.load(std::memory_order_relaxed)); }
  /// Appends what `view` sees of the column, oldest first.
  void Read(std::size_t column, HeadView view, TimeRange range, Columns& out) const;
  /// The same of the columns from block * kRowBlockColumns on, each to its own.
  void ReadBlock(std::size_t block, HeadView view, TimeRange range, std::span<Columns> out) const;
  /// Whether unsealed rows in `range` have the column.
  bool Has(std::size_t column, TimeRange range) const;
  /// The value at `time`; false when there is none.
  bool Find(std::size_t column, TimeMs time, double& value) const;
  struct Extent {
    std::size_t rows = 0, samples = 0;
    TimeRange range{TimeMs::Max(), TimeMs::Min()};
    std::uint64_t first_commit = UINT64_MAX;  // of what is not sealed
    std::size_t bytes = 0;                    // of the whole group
    std::size_t blocks = 0, columns = 0;
    // Of the open block; the last one has values in so many columns.
    std::size_t open_rows = 0, open_columns = 0;
    TimeRange open_range{TimeMs::Max(), TimeMs::Min()};
    bool open_is_first = false;  // of the group, in this process
  };
  Extent extent() const;

  // Maintenance thread.
  /// Closed blocks that are not sealed.
  std::vector<std::shared_ptr<const RowBlock>> ClosedBlocks() const;
  std::vector<SeriesId> CopyIds() const;
  /// The block is on disk; `round` 0: nobody needs it any more.
  void Retire(std::uint64_t block, std::uint64_t round);
  /// Drops what readers of `oldest_round` and later do not need; false when something is left that was retired.
  bool DropRetired(std::uint64_t oldest_round);
  bool empty() const;

 private:
  struct Held {
    std::shared_ptr<RowBlock> block;
    bool open = false;
    std::uint64_t retired_round = 0;  // 0: not on disk yet
  };
  /// The segments that `view` sees some of.
  void Pin(HeadView view, TimeRange range, std::vector<RowPin>& out) const;
  void Code(TimeMs time, std::span<const double> by_column, const ColumnBits& present, std::size_t values,
            std::uint64_t commit_hint, RowDrafts& out);

  const std::uint64_t number_;
  std::atomic<std::uint64_t>& next_block_;

  std::mutex claim_;
  RowChains chains_;
  std::vector<std::uint16_t> order_;    // columns of the last row's series in their order; empty: as they are numbered
  bool has_last_ = false;               // there is a last row that MatchLast() may speak of
  ColumnBits order_present_;            // the columns in order_; empty: all
  std::int64_t last_time_ = INT64_MIN;  // of the last draft
  std::int64_t applied_time_ = INT64_MIN;  // of the last one that was written
  std::size_t last_values_ = 0;
  // The block that the next draft belongs to.
  bool must_open_ = true;
  std::uint64_t block_ = 0;
  std::int64_t block_time_ = 0;     // of its first row
  std::uint64_t block_commit_ = 0;  // likewise, or a little before
  std::uint32_t block_rows_ = 0;
  std::uint32_t segment_rows_ = 0;
  std::uint32_t known_columns_ = 0;  // to the journal, in this block

  std::atomic<bool> wants_new_block_{false}, ended_{false};
  std::atomic<std::size_t> refused_{0};
  std::atomic<std::int64_t> last_use_ms_{0};
  mutable std::mutex mutex_;
  std::vector<SeriesId> ids_;  // changed with claim and lock; kNone: left memory
  std::vector<Held> blocks_;
  std::uint64_t first_block_ = 0;  // 0: none was opened yet; UINT64_MAX: an earlier process did
};

}  // namespace vedette::storage
