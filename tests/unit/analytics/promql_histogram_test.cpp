// Arithmetic of native histograms against slow and obvious versions, and the bounds of buckets.
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "analytics/promql/histogram_math.h"
#include "analytics/promql/histogram_stats.h"
#include "analytics/promql/histogram_totals.h"
#include "core/histogram_buckets.h"
#include "tests/support/catch.h"

namespace vedette::promql {

namespace {

/// A counter in the schema, with up to `most` buckets of each sign from -8 to 24.
Histogram RandomCounter(std::mt19937& random, int schema, std::size_t most = 12) {
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = schema;
  Histogram histogram;
  const auto add = [&](std::vector<std::int32_t>& numbers) {
    for (std::int32_t number = -8; number <= 24 && numbers.size() < most; ++number) {
      if (random() % 3 != 0) continue;
      numbers.push_back(number);
      histogram.counts.push_back(static_cast<double>(random() % 50));
    }
  };
  add(layout->positive);
  add(layout->negative);
  histogram.zero_count = static_cast<double>(random() % 5);
  histogram.count = histogram.zero_count;
  for (const double count : histogram.counts) histogram.count += count;
  histogram.sum = static_cast<double>(random() % 1000) / 8;
  histogram.layout = std::move(layout);
  return histogram;
}

/// Counts by sign and number, in the coarser schema.
std::map<std::pair<bool, std::int32_t>, double> Coarse(const Histogram& histogram, int schema) {
  std::map<std::pair<bool, std::int32_t>, double> counts;
  const HistogramLayout& layout = *histogram.layout;
  const double per_bucket = std::exp2(layout.schema - schema);
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const bool positive = i < layout.positive.size();
    const std::int32_t number = positive ? layout.positive[i] : layout.negative[i - layout.positive.size()];
    const auto coarse = static_cast<std::int32_t>(std::ceil(number / per_bucket));
    if (histogram.counts[i] != 0) counts[{positive, coarse}] += histogram.counts[i];
  }
  return counts;
}

}  // namespace

TEST_CASE("buckets end where Prometheus' do, to the last digit", "[promql][histogram]") {
  const auto end = [](int schema, std::int32_t number) {
    HistogramLayout layout;
    layout.schema = schema;
    return BucketEnd(layout, number);
  };
  CHECK(end(0, 1) == 2);
  CHECK(end(0, -3) == 0.125);
  CHECK(end(-2, 1) == 16);
  CHECK(end(1, 1) == 1.414213562373095);
  CHECK(end(2, 1) == 1.189207115002721);
  CHECK(end(8, 256) == 2);
  constexpr double kLargest = std::numeric_limits<double>::max();
  CHECK(end(0, 1024) == kLargest);
  CHECK(end(3, 8 * 1024) == kLargest);
  CHECK(end(-4, 64) == kLargest);
  CHECK(std::isinf(end(0, 1025)));
  for (std::int32_t number = -600; number < 600; ++number) CHECK(end(8, number) < end(8, number + 1));
}

TEST_CASE("a sum of histograms has the counts of all, in the coarsest schema", "[promql][histogram]") {
  std::mt19937 random(20260);
  for (int round = 0; round < 300; ++round) {
    std::vector<Histogram> histograms;
    for (std::size_t i = 1 + random() % 5; i > 0; --i) {
      histograms.push_back(RandomCounter(random, static_cast<int>(random() % 4) - 1));
      if (random() % 2 == 0) histograms.push_back(histograms.back());  // one layout
    }
    std::vector<const Histogram*> pointers;
    int schema = 99;
    for (const Histogram& histogram : histograms) {
      pointers.push_back(&histogram);
      schema = std::min(schema, histogram.layout->schema);
    }
    std::map<std::pair<bool, std::int32_t>, double> want;
    double count = 0, zero = 0, sum = 0;
    for (const Histogram& histogram : histograms) {
      for (const auto& [bucket, counted] : Coarse(histogram, schema)) want[bucket] += counted;
      count += histogram.count;
      zero += histogram.zero_count;
      sum += histogram.sum;
    }
    const HistogramTotal total = SumOf(pointers);
    REQUIRE(total.value);
    MustSucceed(ValidateHistogram(*total.value));
    CHECK(total.value->layout->schema == schema);
    CHECK(Coarse(*total.value, schema) == want);
    CHECK(total.value->count == count);
    CHECK(total.value->zero_count == zero);
    CHECK(total.value->sum == sum);

    // And taken away again nothing is left.
    Histogram rest = *total.value;
    HistogramNotes notes;
    for (const Histogram& histogram : histograms) CHECK(Subtract(rest, histogram, notes));
    CHECK(Coarse(rest, schema).empty());
    CHECK(rest.count == 0);
  }
}

TEST_CASE("a counter that only grew was not reset, one with a smaller bucket was", "[promql][histogram]") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const Histogram before = RandomCounter(random, 2);
    Histogram now = before;
    HistogramNotes notes;
    // Growth in the same resolution or a coarser one, where buckets come to be.
    CHECK(Add(now, RandomCounter(random, static_cast<int>(random() % 3)), notes));
    CHECK_FALSE(HasReset(now, before));
    if (now.layout->schema < 2) CHECK(HasReset(before, now));  // finer again
    Histogram less = before;
    const std::size_t bucket = less.counts.empty() ? 0 : random() % less.counts.size();
    if (less.counts.empty() || less.counts[bucket] == 0) continue;
    less.counts[bucket] -= 1;
    CHECK(HasReset(less, before));
    less.reset = CounterReset::kNotReset;
    CHECK_FALSE(HasReset(less, before));
  }
}

TEST_CASE("the fraction below a quantile is the quantile", "[promql][histogram]") {
  std::mt19937 random(11);
  NanObservations nans{};
  for (int round = 0; round < 300; ++round) {
    const Histogram histogram = RandomCounter(random, static_cast<int>(random() % 5) - 1);
    if (histogram.count == 0) continue;
    for (const double quantile : {0.05, 0.31, 0.5, 0.77, 0.93}) {
      const double value = NativeQuantile(quantile, histogram, nans);
      if (value == 0) continue;  // a zero bucket without width has no inside
      const double fraction = NativeFraction(-std::numeric_limits<double>::infinity(), value, histogram, nans);
      INFO(FormatHistogram(histogram) << " quantile " << quantile << " value " << value);
      CHECK(std::fabs(fraction - quantile) < 1e-9);
    }
  }
}

TEST_CASE("a histogram reads as Prometheus prints it", "[promql][histogram]") {
  auto layout = std::make_shared<HistogramLayout>();
  layout->zero_threshold = 0.001;
  layout->positive = {0, 1, 3};
  layout->negative = {1};
  Histogram histogram;
  histogram.layout = layout;
  histogram.counts = {2, 0, 1.5, 4};
  histogram.zero_count = 1;
  histogram.count = 8.5;
  histogram.sum = 1e6;
  CHECK(FormatHistogram(histogram) == "{count:8.5, sum:1e+06, [-2,-1):4, [-0.001,0.001]:1, (0.5,1]:2, (4,8]:1.5}");
}

}  // namespace vedette::promql
