// A native histogram taken apart, to be brought into the shape of another one. Only for histogram_*.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analytics/promql/eval_numerics.h"
#include "core/histogram.h"
#include "core/histogram_buckets.h"

namespace vedette::promql {

/// The buckets of one sign, ascending by number.
struct BucketList {
  std::vector<std::int32_t> numbers;
  std::vector<CompensatedSum> counts;

  /// Buckets that are not there yet are put in.
  void Add(const BucketList& other, double sign);
  /// Neighbours become one until the schema is coarser by `shift`.
  void Coarsen(int shift);
  /// Keeps the buckets from place `from` on.
  void DropFirst(std::size_t from);
  void DropEmpty();
};

struct HistogramParts {
  int schema = 0;
  double zero_threshold = 0;
  CompensatedSum zero;
  std::vector<double> bounds;
  BucketList positive, negative;

  /// `lost`: like the histogram's counts, or empty.
  static HistogramParts Of(const Histogram& histogram, std::span<const double> lost, double lost_zero);
  /// Sets the layout, the zero count and the counts of `to`, and `lost` when it is not null.
  void PutInto(Histogram& to, std::vector<double>* lost) const;

  void Coarsen(int to_schema);
  /// Both get the bounds that both have. False: they have the same already.
  bool ReconcileBounds(HistogramParts& other);
  /// Both get a zero bucket of the same width, which ends between their filled buckets. What is in that of `other`
  /// stays in its buckets as well: they are dropped when its schema is the final one, as Prometheus does it.
  void ReconcileZeroBuckets(HistogramParts& other);
  /// Buckets at the zero bucket of this width that lie within it.
  void DropBucketsWithinZero(double threshold);

  /// What the zero bucket would hold with a larger threshold, which is moved outwards to the end of a filled bucket.
  struct WiderZero {
    CompensatedSum zero;
    double threshold = 0;
  };
  WiderZero Widen(double threshold) const;

 private:
  HistogramLayout BoundsOnly() const;
};

/// Some bucket lies within the zero bucket: such ones are left out when histograms are added.
bool StartsWithinZero(const HistogramLayout& layout);

}  // namespace vedette::promql
