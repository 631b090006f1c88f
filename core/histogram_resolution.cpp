#include "core/histogram_resolution.h"

#include <algorithm>
#include <span>
#include <utility>

namespace vedette {
namespace {

/// Merges the buckets of one sign and appends what comes out.
void Merge(std::span<const std::int32_t> numbers, std::span<const double> counts, int shift,
           std::vector<std::int32_t>& merged_numbers, std::vector<double>& merged_counts) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    // Bucket n ends at base^n, so that a bound of the coarser schema is one of the finer, too.
    const std::int32_t number = ((numbers[i] - 1) >> shift) + 1;
    if (!merged_numbers.empty() && merged_numbers.back() == number) {
      merged_counts.back() += counts[i];
    } else {
      merged_numbers.push_back(number);
      merged_counts.push_back(counts[i]);
    }
  }
}

}  // namespace

void ReduceResolution(Histogram& histogram, int schema) {
  const HistogramLayout& fine = *histogram.layout;
  if (fine.custom() || schema >= fine.schema) return;
  const int shift = std::min(fine.schema - schema, 31);
  auto coarse = std::make_shared<HistogramLayout>();
  coarse->schema = schema;
  coarse->zero_threshold = fine.zero_threshold;
  std::vector<double> counts;
  counts.reserve(histogram.counts.size());
  const std::span<const double> all = histogram.counts;
  Merge(fine.positive, all.first(fine.positive.size()), shift, coarse->positive, counts);
  Merge(fine.negative, all.subspan(fine.positive.size()), shift, coarse->negative, counts);
  histogram.layout = std::move(coarse);
  histogram.counts = std::move(counts);
}

std::size_t FilledBuckets(const Histogram& histogram) {
  return static_cast<std::size_t>(std::ranges::count_if(histogram.counts, [](double count) { return count != 0; }));
}

}  // namespace vedette
