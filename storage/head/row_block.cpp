#include "storage/head/row_block.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace vedette::storage {

std::size_t RowPin::Seen(std::uint64_t commit, TimeRange range) const {
  std::size_t end = rows;
  while (end > 0 && first_commit + segment->commits[end - 1] > commit) --end;
  while (end > 0 && first_time + segment->times[end - 1] > range.max.ms) --end;
  return end;
}

void RowPin::Read(std::size_t column, std::uint64_t commit, TimeRange range, Columns& out) const {
  const std::size_t end = Seen(commit, range);
  if (end == 0) return;
  std::array<double, kSegmentRows> values;
  std::uint64_t found = ReadColumn(segment->bytes.get(), std::span(segment->ends).first(end), column, values.data());
  for (; found != 0; found &= found - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(found));
    const std::int64_t time = first_time + segment->times[i];
    if (time < range.min.ms) continue;
    out.times.push_back(time);
    out.values.push_back(values[i]);
  }
}

void RowPin::ReadBlock(std::size_t block, std::uint64_t commit, TimeRange range, std::span<Columns> out) const {
  const std::size_t end = Seen(commit, range);
  std::size_t begin = 0;
  while (begin < end && first_time + segment->times[begin] < range.min.ms) ++begin;
  if (begin == end) return;
  BlockValues values;
  storage::ReadBlock(segment->bytes.get(), std::span(segment->ends).first(end), block, values);
  static_assert(kSegmentRows < 64);
  const std::uint64_t wanted = (std::uint64_t{1} << end) - (std::uint64_t{1} << begin);
  for (std::size_t c = 0; c < out.size(); ++c) {
    std::uint64_t found = values.found[c] & wanted;
    if (found == wanted) {
      const std::size_t before = out[c].size(), n = end - begin;
      out[c].times.resize(before + n);
      out[c].values.resize(before + n);
      for (std::size_t i = 0; i < n; ++i) out[c].times[before + i] = first_time + segment->times[begin + i];
      std::copy_n(values.values[c].begin() + static_cast<std::ptrdiff_t>(begin), n,
                  out[c].values.begin() + static_cast<std::ptrdiff_t>(before));
      continue;
    }
    for (; found != 0; found &= found - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(found));
      out[c].times.push_back(first_time + segment->times[i]);
      out[c].values.push_back(values.values[c][i]);
    }
  }
}

bool RowPin::Has(std::size_t column, TimeRange range) const {
  std::uint64_t found = ColumnPresence(segment->bytes.get(), std::span(segment->ends).first(rows), column);
  for (; found != 0; found &= found - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(found));
    if (range.Contains(TimeMs(first_time + segment->times[i]))) return true;
  }
  return false;
}

/// Readers may hold the old bytes: they stay as they are.
void RowBlock::Resize(Part& part, std::size_t capacity) {
  auto data = std::make_shared<RowSegment>();
  data->bytes = std::make_unique_for_overwrite<char[]>(capacity);
  if (part.data) {
    data->ends = part.data->ends;
    data->times = part.data->times;
    data->commits = part.data->commits;
    std::memcpy(data->bytes.get(), part.data->bytes.get(), part.used);
  }
  part.data = std::move(data);
  part.capacity = static_cast<std::uint32_t>(capacity);
}

void RowBlock::Append(TimeMs time, std::uint64_t commit, std::string_view row, std::size_t growth) {
  if (rows_ == 0) {
    first_time_ = time.ms;
    first_commit_ = commit;
  }
  if (IsKeyRow(row)) {
    // Nothing is added to the segment before: its slack goes back.
    Trim();
    segments_.emplace_back();
  }
  assert(!segments_.empty());
  Part& part = segments_.back();
  assert(part.rows < kSegmentRows);
  const std::size_t used = part.used + row.size();
  if (used > part.capacity) Resize(part, used + used / growth);
  std::memcpy(part.data->bytes.get() + part.used, row.data(), row.size());
  part.data->ends[part.rows] = static_cast<std::uint32_t>(used);
  part.data->times[part.rows] = static_cast<std::uint32_t>(time.ms - first_time_);
  part.data->commits[part.rows] = static_cast<std::uint32_t>(commit - first_commit_);
  part.used = static_cast<std::uint32_t>(used);
  last_time_ = time.ms;
  last_commit_ = commit;
  ++part.rows;
  ++rows_;
  last_samples_ = RowValues(row, last_samples_);
  samples_ += last_samples_;
}

void RowBlock::Trim() {
  if (!segments_.empty() && segments_.back().used < segments_.back().capacity) {
    Resize(segments_.back(), segments_.back().used);
  }
}

void RowBlock::Pin(TimeRange range, std::vector<RowPin>& out) const {
  for (const Part& part : segments_) {
    const TimeRange own{TimeMs(first_time_ + part.data->times[0]),
                        TimeMs(first_time_ + part.data->times[part.rows - 1])};
    if (own.Overlaps(range)) out.push_back({part.data, part.rows, first_time_, first_commit_});
  }
}

std::size_t RowBlock::allocated_bytes() const {
  std::size_t bytes = sizeof *this + segments_.capacity() * sizeof(Part);
  for (const Part& part : segments_) bytes += sizeof(RowSegment) + part.capacity + 32;
  return bytes;
}

}  // namespace vedette::storage
