#include "storage/chunk/merge.h"

#include <algorithm>
#include <vector>

namespace vedette::storage {

void SortAndResolve(Columns& columns, std::size_t first) {
  const auto times = std::span(columns.times).subspan(first);
  if (std::ranges::adjacent_find(times, std::ranges::greater_equal{}) == times.end()) return;
  std::vector<Sample> samples;
  samples.reserve(times.size());
  for (std::size_t i = first; i < columns.size(); ++i) samples.push_back({TimeMs(columns.times[i]), columns.values[i]});
  std::ranges::sort(samples, {}, &Sample::time);
  std::size_t end = first;
  for (const Sample& sample : samples) {
    if (end > first && columns.times[end - 1] == sample.time.ms) {
      columns.values[end - 1] = ResolveDuplicate(columns.values[end - 1], sample.value);
      continue;
    }
    columns.times[end] = sample.time.ms;
    columns.values[end++] = sample.value;
  }
  columns.times.resize(end);
  columns.values.resize(end);
}

void CutToRange(Columns& columns, std::size_t first, TimeRange range) {
  const auto begin = columns.times.begin() + static_cast<std::ptrdiff_t>(first);
  const auto from = std::lower_bound(begin, columns.times.end(), range.min.ms) - columns.times.begin();
  const auto to = std::upper_bound(begin, columns.times.end(), range.max.ms) - columns.times.begin();
  columns.times.resize(static_cast<std::size_t>(std::max(from, to)));
  columns.values.resize(columns.times.size());
  columns.times.erase(columns.times.begin() + static_cast<std::ptrdiff_t>(first), columns.times.begin() + from);
  columns.values.erase(columns.values.begin() + static_cast<std::ptrdiff_t>(first), columns.values.begin() + from);
}

}  // namespace vedette::storage
