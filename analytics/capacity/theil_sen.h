// A straight line that up to 29 % of wild points cannot move.
#pragma once

#include <span>

namespace vedette::analytics {

struct Line {
  double slope = 0, intercept = 0;
  double At(double x) const { return intercept + slope * x; }
};

/// Slope: the median of the slopes of all pairs with different x; intercept: the median of y - slope * x.
/// Shapes  x, y: n values each, finite, n >= 1. n = 1 gives a flat line.
/// Cost    O(n * n) time and memory.
/// Source  Theil (1950); Sen (1968), Estimates of the regression coefficient based on Kendall's tau.
Line TheilSen(std::span<const double> x, std::span<const double> y);

/// The median, or the mean of the two middle ones. `values` has at least one and is put in another order.
double Median(std::span<double> values);

}  // namespace vedette::analytics
