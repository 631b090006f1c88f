// A classic histogram put together from its series, and made a native one with the same buckets as custom ones: what
// convert_classic_histograms_to_nhcb asks for.
//
// As in Prometheus' converter: buckets may come in any order and twice (the first counts), the one up to +Inf and the
// count stand in for each other, and what contradicts itself gives an error and no histogram.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collector/exposition/layout_cache.h"
#include "collector/exposition/series_labels.h"
#include "core/histogram.h"
#include "core/result.h"

namespace vedette::collector {

/// What a series is to a classic histogram, by its name.
enum class ClassicPart : std::uint8_t { kNone, kBucket, kCount, kSum };

/// Makes the labels of a series of a classic histogram those of the histogram: no ending, no `le`, which goes to
/// `bound`. kNone: it has no such ending, or is a bucket without a bound.
ClassicPart TakeClassicPart(RawLabels& labels, double& bound);

class ClassicHistogram {
 public:
  void Clear();

  /// `count` is cumulative: observations up to and including `bound`. After the first contradiction nothing is taken.
  void SetBucket(double bound, double count);
  void SetCount(double count);
  void SetSum(double sum);

  /// Errors: kBadData, in Prometheus' words.
  Result<Histogram> Convert(LayoutCache& layouts);

 private:
  struct Bucket {
    double bound, count;
  };
  void Insert(double bound, double count);

  std::vector<Bucket> buckets_;  // ascending
  std::optional<double> count_;
  double sum_ = 0;
  std::optional<Error> error_;
};

}  // namespace vedette::collector
