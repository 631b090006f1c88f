// The switches of --enable-feature, by the names Prometheus gave them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/promql/engine.h"
#include "collector/options.h"
#include "core/result.h"

namespace vedette::app {

/// What features switch.
struct FeatureTargets {
  promql::EngineOptions& engine;
  collector::GlobalScrapeOptions& scrape;  // what the `global` of a configuration starts from
  bool* search = nullptr;                  // the search endpoints; null: nobody asks
};

struct Feature {
  std::string_view name;
  /// Switches the feature on; null: known from Prometheus, but without effect here (always on, or not there yet).
  void (*enable)(const FeatureTargets& targets);
  std::string_view help;
};

/// Sorted by name.
std::span<const Feature> AllFeatures();

/// Switches on each of `names` (each may be a comma-separated list) and returns those that have no effect.
/// Errors: kBadData for a name nobody knows.
Result<std::vector<std::string>> EnableFeatures(std::span<const std::string> names, const FeatureTargets& targets);

}  // namespace vedette::app
