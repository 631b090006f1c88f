// A forecast with the interval that its own past errors justify, and the proof that it beats guessing.
#pragma once

#include <array>
#include <vector>

#include <Eigen/Core>

#include "analytics/forecast/models.h"
#include "core/result.h"

namespace vedette::analytics {

/// The quantiles that are published, ascending.
inline constexpr std::array<double, 3> kForecastQuantiles{0.1, 0.5, 0.9};

struct Forecast {
  /// horizon x kForecastQuantiles.size(), in the metric's own unit; every row ascends.
  Eigen::Matrix<double, Eigen::Dynamic, 3> quantiles;
  Eigen::Index season = 1;
  /// Mean absolute error of the back test relative to seasonal naive's in the same places: below 1 is better.
  double error_ratio = 1;
};

/// Fits the model, lets it forecast from earlier points of the same history (up to 24 origins in the younger two
/// thirds), and puts the quantiles of those errors around the forecast: per horizon, pooled with neighbouring horizons,
/// the two outer quantiles never closer to the middle than for a shorter horizon. Beyond the longest horizon that was
/// tried they grow with the square root of the horizon. Shapes  y: n evenly spaced samples, oldest first. Units season
/// in samples, 0 = find it. NaN     missing samples. Errors  kBadData with the reason for people: too short, too much
/// missing, values too large. Cost    O(24 n + 24 horizon) above the model's own cost. Source  split conformal
/// intervals on rolling origins; Vovk et al. (2005) for the (m + 1) in the quantiles.
Result<Forecast> MakeForecast(const ForecasterSpec& spec, const Eigen::Ref<const Eigen::VectorXd>& history,
                              Eigen::Index season, Eigen::Index horizon);

/// Quantile q of m sorted errors with the finite-sample correction: element ceil((m + 1) q), interpolated, clamped.
double ConformalQuantile(const std::vector<double>& sorted, double q);

}  // namespace vedette::analytics
