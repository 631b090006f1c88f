// Reshaping of native histograms.
#include "analytics/promql/histogram_parts.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

namespace vedette::promql {

namespace {

BucketList ListOf(std::span<const std::int32_t> numbers, std::span<const double> counts, std::span<const double> lost) {
  BucketList list;
  list.numbers.assign(numbers.begin(), numbers.end());
  list.counts.reserve(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) list.counts.push_back({counts[i], lost.empty() ? 0 : lost[i]});
  return list;
}

/// Adds a sum with its lost part to another.
void AddCell(CompensatedSum& to, const CompensatedSum& other, double sign) {
  to.Add(sign * other.sum);
  if (other.lost != 0) to.Add(sign * other.lost);
}

/// Adds to `zero` the buckets that begin below `threshold`. Gives the end of a filled bucket that goes beyond it, else
/// `threshold`.
double TakeIn(const BucketList& list, const HistogramLayout& layout, double threshold, CompensatedSum& zero) {
  for (std::size_t i = 0; i < list.numbers.size(); ++i) {
    if (BucketEnd(layout, list.numbers[i] - 1) >= threshold) break;
    AddCell(zero, list.counts[i], 1);
    const double end = BucketEnd(layout, list.numbers[i]);
    if (end > threshold) return list.counts[i].sum != 0 ? end : threshold;
  }
  return threshold;
}

/// Those of the buckets that begin below `threshold`.
std::size_t CountBelow(const BucketList& list, const HistogramLayout& layout, double threshold) {
  const auto beyond = [&](std::int32_t number) { return BucketEnd(layout, number - 1) >= threshold; };
  return static_cast<std::size_t>(std::ranges::find_if(list.numbers, beyond) - list.numbers.begin());
}

/// Buckets with the bounds `from` counted into those with the bounds `to`, which are some of them.
BucketList MapToBounds(const BucketList& list, const std::vector<double>& from, const std::vector<double>& to) {
  BucketList mapped;
  for (std::size_t i = 0; i < list.numbers.size(); ++i) {
    const auto number = static_cast<std::size_t>(list.numbers[i]);
    const auto end = number < from.size() ? std::ranges::lower_bound(to, from[number]) : to.end();
    const auto target = static_cast<std::int32_t>(end - to.begin());
    if (mapped.numbers.empty() || mapped.numbers.back() != target) {
      mapped.numbers.push_back(target);
      mapped.counts.emplace_back();
    }
    AddCell(mapped.counts.back(), list.counts[i], 1);
  }
  return mapped;
}

}  // namespace

void BucketList::Add(const BucketList& other, double sign) {
  if (!std::ranges::includes(numbers, other.numbers)) {
    BucketList all;
    std::ranges::set_union(numbers, other.numbers, std::back_inserter(all.numbers));
    all.counts.resize(all.numbers.size());
    std::size_t at = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      while (all.numbers[at] != numbers[i]) ++at;
      all.counts[at] = counts[i];
    }
    *this = std::move(all);
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < other.numbers.size(); ++i) {
    while (numbers[at] != other.numbers[i]) ++at;
    AddCell(counts[at], other.counts[i], sign);
  }
}

void BucketList::Coarsen(int shift) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    // Bucket n ends at base^n, so that an end of the coarser schema is one of the finer, too.
    const std::int32_t number = ((numbers[i] - 1) >> shift) + 1;
    if (kept > 0 && numbers[kept - 1] == number) {
      AddCell(counts[kept - 1], counts[i], 1);
    } else {
      numbers[kept] = number;
      counts[kept++] = counts[i];
    }
  }
  numbers.resize(kept);
  counts.resize(kept);
}

void BucketList::DropFirst(std::size_t from) {
  numbers.erase(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(from));
  counts.erase(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(from));
}

void BucketList::DropEmpty() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (counts[i].sum == 0 && counts[i].lost == 0) continue;
    numbers[kept] = numbers[i];
    counts[kept++] = counts[i];
  }
  numbers.resize(kept);
  counts.resize(kept);
}

HistogramParts HistogramParts::Of(const Histogram& histogram, std::span<const double> lost, double lost_zero) {
  const HistogramLayout& layout = *histogram.layout;
  const std::size_t positive = layout.positive.size();
  const std::span<const double> counts = histogram.counts;
  HistogramParts parts;
  parts.schema = layout.schema;
  parts.zero_threshold = layout.zero_threshold;
  parts.zero = {histogram.zero_count, lost_zero};
  parts.bounds = layout.bounds;
  parts.positive = ListOf(layout.positive, counts.first(positive), lost.empty() ? lost : lost.first(positive));
  parts.negative = ListOf(layout.negative, counts.subspan(positive), lost.empty() ? lost : lost.subspan(positive));
  return parts;
}

void HistogramParts::PutInto(Histogram& to, std::vector<double>* lost) const {
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = schema;
  layout->zero_threshold = zero_threshold;
  layout->bounds = bounds;
  layout->positive = positive.numbers;
  layout->negative = negative.numbers;
  to.layout = std::move(layout);
  to.zero_count = zero.sum;
  to.counts.clear();
  for (const BucketList* list : {&positive, &negative}) {
    for (const CompensatedSum& count : list->counts) {
      to.counts.push_back(count.sum);
      if (lost != nullptr) lost->push_back(count.lost);
    }
  }
}

HistogramLayout HistogramParts::BoundsOnly() const {
  HistogramLayout layout;
  layout.schema = schema;
  return layout;
}

void HistogramParts::Coarsen(int to_schema) {
  if (to_schema >= schema) return;
  positive.Coarsen(schema - to_schema);
  negative.Coarsen(schema - to_schema);
  schema = to_schema;
}

bool HistogramParts::ReconcileBounds(HistogramParts& other) {
  if (bounds == other.bounds) return false;
  std::vector<double> common;
  std::ranges::set_intersection(bounds, other.bounds, std::back_inserter(common));
  positive = MapToBounds(positive, bounds, common);
  other.positive = MapToBounds(other.positive, other.bounds, common);
  bounds = common;
  other.bounds = std::move(common);
  return true;
}

void HistogramParts::ReconcileZeroBuckets(HistogramParts& other) {
  WiderZero theirs{other.zero, other.zero_threshold};
  while (zero_threshold != theirs.threshold) {
    if (theirs.threshold < zero_threshold) {
      theirs = other.Widen(zero_threshold);
      continue;
    }
    const WiderZero mine = Widen(theirs.threshold);
    zero = mine.zero;
    zero_threshold = mine.threshold;
    const HistogramLayout layout = BoundsOnly();
    positive.DropFirst(CountBelow(positive, layout, zero_threshold));
    negative.DropFirst(CountBelow(negative, layout, zero_threshold));
  }
  other.zero = theirs.zero;
  other.zero_threshold = theirs.threshold;
}

void HistogramParts::DropBucketsWithinZero(double threshold) {
  const HistogramLayout layout = BoundsOnly();
  for (BucketList* list : {&positive, &negative}) {
    const auto outside = [&](std::int32_t number) { return BucketEnd(layout, number) > threshold; };
    list->DropFirst(static_cast<std::size_t>(std::ranges::find_if(list->numbers, outside) - list->numbers.begin()));
  }
}

bool StartsWithinZero(const HistogramLayout& layout) {
  if (layout.zero_threshold == 0 || layout.custom()) return false;
  const auto within = [&](const std::vector<std::int32_t>& numbers) {
    return !numbers.empty() && BucketEnd(layout, numbers.front()) <= layout.zero_threshold;
  };
  return within(layout.positive) || within(layout.negative);
}

HistogramParts::WiderZero HistogramParts::Widen(double threshold) const {
  if (threshold <= zero_threshold) return {zero, zero_threshold};
  const HistogramLayout layout = BoundsOnly();
  double wanted = threshold;
  for (;;) {
    WiderZero out{zero, wanted};
    out.threshold = TakeIn(positive, layout, wanted, out.zero);
    const double end = TakeIn(negative, layout, out.threshold, out.zero);
    if (end == out.threshold) return out;
    wanted = end;  // a filled negative bucket reaches farther: the positive ones have to be looked at again
  }
}

}  // namespace vedette::promql
