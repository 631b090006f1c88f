// The forecast model "seasonal_naive": what was one season ago comes again. Without a season: the last value.
#pragma once

#include <memory>

#include "analytics/forecast/point_model.h"

namespace vedette::analytics {

/// NaN     a value that is missing one season ago is taken from the season before, and so on; when none is left, the
///         last value that is not missing.
/// Cost    O(n) to fit, O(horizon) to predict, while nothing is missing.
std::unique_ptr<PointModel> MakeSeasonalNaive();

}  // namespace vedette::analytics
