// One row of a group as bytes: the values of all its series at one time, coded against the row before.
//
// Most values of a scrape repeat, and most of the others are whole numbers or short decimals that moved a little. A row
// says which columns changed, and of those the difference, in as many bytes as it needs. Columns come in blocks of 64
// whose places are listed in front, so that one column is read out of a row in a few nanoseconds without looking at the
// others. The same bytes lie in memory and in the journal (docs/storage_format.md, "Rows").
//
// A key row is coded against zeros: a segment that starts with one decodes by itself. Bytes from disk pass
// ValidateRow() once; after that ReadColumn() relies on their structure, and reads no byte outside the rows it is
// given.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::storage {

inline constexpr std::size_t kRowBlockColumns = 64;
inline constexpr std::size_t kMaxRowColumns = 4096;

/// Which columns of a row have a value: one bit per column. Empty: all of them.
using ColumnBits = std::vector<std::uint64_t>;

/// What the next value of each column is coded against. The writer's side; readers rebuild it column by column.
class RowChains {
 public:
  std::size_t size() const { return bits_.size(); }
  /// New columns start as zeros.
  void Resize(std::size_t columns) {
    bits_.resize(columns, 0);
    states_.resize(columns, 0);
  }
  std::size_t allocated_bytes() const { return bits_.capacity() * 8 + states_.capacity() + present_.capacity() * 8; }

  /// Appends the row. Shapes: `values` has one element per column, ignored where `present` (empty: all) has no bit; not
  /// more than kMaxRowColumns. A key row resets the chains first.
  void Encode(std::span<const double> values, const ColumnBits& present, bool key, std::string& out);

 private:
  std::vector<std::uint64_t> bits_;   // the last value of the column
  std::vector<std::uint8_t> states_;  // see row_codec.cpp
  // The last presence that was written out since the key row, and for how many columns.
  ColumnBits present_;
  std::size_t present_columns_ = 0;
};

/// Whether `row` is a well-formed row of at most `columns` columns.
bool ValidateRow(std::string_view row, std::size_t columns);
bool IsKeyRow(std::string_view row);  // of a valid row
/// Columns with a value in the valid row; `before`: those of the row before it.
std::size_t RowValues(std::string_view row, std::size_t before);

/// Rows of a segment at most: what ReadColumn() takes at once.
inline constexpr std::size_t kMaxSegmentRows = 64;

/// Reads one column out of the valid rows of a segment, the key row first; row i ends `ends[i]` bytes behind `rows`.
/// Writes values[i] and sets bit i of the result for each row in which the column has a value.
std::uint64_t ReadColumn(const char* rows, std::span<const std::uint32_t> ends, std::size_t column, double* values);
/// All columns of a block at once.
struct BlockValues {
  std::array<std::uint64_t, kRowBlockColumns> found;  // as the result of ReadColumn()
  std::array<std::array<double, kMaxSegmentRows>, kRowBlockColumns> values;
};
/// ReadColumn() of the columns from block * kRowBlockColumns on, at a third of its cost for each: whoever wants all
/// columns goes through the rows once per block.
void ReadBlock(const char* rows, std::span<const std::uint32_t> ends, std::size_t block, BlockValues& out);
/// ReadColumn() without the values.
std::uint64_t ColumnPresence(const char* rows, std::span<const std::uint32_t> ends, std::size_t column);

/// Reads whole rows one after the other, each once: the counterpart of RowChains.
class RowReader {
 public:
  /// The valid row that follows the one before, or a key row.
  void Take(std::string_view row);

  /// Of the last row: its columns that have a value, ascending, and those values. Appended.
  void Values(std::vector<std::uint16_t>& columns, std::vector<double>& values) const;
  std::size_t allocated_bytes() const { return bits_.capacity() * 8 + states_.capacity() + present_.capacity() * 8; }

 private:
  std::vector<std::uint64_t> bits_;
  std::vector<std::uint8_t> states_;
  ColumnBits present_;  // as last written out since the key row
  std::size_t columns_ = 0;
  bool all_ = true;
};

}  // namespace vedette::storage
