#include "core/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/numbers.h"

namespace vedette {
namespace {

/// Doubles in an order that knows all bits: negative ones, positive ones, NaNs at the ends.
std::int64_t Rank(double value) {
  const auto bits = std::bit_cast<std::int64_t>(value);
  return bits < 0 ? bits ^ std::numeric_limits<std::int64_t>::max() : bits;
}
std::strong_ordering Compare(double a, double b) { return Rank(a) <=> Rank(b); }

/// Walks the buckets of one sign that hold something.
class Filled {
 public:
  Filled(std::span<const std::int32_t> numbers, std::span<const double> counts) : numbers_(numbers), counts_(counts) {
    Skip();
  }
  bool done() const { return at_ == numbers_.size(); }
  std::int32_t number() const { return numbers_[at_]; }
  double count() const { return counts_[at_]; }
  void Next() {
    ++at_;
    Skip();
  }

 private:
  void Skip() {
    while (at_ < numbers_.size() && counts_[at_] == 0) ++at_;
  }

  std::span<const std::int32_t> numbers_;
  std::span<const double> counts_;
  std::size_t at_ = 0;
};

std::strong_ordering CompareBuckets(Filled a, Filled b) {
  for (; !a.done() && !b.done(); a.Next(), b.Next()) {
    if (a.number() != b.number()) return a.number() <=> b.number();
    if (const auto order = Compare(a.count(), b.count()); order != 0) return order;
  }
  return b.done() <=> a.done();
}

Filled PositiveOf(const Histogram& h) {
  return {h.layout->positive, std::span(h.counts).first(h.layout->positive.size())};
}
Filled NegativeOf(const Histogram& h) {
  return {h.layout->negative, std::span(h.counts).subspan(h.layout->positive.size())};
}

bool AreNumbers(std::span<const std::int32_t> numbers) {
  if (!numbers.empty() && (numbers.front() < -kMaxBucketNumber || numbers.back() > kMaxBucketNumber)) return false;
  return std::ranges::adjacent_find(numbers, std::ranges::greater_equal{}) == numbers.end();
}

Status ValidateLayout(const HistogramLayout& layout) {
  if (layout.buckets() > kMaxHistogramBuckets || layout.bounds.size() > kMaxHistogramBuckets) {
    return Fail(Code::kBadData, "histogram with {} buckets, allowed are {}",
                std::max(layout.buckets(), layout.bounds.size()), kMaxHistogramBuckets);
  }
  if (!AreNumbers(layout.positive) || !AreNumbers(layout.negative)) {
    return Fail(Code::kBadData, "histogram whose bucket numbers do not ascend or are too far out");
  }
  if (!layout.custom()) {
    if (layout.schema < HistogramLayout::kLowestSchema || layout.schema > HistogramLayout::kHighestSchema) {
      return Fail(Code::kBadData, "histogram of schema {}, which is not known", layout.schema);
    }
    if (!(layout.zero_threshold >= 0) || std::isinf(layout.zero_threshold)) {
      return Fail(Code::kBadData, "histogram with zero threshold {}", layout.zero_threshold);
    }
    if (!layout.bounds.empty()) return Fail(Code::kBadData, "histogram of schema {} with own bounds", layout.schema);
    return Ok();
  }
  if (!layout.negative.empty() || layout.zero_threshold != 0) {
    return Fail(Code::kBadData, "histogram with own bounds and a zero bucket or negative buckets");
  }
  if (std::ranges::any_of(layout.bounds, [](double v) { return !std::isfinite(v); }) ||
      std::ranges::adjacent_find(layout.bounds, std::ranges::greater_equal{}) != layout.bounds.end()) {
    return Fail(Code::kBadData, "histogram whose own bounds are not finite or do not ascend");
  }
  if (!layout.positive.empty() &&
      (layout.positive.front() < 0 || static_cast<std::size_t>(layout.positive.back()) > layout.bounds.size())) {
    return Fail(Code::kBadData, "histogram with own bounds and a bucket outside of them");
  }
  return Ok();
}

bool IsCount(double value) { return value >= 0 && value <= kMaxHistogramCount && value == std::floor(value); }

}  // namespace

Status ValidateHistogram(const Histogram& histogram) {
  if (!histogram.layout) return Fail(Code::kBadData, "histogram without a layout");
  VEDETTE_CHECK(ValidateLayout(*histogram.layout));
  if (histogram.counts.size() != histogram.layout->buckets()) {
    return Fail(Code::kBadData, "histogram with {} counts for {} buckets", histogram.counts.size(),
                histogram.layout->buckets());
  }
  if (histogram.layout->custom() && histogram.zero_count != 0) {
    return Fail(Code::kBadData, "histogram with own bounds and a zero bucket");
  }
  if (!histogram.integers) return Ok();
  for (const double count : {histogram.count, histogram.zero_count}) {
    if (!IsCount(count)) return Fail(Code::kBadData, "integer histogram with count {}", count);
  }
  for (const double count : histogram.counts) {
    if (!IsCount(count)) return Fail(Code::kBadData, "integer histogram with {} in a bucket", count);
  }
  return Ok();
}

Histogram StaleHistogram() {
  static const auto kEmpty = std::make_shared<const HistogramLayout>();
  Histogram out;
  out.layout = kEmpty;
  out.sum = StaleNan();
  return out;
}

bool IsStaleHistogram(const Histogram& histogram) { return IsStaleNan(histogram.sum); }

std::strong_ordering CompareHistograms(const Histogram& a, const Histogram& b) {
  const bool a_stale = IsStaleHistogram(a), b_stale = IsStaleHistogram(b);
  if (a_stale || b_stale) return b_stale <=> a_stale;  // markers are all the same
  for (const auto& [x, y] : {std::pair(a.count, b.count), std::pair(a.sum, b.sum)}) {
    if (const auto order = Compare(x, y); order != 0) return order;
  }
  if (a.layout->schema != b.layout->schema) return a.layout->schema <=> b.layout->schema;
  if (const auto order = Compare(a.layout->zero_threshold, b.layout->zero_threshold); order != 0) return order;
  // Of an empty zero bucket the sign of zero says nothing, as with the others.
  if (const auto order = Compare(a.zero_count == 0 ? 0 : a.zero_count, b.zero_count == 0 ? 0 : b.zero_count);
      order != 0) {
    return order;
  }
  if (const auto order = std::lexicographical_compare_three_way(
          a.layout->bounds.begin(), a.layout->bounds.end(), b.layout->bounds.begin(), b.layout->bounds.end(), Compare);
      order != 0) {
    return order;
  }
  if (const auto order = CompareBuckets(PositiveOf(a), PositiveOf(b)); order != 0) return order;
  if (const auto order = CompareBuckets(NegativeOf(a), NegativeOf(b)); order != 0) return order;
  if (a.integers != b.integers) return a.integers <=> b.integers;
  return a.reset <=> b.reset;
}

bool SameHistogram(const Histogram& a, const Histogram& b) { return CompareHistograms(a, b) == 0; }

Status AppendSpans(std::span<const BucketSpan> spans, std::vector<std::int32_t>& numbers) {
  std::int64_t next = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) return Fail(Code::kBadData, "histogram whose spans overlap");
    next += spans[i].offset;
    count += spans[i].length;
    const std::int64_t end = next + spans[i].length;
    if (count > kMaxHistogramBuckets || next < -kMaxBucketNumber || end > kMaxBucketNumber + 1) {
      return Fail(Code::kBadData, "histogram with a span of {} buckets from {} on", spans[i].length, next);
    }
    for (; next < end; ++next) numbers.push_back(static_cast<std::int32_t>(next));
  }
  return Ok();
}

std::vector<BucketSpan> SpansOf(std::span<const std::int32_t> numbers) {
  std::vector<BucketSpan> out;
  std::int64_t next = 0;
  for (const std::int32_t number : numbers) {
    if (out.empty() || number != next) out.push_back({static_cast<std::int32_t>(number - next), 0});
    ++out.back().length;
    next = std::int64_t{number} + 1;
  }
  return out;
}

}  // namespace vedette
