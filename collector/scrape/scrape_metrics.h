// The scraper's own metrics, one struct for all jobs. Thread-safe, as prometheus-cpp's counters are.
#pragma once

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace vedette::collector {

/// Lives as long as the registry.
struct ScrapeMetrics {
  explicit ScrapeMetrics(prometheus::Registry& registry);

  prometheus::Counter* scrapes_ok;
  prometheus::Counter* scrapes_failed;
  prometheus::Counter* scrapes_late;  // due while the one before was still under way: left out
  prometheus::Histogram* fetch_seconds;
  prometheus::Histogram* append_seconds;

  prometheus::Counter* samples;         // given to the store, reports and staleness markers included
  prometheus::Counter* series_added;    // texts seen for the first time at their target
  prometheus::Counter* lines_known;     // recognised in their usual place
  prometheus::Counter* lines_searched;  // looked up or parsed

  // Samples that were not kept, by reason.
  prometheus::Counter* dropped_duplicate;
  prometheus::Counter* dropped_too_new;
  prometheus::Counter* dropped_too_old;
  prometheus::Counter* dropped_series_limit;
  prometheus::Counter* dropped_unconverted;  // classic histograms
  prometheus::Counter* dropped_exemplars;

  // Scrapes that failed as a whole, by limit.
  prometheus::Counter* exceeded_body_size;
  prometheus::Counter* exceeded_samples;
  prometheus::Counter* exceeded_labels;
  prometheus::Counter* exceeded_buckets;
  prometheus::Counter* exceeded_targets;

  prometheus::Gauge* targets_active;
  prometheus::Gauge* targets_dropped;
};

}  // namespace vedette::collector
