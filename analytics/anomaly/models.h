// The table of anomaly models. To add one: a file pair with the class and a factory, one row in models.cpp, a test.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "analytics/anomaly/detector.h"

namespace vedette::analytics {

struct DetectorSpec {
  std::string_view name;
  std::unique_ptr<Detector> (*make)();
  std::string_view help;
};
/// Sorted by name.
std::span<const DetectorSpec> AllDetectors();
/// An empty name is the default model. Null when there is none of that name.
const DetectorSpec* FindDetector(std::string_view name);

}  // namespace vedette::analytics
