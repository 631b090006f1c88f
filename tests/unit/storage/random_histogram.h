// Native histograms for tests: random ones of every kind, and the growing ones that a target exposes.
#pragma once

#include <cmath>
#include <map>
#include <random>

#include "core/histogram.h"
#include "core/numbers.h"

namespace vedette::storage {

inline std::vector<std::int32_t> RandomNumbers(std::mt19937& random, std::size_t most, std::int32_t from) {
  std::vector<std::int32_t> out;
  for (std::size_t i = random() % (most + 1); i > 0; --i) {
    from += 1 + static_cast<std::int32_t>(random() % 5 == 0 ? random() % 1000 : 0);
    out.push_back(from);
  }
  return out;
}

/// Valid; of any schema, integers or floats, own bounds, or the staleness marker.
inline Histogram RandomHistogram(std::mt19937& random) {
  if (random() % 12 == 0) return StaleHistogram();
  auto layout = std::make_shared<HistogramLayout>();
  Histogram out;
  out.integers = random() % 2 == 0;
  out.reset = static_cast<CounterReset>(random() % 4);
  if (random() % 4 == 0) {
    layout->schema = HistogramLayout::kCustomSchema;
    for (int i = 0; i < 6; ++i) layout->bounds.push_back(i * 2.5 + static_cast<double>(random() % 2));
    layout->positive = RandomNumbers(random, 3, -1);
    if (!layout->positive.empty() && layout->positive.back() > 6) layout->positive = {0, 6};
  } else {
    layout->schema = static_cast<int>(random() % 13) - 4;
    if (random() % 2 == 0) layout->schema = 3;
    layout->zero_threshold = random() % 3 == 0 ? 0.001 : 0;
    layout->positive = RandomNumbers(random, 20, static_cast<std::int32_t>(random() % 100) - 50);
    if (random() % 3 == 0) layout->negative = RandomNumbers(random, 5, -10);
    out.zero_count = static_cast<double>(random() % 3);
  }
  out.count = out.zero_count;
  for (std::size_t i = 0; i < layout->buckets(); ++i) {
    out.counts.push_back(static_cast<double>(random() % 4 == 0 ? 0 : random() % 1000));
    if (!out.integers && random() % 2 == 0) out.counts.back() /= 3;
    out.count += out.counts.back();
  }
  if (random() % 5 == 0) out.count += 3;
  out.sum = random() % 9 == 0 ? NormalNan() : static_cast<double>(random() % 10'000) / 7;
  out.layout = std::move(layout);
  return out;
}

/// What a target with `per_step` observations between two scrapes exposes: latencies around a tenth of a second, as a
/// counter whose buckets appear as they are hit.
class GrowingHistogram {
 public:
  GrowingHistogram(unsigned seed, int schema, double per_step)
      : random_(seed), schema_(schema), observations_(per_step) {}

  const Histogram& Next() {
    std::lognormal_distribution<double> latency(std::log(0.1), 0.7);
    for (int n = observations_(random_); n > 0; --n) {
      const double value = latency(random_);
      sum_ += value;
      ++counts_[static_cast<std::int32_t>(std::ceil(std::log2(value) * std::exp2(schema_)))];
    }
    auto layout = std::make_shared<HistogramLayout>();
    layout->schema = schema_;
    layout->zero_threshold = 2.938735877055719e-39;
    last_.counts.clear();
    last_.count = 0;
    for (const auto& [number, count] : counts_) {
      layout->positive.push_back(number);
      last_.counts.push_back(static_cast<double>(count));
      last_.count += static_cast<double>(count);
    }
    last_.integers = true;
    last_.sum = sum_;
    if (!last_.layout || !(*last_.layout == *layout)) last_.layout = std::move(layout);
    return last_;
  }

 private:
  std::mt19937 random_;
  const int schema_;
  std::poisson_distribution<int> observations_;
  std::map<std::int32_t, std::int64_t> counts_;
  double sum_ = 0;
  Histogram last_;
};

}  // namespace vedette::storage
