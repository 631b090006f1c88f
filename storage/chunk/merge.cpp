#include "storage/chunk/merge.h"

#include <algorithm>
#include <numeric>
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

void SortAndResolve(HistogramColumns& columns, std::size_t first) {
  const auto times = std::span(columns.times).subspan(first);
  if (std::ranges::adjacent_find(times, std::ranges::greater_equal{}) == times.end()) return;
  std::vector<std::size_t> order(times.size());
  std::iota(order.begin(), order.end(), first);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return columns.times[i]; });
  HistogramColumns sorted;
  for (const std::size_t i : order) {
    Histogram& histogram = columns.histograms[i];
    if (sorted.size() == 0 || sorted.times.back() != columns.times[i]) {
      sorted.times.push_back(columns.times[i]);
      sorted.histograms.push_back(std::move(histogram));
    } else if (CompareHistograms(sorted.histograms.back(), histogram) < 0) {
      sorted.histograms.back() = std::move(histogram);
    }
  }
  columns.times.resize(first);
  columns.histograms.resize(first);
  columns.times.insert(columns.times.end(), sorted.times.begin(), sorted.times.end());
  columns.histograms.insert(columns.histograms.end(), std::make_move_iterator(sorted.histograms.begin()),
                            std::make_move_iterator(sorted.histograms.end()));
}

void CutToRange(HistogramColumns& columns, std::size_t first, TimeRange range) {
  const auto begin = columns.times.begin() + static_cast<std::ptrdiff_t>(first);
  const auto from = std::lower_bound(begin, columns.times.end(), range.min.ms) - columns.times.begin();
  const auto to = std::max(from, std::upper_bound(begin, columns.times.end(), range.max.ms) - columns.times.begin());
  const auto cut = [&](auto& column) {
    column.erase(column.begin() + to, column.end());
    column.erase(column.begin() + static_cast<std::ptrdiff_t>(first), column.begin() + from);
  };
  cut(columns.times);
  cut(columns.histograms);
}

void ResolveMixed(Columns& floats, std::size_t first_float, HistogramColumns& histograms, std::size_t first_histogram) {
  if (floats.size() == first_float || histograms.size() == first_histogram) return;
  std::size_t f = first_float, float_end = first_float, histogram_end = first_histogram;
  const auto keep_float = [&](std::size_t i) {
    floats.times[float_end] = floats.times[i];
    floats.values[float_end++] = floats.values[i];
  };
  for (std::size_t h = first_histogram; h < histograms.size(); ++h) {
    while (f < floats.size() && floats.times[f] < histograms.times[h]) keep_float(f++);
    if (f < floats.size() && floats.times[f] == histograms.times[h]) {
      if (IsStaleHistogram(histograms.histograms[h])) continue;
      ++f;
    }
    if (histogram_end != h) {
      histograms.times[histogram_end] = histograms.times[h];
      histograms.histograms[histogram_end] = std::move(histograms.histograms[h]);
    }
    ++histogram_end;
  }
  while (f < floats.size()) keep_float(f++);
  floats.times.resize(float_end);
  floats.values.resize(float_end);
  histograms.times.resize(histogram_end);
  histograms.histograms.resize(histogram_end);
}

}  // namespace vedette::storage
