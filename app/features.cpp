#include "app/features.h"

#include <algorithm>
#include <array>

namespace vedette::app {
namespace {

using Targets = FeatureTargets;

/// Start times are in the protobuf format only, so it is asked for first.
void WantStarts(collector::GlobalScrapeOptions& scrape) {
  scrape.scrape_protocols = collector::DefaultScrapeProtocols(true);
}

constexpr auto kFeatures = std::to_array<Feature>({
    {"auto-gomaxprocs", nullptr, "a setting of Go's run time"},
    {"auto-gomemlimit", nullptr, "a setting of Go's run time"},
    {"auto-reload-config", nullptr, "reload on change of the file"},
    {"concurrent-rule-eval", nullptr, "independent rules of a group in parallel"},
    {"created-timestamp-zero-ingestion",
     [](const Targets& t) {
       WantStarts(t.scrape);
       t.scrape.zero_at_start = true;
     },
     "a zero at the start of a counter"},
    {"delayed-compaction", nullptr, "a setting of Prometheus' store"},
    {"exemplar-storage", nullptr, "exemplars"},
    {"expand-external-labels", nullptr, "always on"},
    {"extra-scrape-metrics", [](const Targets& t) { t.scrape.extra_scrape_metrics = true; },
     "extra_scrape_metrics of all jobs that do not say otherwise"},
    {"fast-startup", nullptr, "a setting of Prometheus' store"},
    {"histograms-st-encoding", nullptr, "a setting of Prometheus' store"},
    {"memory-snapshot-on-shutdown", nullptr, "a setting of Prometheus' store"},
    {"metadata-wal-records", nullptr, "a setting of Prometheus' store"},
    {"native-histograms", [](const Targets& t) { t.scrape.scrape_native_histograms = true; },
     "scrape_native_histograms of all jobs that do not say otherwise"},
    {"new-service-discovery-manager", nullptr, "always on in Prometheus"},
    {"no-default-scrape-port", nullptr, "always on"},
    {"no-scrape-default-port", nullptr, "always on"},
    {"old-ui", nullptr, "Prometheus' old page"},
    {"ooo-native-histograms", nullptr, "always on"},
    {"otlp-deltatocumulative", nullptr, "OTLP"},
    {"otlp-native-delta-ingestion", nullptr, "OTLP"},
    {"otlp-write-receiver", nullptr, "OTLP"},
    {"promql-at-modifier", nullptr, "always on"},
    {"promql-binop-fill-modifiers", [](const Targets& t) { t.engine.parser.binop_fill_modifiers = true; },
     "fill, fill_left, fill_right"},
    {"promql-delayed-name-removal", [](const Targets& t) { t.engine.delayed_name_removal = true; },
     "names live until the end of a query"},
    {"promql-duration-expr", [](const Targets& t) { t.engine.parser.duration_expressions = true; },
     "arithmetic in durations (always on)"},
    {"promql-experimental-functions", [](const Targets& t) { t.engine.parser.experimental_functions = true; },
     "functions that Prometheus may still change"},
    {"promql-extended-range-selectors", [](const Targets& t) { t.engine.parser.extended_range_selectors = true; },
     "anchored and smoothed"},
    {"promql-negative-offset", nullptr, "always on"},
    {"promql-per-step-stats", nullptr, "samples per step in query statistics"},
    {"remote-write-receiver", nullptr, "use --web.enable-remote-write-receiver"},
    {"search-api",
     [](const Targets& t) {
       if (t.search != nullptr) *t.search = true;
     },
     "the search endpoints"},
    {"st-storage",
     [](const Targets& t) {
       WantStarts(t.scrape);
       t.scrape.store_starts = true;
     },
     "start timestamps in the store"},
    {"st-synthesis", nullptr, "start timestamps where a target gives none"},
    {"type-and-unit-labels", nullptr, "__type__ and __unit__ labels"},
    {"use-start-timestamps", [](const Targets& t) { t.engine.use_start_timestamps = true; },
     "start timestamps in rate() and others"},
    {"use-uncached-io", nullptr, "a setting of Prometheus' store"},
    {"xor2-encoding", nullptr, "a setting of Prometheus' store"},
});
static_assert(std::ranges::adjacent_find(kFeatures, std::ranges::greater_equal{}, &Feature::name) == kFeatures.end(),
              "sorted by name, each name once");

}  // namespace

std::span<const Feature> AllFeatures() { return kFeatures; }

Result<std::vector<std::string>> EnableFeatures(std::span<const std::string> names, const FeatureTargets& targets) {
  std::vector<std::string> without_effect;
  for (std::string_view list : names) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view name = list.substr(0, comma);
      list.remove_prefix(std::min(comma + 1, list.size()));
      if (name.empty()) continue;
      const auto row = std::ranges::find(kFeatures, name, &Feature::name);
      if (row == kFeatures.end()) return Fail(Code::kBadData, "--enable-feature: unknown feature '{}'", name);
      if (row->enable != nullptr) {
        row->enable(targets);
      } else {
        without_effect.emplace_back(name);
      }
    }
  }
  return without_effect;
}

}  // namespace vedette::app
