// The native histogram message of remote write; versions 1.0 and 2.0 number its fields alike.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/histogram.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

/// As it stands in the message: nothing in here agrees with anything else yet.
struct WireHistogram {
  bool is_float = false;
  std::int32_t schema = 0;
  double zero_threshold = 0, zero_count = 0, count = 0, sum = 0;
  std::uint64_t zero_count_int = 0, count_int = 0;
  std::vector<BucketSpan> positive_spans, negative_spans;
  std::vector<std::int64_t> positive_deltas, negative_deltas;  // of an integer histogram
  std::vector<double> positive_counts, negative_counts;        // of a float histogram
  std::vector<double> bounds;
  std::uint64_t reset = 0;
  TimeMs time{0}, start{0};  // 0: no start
};

/// Errors: kBadData for malformed protobuf.
Status ReadWireHistogram(std::string_view bytes, WireHistogram& out);

/// Makes histograms of what came over a wire, with shared layouts where neighbours have the same.
class HistogramBuilder {
 public:
  /// Schemas above 8 lose resolution until they are 8. Errors: kBadData with Prometheus' sentences for what contradicts
  /// itself.
  Result<Histogram> Build(const WireHistogram& wire);

 private:
  std::shared_ptr<const HistogramLayout> last_;
};

/// The numbers of the buckets that `spans` name, of which none goes back, when the schema gets smaller by `by`: then
/// buckets are merged, and `counts` with them. Shapes: as many counts as the spans name buckets, before and after.
/// Errors: kBadData for numbers that no histogram has.
Result<std::vector<std::int32_t>> NumberBuckets(std::span<const BucketSpan> spans, int by, std::vector<double>& counts);

}  // namespace vedette::collector
