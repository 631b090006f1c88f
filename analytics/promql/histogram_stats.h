// Numbers about one native histogram: quantiles, fractions, variance.
#pragma once

#include "core/histogram.h"
#include "core/histogram_buckets.h"

namespace vedette::promql {

/// Share of a bucket's width that lies below `value`, which is inside of it; both its ends are finite. On a logarithmic
/// scale unless `linear`.
double FractionBelow(const HistogramBucket& bucket, double value, bool linear);

/// What a NaN among the observations does to a result: they are counted, but in no bucket.
enum class NanObservations { kNone, kResultIsNan, kSkewed };

/// Value below which the fraction `quantile` of the observations lies. Exponential buckets are interpolated on a
/// logarithmic scale, own bounds and the zero bucket linearly; the latter holds no values of a sign that no other
/// bucket has. NaN without observations and for NaN; infinite for a quantile outside [0, 1].
double NativeQuantile(double quantile, const Histogram& histogram, NanObservations& nans);

/// Fraction of the observations between `lower` and `upper`, interpolated in the same way. NaN as above and for NaN
/// bounds. NaN observations are in no fraction: kSkewed tells.
double NativeFraction(double lower, double upper, const Histogram& histogram, NanObservations& nans);

/// Population variance with every observation in the middle of its bucket.
double NativeVariance(const Histogram& histogram);

}  // namespace vedette::promql
