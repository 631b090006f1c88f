// The forecast model "holt_winters": level, damped trend and one offset per seasonal slot, exponentially smoothed.
#pragma once

#include <memory>

#include <Eigen/Core>

#include "analytics/forecast/point_model.h"
#include "core/result.h"

namespace vedette::analytics {

struct HoltWintersOptions {
  Eigen::Index season = 1;  // in samples; 1: no seasonal part
  double alpha = 0.3;       // weight of a new sample in the level
  double beta = 0.05;       // in the trend
  double gamma = 0.1;       // in its seasonal slot
  double phi = 0.98;        // what is left of the trend after one sample; 1: not damped
};

/// What smoothing y leaves behind.
struct HoltWintersFit {
  double level = 0, trend = 0;
  Eigen::VectorXd seasonal;  // offsets by (index of the sample) modulo season
  /// One-step errors y - prediction, NaN where y is missing and in the samples that gave the start values.
  Eigen::VectorXd errors;
};

/// Additive Holt-Winters with a damped trend.
/// Shapes  y: n evenly spaced samples, oldest first, n >= 2 * season and n >= 3.
/// Units   y in the metric's own unit; season in samples.
/// NaN     a missing sample: level and trend go on by themselves, the slot stays.
/// Errors  kBadData when y is too short, a season has no sample at all, or a factor lies outside (0, 1] (phi) or [0,
/// 1). Cost    O(n) time, O(n + season) memory. Source  Hyndman and Athanasopoulos, Forecasting: Principles and
/// Practice, 3rd ed., sections 8.2 and 8.3; start values
///         from the first two seasons.
Result<HoltWintersFit> HoltWinters(const Eigen::Ref<const Eigen::VectorXd>& y, const HoltWintersOptions& options);

/// The `horizon` values after the last of the `n` samples that `fit` was made from.
Eigen::VectorXd HoltWintersAhead(const HoltWintersFit& fit, const HoltWintersOptions& options, Eigen::Index n,
                                 Eigen::Index horizon);

/// Smoothing factors with the smallest mean absolute one-step error, of a fixed grid of 72.
std::unique_ptr<PointModel> MakeHoltWinters();

}  // namespace vedette::analytics
