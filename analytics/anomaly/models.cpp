#include "analytics/anomaly/models.h"

#include <algorithm>
#include <array>

#include "analytics/anomaly/hour_profile.h"

namespace vedette::analytics {
namespace {

constexpr std::string_view kDefaultDetector = "hour_profile";

constexpr auto kDetectors = std::to_array<DetectorSpec>({
    // name          factory          help
    {"hour_profile", MakeHourProfile, "robust level and scale, with the shape of the week where it lowers the error"},
});
static_assert(std::ranges::adjacent_find(kDetectors, std::ranges::greater_equal{}, &DetectorSpec::name) ==
                  kDetectors.end(),
              "sorted by name, each name once");

}  // namespace

std::span<const DetectorSpec> AllDetectors() { return kDetectors; }

const DetectorSpec* FindDetector(std::string_view name) {
  const auto row = std::ranges::find(kDetectors, name.empty() ? kDefaultDetector : name, &DetectorSpec::name);
  return row == kDetectors.end() ? nullptr : &*row;
}

}  // namespace vedette::analytics
