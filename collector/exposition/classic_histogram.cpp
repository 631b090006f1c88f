#include "collector/exposition/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "core/labels.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A number in a message, as Go's %g prints it.
std::string Shown(double value) {
  std::string out;
  AppendGeneral(out, value);
  return out;
}

/// Takes the ending of a classic histogram's series off `name`.
ClassicPart TakeEnding(std::string& name) {
  constexpr std::pair<std::string_view, ClassicPart> kEndings[] = {
      {"_bucket", ClassicPart::kBucket}, {"_sum", ClassicPart::kSum}, {"_count", ClassicPart::kCount}};
  for (const auto& [ending, part] : kEndings) {
    if (!name.ends_with(ending)) continue;
    name.resize(name.size() - ending.size());
    return part;
  }
  return ClassicPart::kNone;
}

bool IsWhole(double value) { return value >= 0 && value <= kMaxHistogramCount && value == std::floor(value); }

}  // namespace

ClassicPart TakeClassicPart(RawLabels& labels, double& bound) {
  ClassicPart part = ClassicPart::kNone;
  bound = NormalNan();
  for (auto label = labels.begin(); label != labels.end();) {
    if (label->first == kMetricName) part = TakeEnding(label->second);
    if (label->first != "le") {
      ++label;
      continue;
    }
    bound = ParseFloat(label->second).value_or(bound);
    label = labels.erase(label);
  }
  return part == ClassicPart::kBucket && std::isnan(bound) ? ClassicPart::kNone : part;
}

void ClassicHistogram::Clear() {
  buckets_.clear();
  count_.reset();
  sum_ = 0;
  error_.reset();
}

void ClassicHistogram::SetBucket(double bound, double count) {
  if (error_) return;
  if (std::isnan(bound)) {
    error_ = Fail(Code::kBadData, "bucket boundary must not be NaN");
  } else if (count < 0) {
    error_ = Fail(Code::kBadData, "bucket count must be non-negative: le={}, count={}", Shown(bound), Shown(count));
  } else {
    Insert(bound, count);
  }
}

void ClassicHistogram::Insert(double bound, double count) {
  const auto at = std::ranges::lower_bound(buckets_, bound, {}, &Bucket::bound);
  if (at != buckets_.end() && at->bound == bound) return;
  if (at != buckets_.begin() && count < std::prev(at)->count) {
    error_ = Fail(Code::kBadData, "count is not cumulative: {} < {}", Shown(count), Shown(std::prev(at)->count));
  } else if (at != buckets_.end() && count > at->count) {
    error_ = Fail(Code::kBadData, "count is not cumulative: {} > {}", Shown(count), Shown(at->count));
  } else if (buckets_.size() >= kMaxHistogramBuckets) {
    error_ = Fail(Code::kBadData, "histogram with more than {} buckets", kMaxHistogramBuckets);
  } else {
    buckets_.insert(at, {bound, count});
  }
}

void ClassicHistogram::SetCount(double count) {
  if (error_) return;
  if (count < 0) {
    error_ = Fail(Code::kBadData, "count must be non-negative: count={}", Shown(count));
  } else {
    count_ = count;
  }
}

void ClassicHistogram::SetSum(double sum) {
  if (!error_) sum_ = sum;
}

Result<Histogram> ClassicHistogram::Convert(LayoutCache& layouts) {
  if (error_) return *error_;
  if (!count_) count_ = buckets_.empty() ? 0 : buckets_.back().count;
  if (buckets_.empty() || buckets_.back().bound != kInfinity) buckets_.push_back({kInfinity, *count_});
  if (*count_ != buckets_.back().count) {
    return Fail(Code::kBadData, "count mismatch: count={} != le={} count={}", Shown(*count_),
                Shown(buckets_.back().bound), Shown(buckets_.back().count));
  }

  Histogram out;
  out.integers = IsWhole(*count_);
  out.count = *count_;
  out.sum = sum_;
  out.counts.reserve(buckets_.size());
  HistogramLayout& layout = layouts.Blank();
  layout.schema = HistogramLayout::kCustomSchema;
  double below = 0;
  for (const Bucket& bucket : buckets_) {
    out.integers = out.integers && IsWhole(bucket.count);
    out.counts.push_back(bucket.count - below);
    below = bucket.count;
    if (bucket.bound != kInfinity) layout.bounds.push_back(bucket.bound);
  }
  layout.positive.resize(buckets_.size());
  std::iota(layout.positive.begin(), layout.positive.end(), 0);
  out.layout = layouts.Share(layout);
  VEDETTE_CHECK(ValidateHistogram(out));
  return out;
}

}  // namespace vedette::collector
