// The table of forecast models. To add one: a file pair with the class and a factory, one row in models.cpp, a test.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "analytics/forecast/point_model.h"

namespace vedette::analytics {

struct ForecasterSpec {
  std::string_view name;
  std::unique_ptr<PointModel> (*make)();
  std::string_view help;
};
/// Sorted by name.
std::span<const ForecasterSpec> AllForecasters();
/// An empty name is the default model. Null when there is none of that name.
const ForecasterSpec* FindForecaster(std::string_view name);

}  // namespace vedette::analytics
