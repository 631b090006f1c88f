// From the fields of a histogram message to a histogram for the store, with Prometheus' checks and its sentences.
#pragma once

#include <cstddef>

#include "collector/exposition/layout_cache.h"
#include "collector/exposition/protobuf_metric.h"
#include "core/histogram.h"
#include "core/result.h"

namespace vedette::collector {

/// Errors: kBadData, when spans and buckets do not match, buckets count less than nothing, or the count is not that of
/// the buckets. The schema may be any that Prometheus has reserved (-9 to 52); the store takes fewer.
Result<Histogram> MakeNativeHistogram(const NativeFields& fields, double sum, bool gauge, LayoutCache& layouts);

/// What a job allows: native_histogram_bucket_limit (0: any number) and the schema of
/// native_histogram_min_bucket_factor.
struct HistogramLimits {
  std::size_t buckets = 0;
  int schema = HistogramLayout::kHighestSchema;
};

/// The schema whose buckets grow by at least `factor`, as Prometheus picks it.
int SchemaForBucketFactor(double factor);

/// Makes the histogram coarser until it is within the limits. False: it cannot be made as small as that.
bool FitHistogram(Histogram& histogram, const HistogramLimits& limits);

/// Whether the store takes it. Errors: kBadData, for a schema in Prometheus' words.
Status CheckHistogram(const Histogram& histogram);

}  // namespace vedette::collector
