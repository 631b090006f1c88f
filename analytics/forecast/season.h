// Finds how long the season of a series is.
#pragma once

#include <Eigen/Core>

namespace vedette::analytics {

/// Autocorrelation of y at `lag`, of what is left after a straight line is taken away.
/// Shapes  y: n samples; 1 <= lag < n.
/// NaN     pairs with a missing sample are left out.
/// Cost    O(n). A constant series has 0.
double Autocorrelation(const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::Index lag);

/// The season of y in samples; 1 when it has none.
/// The autocorrelation of the detrended series is searched for peaks between 2 and a third of n; the shortest one that
/// comes within 5 % of the highest is the season (its multiples are as high), if it is above 0.3 and above what white
/// noise reaches.
/// Cost    O(n * n) up to n = 2048; longer series are averaged down to that first, and the peak is found again in full
///         resolution.
/// Source  peak of the ACF: Hyndman and Athanasopoulos, 3rd ed., section 2.8; noise limit: 4 / sqrt(n).
Eigen::Index DetectSeason(const Eigen::Ref<const Eigen::VectorXd>& y);

}  // namespace vedette::analytics
