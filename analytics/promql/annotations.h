// Warnings and infos gathered while a query is evaluated, in Prometheus' words, each text once.
//
// Two annotations are the same when their texts are, whatever their places; the first place is shown. One thread.
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

class Annotator {
 public:
  /// `query`: the text that positions refer to; empty when it is not known, then everything is on line 1.
  explicit Annotator(std::string_view query) : query_(query) {}

  void InvalidQuantile(double quantile, Position at);
  void InvalidRatio(double ratio, double capped_to, Position at);
  /// `metric` may be empty: the name was dropped before.
  void BadBucketLabel(std::string_view metric, std::string_view value, Position at);
  void SortInRangeQuery(Position at);
  void PossibleNonCounter(std::string_view metric, Position at);
  /// Cases of one metric are summed up in one line.
  void ForcedMonotonicity(std::string_view metric, const MonotonicityFix& fix, std::int64_t time_ms, Position at);

  Annotations Take();

 private:
  struct Fixes {
    MonotonicityFix fix;
    std::int64_t first_ms = 0, last_ms = 0;
    std::size_t count = 0;
    Position at;
  };
  using Texts = std::map<std::string, Position, std::less<>>;
  static void Add(Texts& texts, std::string text, Position at);
  std::string Place(Position at) const;

  std::string query_;
  Texts warnings_, infos_;
  std::map<std::string, Fixes, std::less<>> fixes_;  // by text
};

}  // namespace vedette::promql
