// What every forecast model is: fitted once to a history, it says from any point of that history what comes next.
#pragma once

#include <Eigen/Core>

#include "core/result.h"

namespace vedette::analytics {

/// One series. Not thread-safe.
class PointModel {
 public:
  virtual ~PointModel() = default;

  /// Fewest samples that Predict() needs for a season of this length.
  virtual Eigen::Index MinHistory(Eigen::Index season) const = 0;

  /// Chooses the parameters and keeps a copy of y.
  /// Shapes  y: n evenly spaced samples, oldest first, n >= MinHistory(season).
  /// NaN     a missing sample.
  /// Errors  kBadData with the reason when y is too short or nearly all of it is missing.
  virtual Status Fit(const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::Index season) = 0;

  /// The `horizon` values after the first `origin` samples of y, from those samples only (the parameters come from all
  /// of y). MinHistory() <= origin <= n.
  virtual Eigen::VectorXd Predict(Eigen::Index origin, Eigen::Index horizon) const = 0;
};

}  // namespace vedette::analytics
