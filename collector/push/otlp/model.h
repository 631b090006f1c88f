// OTLP metrics as both of their decoders hand them over: one metric at a time, with what it belongs to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace vedette::collector::otlp {

/// A value of any type is its text, as OTLP's own libraries write it.
struct Attribute {
  std::string_view key;
  std::string value;
};
using Attributes = std::vector<Attribute>;
/// Of one object; a series has a label of each. SDKs stop at 128 by default.
inline constexpr std::size_t kMaxAttributes = 1024;
/// Of one data point: beyond these it is no histogram of this world. So many exemplars are looked at in each bucket.
inline constexpr std::size_t kMaxBuckets = 1 << 16, kMaxExemplars = 1024;

enum class MetricType : std::uint8_t { kNone, kGauge, kSum, kHistogram, kExponentialHistogram, kSummary };
enum class Temporality : std::uint8_t { kUnspecified = 0, kDelta = 1, kCumulative = 2 };

struct ExemplarPoint {
  std::uint64_t time_ns = 0;
  double value = 0;
  bool has_value = false;
  std::string trace_id, span_id;  // hexadecimal
  Attributes attributes;
};

/// A point of any type; what its type does not have stays as it is.
struct Point {
  Attributes attributes;
  std::uint64_t start_ns = 0, time_ns = 0;
  std::uint64_t flags = 0;
  double value = 0;
  std::uint64_t count = 0;
  double sum = 0;
  bool has_sum = false;
  std::vector<std::uint64_t> bucket_counts;  // of histograms; of exponential ones the positive buckets
  std::vector<double> bounds;
  std::int32_t scale = 0;
  std::uint64_t zero_count = 0;
  std::int32_t positive_offset = 0, negative_offset = 0;
  std::vector<std::uint64_t> negative_counts;
  std::vector<std::pair<double, double>> quantiles;  // quantile, value
  std::vector<ExemplarPoint> exemplars;

  bool no_recorded_value() const { return (flags & 1) != 0; }
};

struct Metric {
  std::string_view name, description, unit;
  MetricType type = MetricType::kNone;
  Temporality temporality = Temporality::kUnspecified;
  bool monotonic = false;
  std::vector<Point> points;
};

struct Scope {
  std::string_view name, version, schema_url;
  Attributes attributes;
};

/// Who takes the metrics. An error ends the reading.
class Sink {
 public:
  virtual ~Sink() = default;
  /// So much memory more is needed for what is being read.
  virtual Status Charge(std::size_t bytes) = 0;
  virtual Status BeginResource(const Attributes& attributes) = 0;
  virtual Status BeginScope(const Scope& scope) = 0;
  virtual Status Take(const Metric& metric) = 0;
  virtual Status EndResource() = 0;
};

/// An ExportMetricsServiceRequest. Errors: kBadData for malformed input, and those of `sink`.
Status ReadProtobuf(std::string_view message, Sink& sink);
Status ReadJson(std::string_view text, Sink& sink);

/// Values within values that are looked at; what is deeper is empty.
inline constexpr int kMaxValueDepth = 16;

/// How a number, and how bytes stand in the text of an attribute.
std::string DoubleText(double value);
std::string Base64Text(std::string_view bytes);
std::string HexText(std::string_view bytes);

}  // namespace vedette::collector::otlp
