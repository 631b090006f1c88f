#include "analytics/forecast/models.h"

#include <algorithm>
#include <array>

#include "analytics/forecast/holt_winters.h"
#include "analytics/forecast/seasonal_naive.h"

namespace vedette::analytics {
namespace {

constexpr std::string_view kDefaultModel = "holt_winters";

constexpr auto kForecasters = std::to_array<ForecasterSpec>({
    // name            factory            help
    {"holt_winters", MakeHoltWinters, "damped additive Holt-Winters, parameters chosen on one-step errors"},
    {"seasonal_naive", MakeSeasonalNaive, "the value one season ago: what every other model has to beat"},
});
static_assert(std::ranges::adjacent_find(kForecasters, std::ranges::greater_equal{}, &ForecasterSpec::name) ==
                  kForecasters.end(),
              "sorted by name, each name once");

}  // namespace

std::span<const ForecasterSpec> AllForecasters() { return kForecasters; }

const ForecasterSpec* FindForecaster(std::string_view name) {
  const auto row = std::ranges::find(kForecasters, name.empty() ? kDefaultModel : name, &ForecasterSpec::name);
  return row == kForecasters.end() ? nullptr : &*row;
}

}  // namespace vedette::analytics
