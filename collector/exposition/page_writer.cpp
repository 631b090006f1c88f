#include "collector/exposition/page_writer.h"

#include <cmath>
#include <functional>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "collector/remote/proto_writer.h"
#include "core/numbers.h"
#include "storage/coding.h"

namespace vedette::collector {
namespace {

/// Numbers of the fields of the messages of io.prometheus.client.
namespace field {
constexpr std::uint32_t kFamilyName = 1, kFamilyType = 3, kFamilyMetric = 4;
constexpr std::uint32_t kMetricLabel = 1, kMetricUntyped = 5, kMetricTime = 6, kMetricHistogram = 7;
constexpr std::uint32_t kPairName = 1, kPairValue = 2;
constexpr std::uint32_t kUntypedValue = 1;
constexpr std::uint32_t kSampleSum = 2, kBucket = 3, kSampleCountFloat = 4, kSchema = 5, kZeroThreshold = 6,
                        kZeroCountFloat = 8, kNegativeSpan = 9, kNegativeCount = 11, kPositiveSpan = 12,
                        kPositiveCount = 14;
constexpr std::uint32_t kBucketBound = 2, kBucketCountFloat = 4;
constexpr std::uint32_t kSpanOffset = 1, kSpanLength = 2;
}  // namespace field

void AppendPageName(std::string& out, std::string_view name) {
  if (IsLegacyMetricName(name)) {
    out.append(name);
    return;
  }
  out += '"';
  for (const char c : name) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendPageValue(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

/// Calls `take(bound, cumulative count)` for each bound of its own.
template <class Take>
void EachClassicBucket(const Histogram& histogram, const Take& take) {
  const HistogramLayout& layout = *histogram.layout;
  double sum = 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < layout.bounds.size(); ++i) {
    for (; next < layout.positive.size() && layout.positive[next] <= static_cast<std::int32_t>(i); ++next) {
      sum += histogram.counts[next];
    }
    take(layout.bounds[i], sum);
  }
}

std::string ClassicMessage(const Histogram& histogram) {
  std::string out;
  proto::PutDouble(out, field::kSampleSum, histogram.sum);
  EachClassicBucket(histogram, [&](double bound, double count) {
    std::string bucket;
    proto::PutDouble(bucket, field::kBucketBound, bound);
    proto::PutDouble(bucket, field::kBucketCountFloat, count);
    proto::PutText(out, field::kBucket, bucket);
  });
  proto::PutDouble(out, field::kSampleCountFloat, histogram.count);
  return out;
}

void PutSpansAndCounts(std::string& out, std::uint32_t span_field, std::uint32_t count_field,
                       std::span<const std::int32_t> numbers, std::span<const double> counts) {
  for (const BucketSpan& span : SpansOf(numbers)) {
    std::string text;
    proto::PutSint(text, field::kSpanOffset, span.offset);
    proto::PutNumber(text, field::kSpanLength, span.length);
    proto::PutText(out, span_field, text);
  }
  if (counts.empty()) return;
  std::string packed;
  for (const double count : counts) storage::PutDouble(packed, count);
  proto::PutText(out, count_field, packed);
}

std::string NativeMessage(const Histogram& histogram) {
  const HistogramLayout& layout = *histogram.layout;
  const std::span counts(histogram.counts);
  std::string out;
  proto::PutDouble(out, field::kSampleSum, histogram.sum);
  proto::PutDouble(out, field::kSampleCountFloat, histogram.count);
  proto::PutSint(out, field::kSchema, layout.schema);
  proto::PutDouble(out, field::kZeroThreshold, layout.zero_threshold);
  proto::PutDouble(out, field::kZeroCountFloat, histogram.zero_count);
  PutSpansAndCounts(out, field::kNegativeSpan, field::kNegativeCount, layout.negative,
                    counts.subspan(layout.positive.size()));
  PutSpansAndCounts(out, field::kPositiveSpan, field::kPositiveCount, layout.positive,
                    counts.first(layout.positive.size()));
  // An empty span says of one without buckets that it is native.
  if (layout.buckets() == 0) proto::PutText(out, field::kPositiveSpan, {});
  return out;
}

}  // namespace

bool PageWriter::Takes(const Histogram& histogram) const {
  return choice_.format == PageFormat::kProtobuf || histogram.layout->custom();
}

void PageWriter::Begin(std::string_view name, Kind kind) {
  Finish();
  name_ = EscapeMetricName(name, choice_.escaping);
  if (choice_.format == PageFormat::kProtobuf) {
    proto::PutText(family_, field::kFamilyName, name_);
    proto::PutNumber(family_, field::kFamilyType, static_cast<std::uint64_t>(kind));
    return;
  }
  out_ += "# TYPE ";
  AppendPageName(out_, name_);
  out_ += kind == Kind::kUntyped ? " untyped\n" : " histogram\n";
}

void PageWriter::Finish() {
  if (family_.empty()) return;
  storage::PutVarint(out_, family_.size());
  out_ += family_;
  family_.clear();
}

void PageWriter::Add(std::span<const LabelView> labels, double value, TimeMs time) {
  if (choice_.format == PageFormat::kText) return Sample({}, labels, nullptr, value, time);
  std::string untyped;
  proto::PutDouble(untyped, field::kUntypedValue, value);
  Metric(labels, field::kMetricUntyped, untyped, time);
}

void PageWriter::Add(std::span<const LabelView> labels, const Histogram& histogram, TimeMs time) {
  if (choice_.format == PageFormat::kText) return ClassicText(labels, histogram, time);
  Metric(labels, field::kMetricHistogram,
         histogram.layout->custom() ? ClassicMessage(histogram) : NativeMessage(histogram), time);
}

void PageWriter::ClassicText(std::span<const LabelView> labels, const Histogram& histogram, TimeMs time) {
  bool infinite = false;
  EachClassicBucket(histogram, [&](double bound, double count) {
    infinite = std::isinf(bound) && bound > 0;
    Sample("_bucket", labels, &bound, count, time);
  });
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!infinite) Sample("_bucket", labels, &infinity, histogram.count, time);
  Sample("_sum", labels, nullptr, histogram.sum, time);
  Sample("_count", labels, nullptr, histogram.count, time);
}

void PageWriter::Sample(std::string_view ending, std::span<const LabelView> labels, const double* bound, double value,
                        TimeMs time) {
  const std::string name = name_ + std::string(ending);
  const bool inside = !IsLegacyMetricName(name);
  char separator = '{';
  const auto separate = [&] {
    out_ += separator;
    separator = ',';
  };
  if (inside) separate();
  AppendPageName(out_, name);
  for (const LabelView& label : labels) {
    separate();
    AppendPageName(out_, EscapeMetricName(label.name, choice_.escaping));
    out_ += "=\"";
    AppendPageValue(out_, label.value);
    out_ += '"';
  }
  if (bound != nullptr) {
    separate();
    out_ += "le=\"";
    AppendGeneral(out_, *bound);
    out_ += '"';
  }
  if (separator == ',') out_ += '}';
  out_ += ' ';
  AppendGeneral(out_, value);
  fmt::format_to(std::back_inserter(out_), " {}\n", time.ms);
}

void PageWriter::Metric(std::span<const LabelView> labels, std::uint32_t field, std::string_view value, TimeMs time) {
  std::string metric;
  for (const LabelView& label : labels) {
    std::string pair;
    proto::PutText(pair, field::kPairName, EscapeMetricName(label.name, choice_.escaping));
    proto::PutText(pair, field::kPairValue, label.value);
    proto::PutText(metric, field::kMetricLabel, pair);
  }
  proto::PutText(metric, field, value);
  proto::PutNumber(metric, field::kMetricTime, static_cast<std::uint64_t>(time.ms));
  proto::PutText(family_, field::kFamilyMetric, metric);
}

}  // namespace vedette::collector
