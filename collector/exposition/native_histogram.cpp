#include "collector/exposition/native_histogram.h"

#include <cmath>
#include <span>
#include <string_view>

#include "core/histogram_resolution.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kNegativeBucket = "histogram has a bucket whose observation count is negative";

std::string Printed(double value) {
  std::string out;
  AppendGeneral(out, value);
  return out;
}

/// `have`: counts that came for these spans.
Status AppendSide(std::string_view side, std::span<const BucketSpan> spans, std::size_t have,
                  std::vector<std::int32_t>& numbers) {
  std::uint64_t need = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    need += spans[i].length;
    if (i > 0 && spans[i].offset < 0) {
      return Fail(Code::kBadData,
                  "{} side: span number {} with offset {}: histogram has a span whose offset is negative", side, i + 1,
                  spans[i].offset);
    }
  }
  if (need != have) return Fail(Code::kBadData, "{} side: spans require {} buckets, have {}", side, need, have);
  if (auto appended = AppendSpans(spans, numbers); !appended) {
    return Annotate(fmt::format("{} side", side), appended.error());
  }
  return Ok();
}

Status AppendFloats(std::string_view side, std::span<const double> counts, Histogram& out) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 0) {
      return Fail(Code::kBadData, "{} side: bucket number {} has observation count of {}: {}", side, i + 1,
                  Printed(counts[i]), kNegativeBucket);
    }
    out.counts.push_back(counts[i]);
  }
  return Ok();
}

/// `sum`: of all buckets, wrapping around as Prometheus' does.
Status AppendDeltas(std::string_view side, std::span<const std::int64_t> deltas, Histogram& out, std::uint64_t& sum) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    count += static_cast<std::uint64_t>(deltas[i]);
    if (static_cast<std::int64_t>(count) < 0) {
      return Fail(Code::kBadData, "{} side: bucket number {} has observation count of {}: {}", side, i + 1,
                  static_cast<std::int64_t>(count), kNegativeBucket);
    }
    sum += count;
    out.counts.push_back(static_cast<double>(count));
  }
  return Ok();
}

/// Custom buckets without their bounds, for which this format has no field.
Status CheckCustom(const NativeFields& fields) {
  std::int64_t length = 0;
  for (const BucketSpan& span : fields.positive_spans) {
    if (span.offset < 0) {
      return Fail(Code::kBadData, "custom buckets: span with offset {}: histogram has a span whose offset is negative",
                  span.offset);
    }
    length += std::int64_t{span.offset} + span.length;
  }
  if (length > 1) {
    return Fail(Code::kBadData,
                "custom buckets: only 0 custom bounds defined which is insufficient to cover total span length of {}: "
                "histogram custom bounds are too few",
                length);
  }
  if (fields.zero_count != 0 || fields.zero_count_float != 0) {
    return Fail(Code::kBadData, "custom buckets: must have zero count of 0");
  }
  if (fields.zero_threshold != 0) return Fail(Code::kBadData, "custom buckets: must have zero threshold of 0");
  if (!fields.negative_spans.empty()) return Fail(Code::kBadData, "custom buckets: must not have negative spans");
  return Ok();
}

Status TakeFloats(const NativeFields& fields, Histogram& out) {
  out.count = fields.count_float;
  out.zero_count = fields.zero_count_float;
  VEDETTE_CHECK(AppendFloats("positive", fields.positive_counts, out));
  VEDETTE_CHECK(AppendFloats("negative", fields.negative_counts, out));
  if (out.zero_count < 0) {
    return Fail(Code::kBadData, "zero bucket has observation count of {}: {}", Printed(out.zero_count),
                kNegativeBucket);
  }
  if (out.count < 0) {
    return Fail(Code::kBadData, "observation count is {}: histogram's observation count is negative",
                Printed(out.count));
  }
  return Ok();
}

Status TakeIntegers(const NativeFields& fields, Histogram& out) {
  std::uint64_t buckets = fields.zero_count;
  VEDETTE_CHECK(AppendDeltas("positive", fields.positive_deltas, out, buckets));
  VEDETTE_CHECK(AppendDeltas("negative", fields.negative_deltas, out, buckets));
  if (std::isnan(out.sum) ? buckets > fields.count : buckets != fields.count) {
    return Fail(Code::kBadData, "{} observations found in buckets, but the Count field is {}: {}", buckets,
                fields.count,
                std::isnan(out.sum) ? "histogram's observation count should be at least the number of observations "
                                      "found in the buckets"
                                    : "histogram's observation count should equal the number of observations found in "
                                      "the buckets (in absence of NaN)");
  }
  out.count = static_cast<double>(fields.count);
  out.zero_count = static_cast<double>(fields.zero_count);
  out.integers = out.count <= kMaxHistogramCount;  // the parts are not larger
  return Ok();
}

}  // namespace

Result<Histogram> MakeNativeHistogram(const NativeFields& fields, double sum, bool gauge, LayoutCache& layouts) {
  const bool floats = fields.is_float();
  HistogramLayout& layout = layouts.Blank();
  layout.schema = fields.schema;
  layout.zero_threshold = fields.zero_threshold;
  VEDETTE_CHECK(AppendSide("positive", fields.positive_spans,
                           floats ? fields.positive_counts.size() : fields.positive_deltas.size(), layout.positive));
  VEDETTE_CHECK(AppendSide("negative", fields.negative_spans,
                           floats ? fields.negative_counts.size() : fields.negative_deltas.size(), layout.negative));
  if (layout.custom()) VEDETTE_CHECK(CheckCustom(fields));
  Histogram out;
  out.sum = sum;
  out.reset = gauge ? CounterReset::kGauge : CounterReset::kUnknown;
  out.counts.reserve(layout.buckets());
  VEDETTE_CHECK(floats ? TakeFloats(fields, out) : TakeIntegers(fields, out));
  out.layout = layouts.Share(layout);
  return out;
}

int SchemaForBucketFactor(double factor) {
  constexpr double kFinest = 1.00271;  // what schema 8 has
  const double floor = std::floor(-std::log2(std::log2(factor <= 1 ? kFinest : factor)));
  if (floor >= HistogramLayout::kHighestSchema) return HistogramLayout::kHighestSchema;
  if (!(floor > HistogramLayout::kLowestSchema)) return HistogramLayout::kLowestSchema;
  return static_cast<int>(floor);
}

bool FitHistogram(Histogram& histogram, const HistogramLimits& limits) {
  constexpr int kLowestReserved = -9, kHighestReserved = 52;
  const int schema = histogram.layout->schema;
  const bool known = schema >= kLowestReserved && schema <= kHighestReserved;
  if (known && limits.schema < HistogramLayout::kHighestSchema) ReduceResolution(histogram, limits.schema);
  if (limits.buckets == 0) return true;
  while (FilledBuckets(histogram) > limits.buckets) {
    const HistogramLayout& layout = *histogram.layout;
    if (layout.schema < HistogramLayout::kLowestSchema + 1 || layout.schema > HistogramLayout::kHighestSchema) {
      return false;
    }
    ReduceResolution(histogram, layout.schema - 1);
  }
  return true;
}

Status CheckHistogram(const Histogram& histogram) {
  const int schema = histogram.layout->schema;
  const bool exponential = schema >= HistogramLayout::kLowestSchema && schema <= HistogramLayout::kHighestSchema;
  if (!exponential && !histogram.layout->custom()) {
    return Fail(Code::kBadData,
                "histogram has an invalid schema, which must be between {} and {} for exponential buckets, or {} for "
                "custom buckets, got schema {}",
                HistogramLayout::kLowestSchema, HistogramLayout::kHighestSchema, HistogramLayout::kCustomSchema,
                schema);
  }
  return ValidateHistogram(histogram);
}

}  // namespace vedette::collector
