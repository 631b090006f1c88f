// The rows of a group from one sealing to the next, in segments that each start with a key row.
//
// Rows are only appended, and bytes that were appended do not move or change: a reader takes a pin under the group's
// lock, and decodes without it while the writer goes on behind the rows it sees. A block is immutable once it is
// closed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "storage/head/row_codec.h"
#include "storage/storage.h"

namespace vedette::storage {

/// Rows between two key rows: what a reader of the newest value walks through at most. A key row costs 3.5 bytes per
/// value instead of 0.9, so 16 would cost another 8 % of memory, and 64 save 5 %.
inline constexpr std::size_t kSegmentRows = 32;
static_assert(kSegmentRows <= kMaxSegmentRows);

struct RowSegment {
  // Of row i: end of its bytes; time and commit, counted from those of the first row of the block.
  std::array<std::uint32_t, kSegmentRows> ends{}, times{}, commits{};
  std::unique_ptr<char[]> bytes;
};

/// What a reader needs of one segment.
struct RowPin {
  std::shared_ptr<const RowSegment> segment;
  std::size_t rows = 0;
  std::int64_t first_time = 0;
  std::uint64_t first_commit = 0;

  /// Appends the samples of the column that lie within `range` and came with commits up to `commit`.
  void Read(std::size_t column, std::uint64_t commit, TimeRange range, Columns& out) const;
  /// The same of the columns from block * kRowBlockColumns on, each to its own.
  void ReadBlock(std::size_t block, std::uint64_t commit, TimeRange range, std::span<Columns> out) const;
  void ReadBlock(std::size_t block, std::span<Columns> out) const { ReadBlock(block, UINT64_MAX, TimeRange(), out); }
  /// Rows from the first on that Read() looks at.
  std::size_t Seen(std::uint64_t commit, TimeRange range) const;
  /// Whether Read() with any commit would append something.
  bool Has(std::size_t column, TimeRange range) const;
};

/// Times and commits of a block are kept as differences from those of its first row, in 32 bits. Half of what fits:
/// commits are numbered a little later than this is asked.
inline constexpr std::uint64_t kRowBlockReach = std::uint64_t{1} << 31;
inline constexpr std::size_t kMaxBlockRows = 1 << 16;

class RowBlock {
 public:
  /// `number` names the block in the journal.
  explicit RowBlock(std::uint64_t number) : number_(number) {}

  std::uint64_t number() const { return number_; }
  std::size_t rows() const { return rows_; }
  bool empty() const { return rows_ == 0; }
  std::size_t samples() const { return samples_; }
  std::size_t last_samples() const { return last_samples_; }  // of the last row
  /// From here on not empty. Of the first and the last row.
  TimeRange range() const { return {TimeMs(first_time_), TimeMs(last_time_)}; }
  std::uint64_t first_commit() const { return first_commit_; }
  std::uint64_t last_commit() const { return last_commit_; }
  /// Whether a row may be appended that far behind the first.
  bool Reaches(TimeMs time, std::uint64_t commit) const {
    return static_cast<std::uint64_t>(time.ms) - static_cast<std::uint64_t>(first_time_) <= UINT32_MAX &&
           commit - first_commit_ <= UINT32_MAX;
  }
  /// `row` is valid, later than all others, within kRowBlockReach, and a key row where a segment begins.
  void Append(TimeMs time, std::uint64_t commit, std::string_view row) { Append(time, commit, row, kSteadyGrowth); }
  /// The same where many rows follow at once: fewer copies, more slack. Trim() gives it back.
  void AppendMany(TimeMs time, std::uint64_t commit, std::string_view row) { Append(time, commit, row, kFastGrowth); }
  void Trim();
  /// The last segment takes one more row that is no key row.
  bool InSegment() const { return !segments_.empty() && segments_.back().rows < kSegmentRows; }

  /// Appends pins of the segments that overlap `range`.
  void Pin(TimeRange range, std::vector<RowPin>& out) const;
  std::size_t allocated_bytes() const;

 private:
  struct Part {
    std::shared_ptr<RowSegment> data;
    std::uint32_t rows = 0, used = 0, capacity = 0;
  };
  /// A full segment gets 1/n of its bytes on top. An eighth: the copies cost a nanosecond per sample, the slack 2 bytes
  /// per series.
  static constexpr std::size_t kSteadyGrowth = 8, kFastGrowth = 1;
  void Append(TimeMs time, std::uint64_t commit, std::string_view row, std::size_t growth);
  static void Resize(Part& part, std::size_t capacity);

  const std::uint64_t number_;
  std::int64_t first_time_ = 0, last_time_ = 0;
  std::uint64_t first_commit_ = 0, last_commit_ = 0;
  std::size_t rows_ = 0, samples_ = 0, last_samples_ = 0;
  std::vector<Part> segments_;
};

}  // namespace vedette::storage
