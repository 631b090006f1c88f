// Warnings and infos gathered while a query is evaluated, in Prometheus' words, each text once.
//
// Two annotations are the same when their texts are, whatever their places; the last place is shown, and of those that
// are summed up the first. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/promql/ast.h"
#include "analytics/promql/engine.h"

namespace vedette::promql {

/// How the buckets of a classic histogram had to be changed at one step.
struct MonotonicityFix {
  double min_bucket = 0, max_bucket = 0, max_difference = 0;
};

/// What was done to native histograms that did not go together well.
enum class HistogramOperation { kAddition, kSubtraction, kAggregation };

class Annotator {
 public:
  /// `query`: the text that positions refer to; empty when it is not known, then everything is on line 1.
  explicit Annotator(std::string_view query) : query_(query) {}

  const std::string& query() const { return query_; }

  void InvalidQuantile(double quantile, Position at);
  void InvalidRatio(double ratio, double capped_to, Position at);
  /// `metric` may be empty: the name was dropped before.
  void BadBucketLabel(std::string_view metric, std::string_view value, Position at);
  void SortInRangeQuery(Position at);
  void PossibleNonCounter(std::string_view metric, Position at);
  /// Cases of one metric are summed up in one line.
  void ForcedMonotonicity(std::string_view metric, const MonotonicityFix& fix, std::int64_t time_ms, Position at);

  // Native histograms. `metric`: empty where the name was dropped.
  void MixedFloatsHistograms(std::string_view metric, Position at);
  void MixedInAggregation(Position at);
  void MixedClassicNative(std::string_view metric, Position at);
  void MixedHistogramKinds(std::string_view metric, Position at);
  void HistogramNotCounter(std::string_view metric, Position at);
  void HistogramNotGauge(std::string_view metric, Position at);
  void CollidingResets(HistogramOperation operation, Position at);
  void MismatchedBounds(HistogramOperation operation, Position at);
  void IncompatibleKinds(std::string_view op, Position at);
  void IncompatibleTypes(std::string_view left, std::string_view op, std::string_view right, Position at);
  void IgnoredInAggregation(std::string_view aggregation, Position at);
  void IgnoredInMixedRange(std::string_view metric, Position at);
  void QuantileIsNan(std::string_view metric, Position at);
  void QuantileSkewed(std::string_view metric, Position at);
  void FractionWithoutNans(std::string_view metric, Position at);
  /// Of so many ranges; cases of one metric are counted in one line.
  void OverlappingStarts(std::string_view metric, std::size_t ranges, Position at);

  /// Takes those of another thread of the same query.
  void Merge(Annotator&& other);
  Annotations Take();

 private:
  struct Fixes {
    MonotonicityFix fix;
    std::int64_t first_ms = 0, last_ms = 0;
    std::size_t count = 0;
    Position at;

    void Add(const Fixes& more);
  };
  using Texts = std::map<std::string, Position, std::less<>>;
  static void Add(Texts& texts, std::string text, Position at);
  std::string Place(Position at) const;

  std::string query_;
  Texts warnings_, infos_;
  std::map<std::string, Fixes, std::less<>> fixes_;  // by text
  struct Overlaps {
    std::size_t ranges = 0;
    Position at;
  };
  std::map<std::string, Overlaps, std::less<>> overlaps_;  // by text
};

}  // namespace vedette::promql
