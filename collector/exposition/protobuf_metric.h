// One io.prometheus.client.Metric, taken apart. Views into the body of the scrape.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/histogram.h"
#include "core/time.h"

namespace vedette::collector {

/// What a histogram message says beyond a classic histogram. Buckets come as differences (integers) or as they are.
struct NativeFields {
  std::uint64_t count = 0, zero_count = 0;
  double count_float = 0, zero_count_float = 0;  // above zero: this is a float histogram
  std::int32_t schema = 0;
  double zero_threshold = 0;
  std::vector<BucketSpan> positive_spans, negative_spans;
  std::vector<std::int64_t> positive_deltas, negative_deltas;
  std::vector<double> positive_counts, negative_counts;
  std::vector<std::string_view> exemplars;  // wire bytes

  void Clear();
  bool is_float() const { return count_float > 0 || zero_count_float > 0; }
  /// Whether there is a native histogram at all. One that is empty says so with an empty span.
  bool IsNative() const {
    return !positive_spans.empty() || !negative_spans.empty() || zero_threshold > 0 || zero_count > 0;
  }
};

/// Kept and filled again for each metric, so that a scrape allocates once.
struct ProtobufMetric {
  /// A quantile of a summary, or a cumulative bucket of a classic histogram.
  struct Point {
    double bound = 0, value = 0;
    std::optional<std::string_view> exemplar;
  };

  std::string_view labels;  // the wire bytes of all label pairs, tags included
  std::optional<TimeMs> time;
  double value = 0;                          // of a counter, a gauge, an untyped one
  std::optional<std::string_view> exemplar;  // of a counter: wire bytes
  double count = 0, sum = 0;                 // of summaries and histograms
  std::vector<Point> points;
  NativeFields native;
  std::optional<TimeMs> start;  // when the counter, summary or histogram began

  void Clear();
};

/// More points, spans, differences or exemplars of one metric are refused: decoded they take more room than as bytes.
inline constexpr std::size_t kMaxProtobufParts = 1 << 16;

}  // namespace vedette::collector
