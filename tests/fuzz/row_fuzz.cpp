// Any bytes as the rows of a segment: refused, or every column reads as something without leaving them.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "storage/head/row_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::storage;
  constexpr std::size_t kColumns = 130;
  // Rows, each behind its size in two bytes.
  std::vector<char> rows;
  std::vector<std::uint32_t> ends;
  for (std::size_t at = 0; at + 2 <= size && ends.size() < kMaxSegmentRows;) {
    const std::size_t n = data[at] | (data[at + 1] << 8);
    at += 2;
    if (n > size - at) break;
    const std::string_view row(reinterpret_cast<const char*>(data) + at, n);
    at += n;
    if (!ValidateRow(row, kColumns)) continue;
    if (RowValues(row, 0) > kColumns) std::abort();
    rows.insert(rows.end(), row.begin(), row.end());
    ends.push_back(static_cast<std::uint32_t>(rows.size()));
  }
  if (ends.empty()) return 0;
  rows.shrink_to_fit();
  double values[kMaxSegmentRows];
  BlockValues block;
  for (std::size_t column = 0; column <= kColumns; ++column) {
    const std::size_t in_block = column % kRowBlockColumns;
    if (in_block == 0) ReadBlock(rows.data(), ends, column / kRowBlockColumns, block);
    const std::uint64_t found = ReadColumn(rows.data(), ends, column, values);
    if (found != ColumnPresence(rows.data(), ends, column) || found != block.found[in_block]) std::abort();
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const bool has = ((found >> i) & 1) != 0;
      if (has && std::memcmp(&values[i], &block.values[in_block][i], sizeof(double)) != 0) std::abort();
    }
  }
  return 0;
}
