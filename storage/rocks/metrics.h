// The store's own metrics.
#pragma once

#include <cstdint>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace vedette::storage {

struct StorageMetrics {
  explicit StorageMetrics(prometheus::Registry& registry);

  prometheus::Counter& samples;     // stored
  prometheus::Counter& duplicates;  // same time and value
  prometheus::Counter& conflicts;   // same time, another value
  prometheus::Counter& commits;
  // Samples (or, for max_series, series) that were not taken in, by reason.
  prometheus::Counter& refused_too_old;
  prometheus::Counter& refused_too_new;
  prometheus::Counter& refused_unknown;
  prometheus::Counter& refused_invalid;
  prometheus::Counter& refused_max_series;
  prometheus::Counter& refused_disk_full;
  prometheus::Counter& refused_io;
  prometheus::Counter& chunks_sealed;
  prometheus::Counter& chunk_bytes;
  prometheus::Counter& journal_bytes;
  prometheus::Counter& maintenance_failures;
  prometheus::Counter& index_cache_hits;
  prometheus::Counter& index_cache_misses;
  prometheus::Counter& sample_cache_hits;
  prometheus::Counter& sample_cache_misses;
  prometheus::Gauge& head_series;
  prometheus::Gauge& head_bytes;
  prometheus::Gauge& journal_samples;
  prometheus::Gauge& index_cache_bytes;
  prometheus::Gauge& sample_cache_bytes;
  prometheus::Gauge& accepting;
  prometheus::Gauge& damaged_logs;
  prometheus::Gauge& replay_seconds;
  prometheus::Histogram& seal_seconds;
};

}  // namespace vedette::storage
