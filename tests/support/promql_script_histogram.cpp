// Native histograms in scripts: how they are written, made of classic ones, and compared.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/histogram_buckets.h"
#include "core/numbers.h"
#include "tests/support/promql_script.h"

namespace vedette::test {

namespace {

Result<std::vector<double>> ParseNumbers(std::string_view text) {
  std::vector<double> numbers;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    const auto number = ParseFloat(word);
    if (!number) return Fail(Code::kBadData, "'{}' is no number", word);
    numbers.push_back(*number);
  }
  return numbers;
}

/// "key:value key:[1 2 3]" as pairs.
std::map<std::string_view, std::string_view> SplitFields(std::string_view body) {
  std::map<std::string_view, std::string_view> fields;
  while (!body.empty()) {
    if (body.front() == ' ') {
      body.remove_prefix(1);
      continue;
    }
    const std::size_t colon = std::min(body.find(':'), body.size() - 1);
    const std::string_view key = body.substr(0, colon);
    body.remove_prefix(colon + 1);
    const bool list = body.starts_with('[');
    const std::size_t end = std::min(body.find(list ? ']' : ' '), body.size());
    fields[key] = list ? body.substr(1, end - 1) : body.substr(0, end);
    body.remove_prefix(std::min(body.size(), end + 1));
  }
  return fields;
}

/// The filled buckets of one sign: number to count.
std::map<std::int32_t, double> Filled(const std::vector<std::int32_t>& numbers, const double* counts) {
  std::map<std::int32_t, double> filled;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (counts[i] != 0) filled[numbers[i]] = counts[i];
  }
  return filled;
}

bool AlmostEqualBuckets(const std::map<std::int32_t, double>& want, const std::map<std::int32_t, double>& got) {
  return std::ranges::equal(
      want, got, [](const auto& a, const auto& b) { return a.first == b.first && AlmostEqual(a.second, b.second); });
}

/// One time of a classic histogram.
struct ClassicCounts {
  std::map<double, double> buckets;  // cumulative, by bound
  std::optional<double> count, sum;
};

std::shared_ptr<const Histogram> ToNative(const ClassicCounts& classic) {
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = HistogramLayout::kCustomSchema;
  Histogram histogram;
  double before = 0;
  std::int32_t number = 0;
  const auto add = [&](double cumulative) {
    layout->positive.push_back(number++);
    histogram.counts.push_back(cumulative - before);
    before = cumulative;
  };
  for (const auto& [bound, cumulative] : classic.buckets) {
    if (std::isfinite(bound)) layout->bounds.push_back(bound);
    add(cumulative);
  }
  histogram.count = classic.count.value_or(before);
  if (classic.buckets.empty() || std::isfinite(classic.buckets.rbegin()->first)) add(histogram.count);
  histogram.sum = classic.sum.value_or(0);
  histogram.layout = std::move(layout);
  return std::make_shared<const Histogram>(std::move(histogram));
}

}  // namespace

Result<Histogram> ParseScriptHistogram(std::string_view body) {
  auto layout = std::make_shared<HistogramLayout>();
  Histogram histogram;
  std::int32_t offset = 0, negative_offset = 0;
  std::vector<double> positive, negative;
  for (const auto& [key, text] : SplitFields(body)) {
    const double number = ParseFloat(text).value_or(0);
    if (key == "schema") layout->schema = static_cast<int>(number);
    if (key == "sum") histogram.sum = number;
    if (key == "count") histogram.count = number;
    if (key == "z_bucket") histogram.zero_count = number;
    if (key == "z_bucket_w") layout->zero_threshold = number;
    if (key == "offset") offset = static_cast<std::int32_t>(number);
    if (key == "n_offset") negative_offset = static_cast<std::int32_t>(number);
    if (key == "custom_values") {
      VEDETTE_TRY(layout->bounds, ParseNumbers(text));
    }
    if (key == "buckets") {
      VEDETTE_TRY(positive, ParseNumbers(text));
    }
    if (key == "n_buckets") {
      VEDETTE_TRY(negative, ParseNumbers(text));
    }
    if (key == "counter_reset_hint") {
      constexpr std::string_view kHints[] = {"unknown", "reset", "not_reset", "gauge"};
      histogram.reset = static_cast<CounterReset>(std::ranges::find(kHints, text) - kHints);
    }
  }
  const auto add = [&](std::vector<std::int32_t>& numbers, const std::vector<double>& counts, std::int32_t first) {
    for (std::size_t i = 0; i < counts.size(); ++i) numbers.push_back(first + static_cast<std::int32_t>(i));
    histogram.counts.insert(histogram.counts.end(), counts.begin(), counts.end());
  };
  add(layout->positive, positive, offset);
  add(layout->negative, negative, negative_offset);
  histogram.layout = std::move(layout);
  VEDETTE_CHECK(ValidateHistogram(histogram));
  return histogram;
}

std::vector<ScriptSeries> CustomBucketSeries(const std::vector<ScriptSeries>& series) {
  std::map<Labels, std::map<std::size_t, ClassicCounts>> found;
  for (const ScriptSeries& one : series) {
    const std::string metric(one.labels.MetricName());
    for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
      if (!metric.ends_with(suffix)) continue;
      const auto bound = ParseFloat(one.labels.Get("le"));
      if (suffix == "_bucket" && !bound) continue;
      LabelsBuilder base(one.labels);
      base.Delete("le").Set(kMetricName, metric.substr(0, metric.size() - suffix.size()));
      auto& times = found[base.Build()];
      for (std::size_t i = 0; i < one.values.size(); ++i) {
        if (!one.values[i].number) continue;
        const double value = *one.values[i].number;
        if (suffix == "_bucket") times[i].buckets[*bound] = value;
        if (suffix == "_count") times[i].count = value;
        if (suffix == "_sum") times[i].sum = value;
      }
    }
  }
  std::vector<ScriptSeries> made;
  for (const auto& [labels, times] : found) {
    ScriptSeries native{labels, {}};
    for (const auto& [i, classic] : times) {
      native.values.resize(i + 1);
      native.values[i].histogram = ToNative(classic);
    }
    made.push_back(std::move(native));
  }
  return made;
}

bool AlmostEqual(double want, double got) {
  constexpr double kTolerance = 1e-6;
  if (IsStaleNan(want) || IsStaleNan(got)) return IsStaleNan(want) && IsStaleNan(got);
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (want == got) return true;
  return std::fabs(want - got) / std::min(std::fabs(want) + std::fabs(got), 1.7976931348623157e308) < kTolerance;
}

bool AlmostEqual(const Histogram& want, const Histogram& got) {
  const HistogramLayout& a = *want.layout;
  const HistogramLayout& b = *got.layout;
  if (want.reset != CounterReset::kUnknown && want.reset != got.reset) return false;
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold && a.bounds == b.bounds &&
         AlmostEqual(want.count, got.count) && AlmostEqual(want.sum, got.sum) &&
         AlmostEqual(want.zero_count, got.zero_count) &&
         AlmostEqualBuckets(Filled(a.positive, want.counts.data()), Filled(b.positive, got.counts.data())) &&
         AlmostEqualBuckets(Filled(a.negative, want.counts.data() + a.positive.size()),
                            Filled(b.negative, got.counts.data() + b.positive.size()));
}

}  // namespace vedette::test
