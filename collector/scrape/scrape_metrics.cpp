#include "collector/scrape/scrape_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace vedette::collector {
namespace {

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Counter* OneCounter(prometheus::Registry& registry, const char* name, const char* help) {
  return &Counters(registry, name, help).Add({});
}

prometheus::Histogram* Seconds(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(
      {}, prometheus::Histogram::BucketBoundaries{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                  2.5, 5, 10});
}

}  // namespace

ScrapeMetrics::ScrapeMetrics(prometheus::Registry& registry) {
  auto& scrapes = Counters(registry, "vedette_collector_scrapes_total", "Scrapes by result.");
  scrapes_ok = &scrapes.Add({{"result", "ok"}});
  scrapes_failed = &scrapes.Add({{"result", "failed"}});
  scrapes_late = OneCounter(registry, "vedette_collector_scrapes_skipped_total",
                            "Scrapes left out because the one before took too long.");
  fetch_seconds = Seconds(registry, "vedette_collector_fetch_duration_seconds", "Time to fetch a target's metrics.");
  append_seconds =
      Seconds(registry, "vedette_collector_append_duration_seconds", "Time to parse and store one scrape.");

  samples = OneCounter(registry, "vedette_collector_samples_total", "Samples given to the store by scrapes.");
  series_added = OneCounter(registry, "vedette_collector_series_added_total", "Series seen for the first time.");
  auto& lines = Counters(registry, "vedette_collector_lines_total", "Exposition lines by the way they were read.");
  lines_known = &lines.Add({{"way", "known"}});
  lines_searched = &lines.Add({{"way", "searched"}});

  auto& dropped = Counters(registry, "vedette_collector_samples_dropped_total", "Scraped samples that were not kept.");
  dropped_duplicate = &dropped.Add({{"reason", "duplicate"}});
  dropped_too_new = &dropped.Add({{"reason", "too_new"}});
  dropped_too_old = &dropped.Add({{"reason", "too_old"}});
  dropped_series_limit = &dropped.Add({{"reason", "series_limit"}});
  dropped_unconverted = &dropped.Add({{"reason", "unconverted_histogram"}});
  dropped_exemplars = OneCounter(registry, "vedette_collector_exemplars_dropped_total",
                                 "Exemplars with labels that are too long or given twice.");

  auto& exceeded =
      Counters(registry, "vedette_collector_scrapes_over_limit_total", "Scrapes refused as a whole, by limit.");
  exceeded_body_size = &exceeded.Add({{"limit", "body_size"}});
  exceeded_samples = &exceeded.Add({{"limit", "samples"}});
  exceeded_labels = &exceeded.Add({{"limit", "labels"}});
  exceeded_buckets = &exceeded.Add({{"limit", "buckets"}});
  exceeded_targets = &exceeded.Add({{"limit", "targets"}});

  auto& targets = prometheus::BuildGauge()
                      .Name("vedette_collector_targets")
                      .Help("Targets by what became of them.")
                      .Register(registry);
  targets_active = &targets.Add({{"state", "active"}});
  targets_dropped = &targets.Add({{"state", "dropped"}});
}

}  // namespace vedette::collector
