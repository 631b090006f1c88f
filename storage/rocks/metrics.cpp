#include "storage/rocks/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace vedette::storage {
namespace {

prometheus::Counter& NewCounter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& NewGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& Refused(prometheus::Registry& registry, const char* reason) {
  return prometheus::BuildCounter()
      .Name("vedette_storage_refused_total")
      .Help("Samples that were not taken in, and series beyond the limit, by reason.")
      .Register(registry)
      .Add({{"reason", reason}});
}

}  // namespace

StorageMetrics::StorageMetrics(prometheus::Registry& registry)
    : samples(NewCounter(registry, "vedette_storage_samples_total", "Samples stored.")),
      duplicates(NewCounter(registry, "vedette_storage_duplicate_samples_total",
                            "Samples that were there already, time and value.")),
      conflicts(NewCounter(registry, "vedette_storage_conflicting_samples_total",
                           "Samples for a time that had another value; one of the two was kept.")),
      commits(NewCounter(registry, "vedette_storage_commits_total", "Batches made durable.")),
      refused_too_old(Refused(registry, "too_old")),
      refused_too_new(Refused(registry, "too_new")),
      refused_unknown(Refused(registry, "unknown_series")),
      refused_invalid(Refused(registry, "invalid")),
      refused_max_series(Refused(registry, "max_series")),
      refused_disk_full(Refused(registry, "disk_full")),
      refused_io(Refused(registry, "io")),
      chunks_sealed(NewCounter(registry, "vedette_storage_chunks_sealed_total", "Chunks written by sealing.")),
      chunk_bytes(NewCounter(registry, "vedette_storage_chunk_bytes_total", "Bytes of the chunks written by sealing.")),
      journal_bytes(NewCounter(registry, "vedette_storage_journal_bytes_total", "Bytes of journal records written.")),
      maintenance_failures(NewCounter(registry, "vedette_storage_maintenance_failures_total",
                                      "Rounds of sealing, retention or syncing that failed and are tried again.")),
      index_cache_hits(NewCounter(registry, "vedette_storage_index_cache_hits_total",
                                  "Sets and lists of the index of a day found in the cache.")),
      index_cache_misses(NewCounter(registry, "vedette_storage_index_cache_misses_total",
                                    "Sets and lists of the index of a day that had to be read.")),
      sample_cache_hits(NewCounter(registry, "vedette_storage_sample_cache_hits_total",
                                   "Four hours of a series that queries found in memory, decoded.")),
      sample_cache_misses(NewCounter(registry, "vedette_storage_sample_cache_misses_total",
                                     "Four hours of a series that queries had to read from disk.")),
      head_series(NewGauge(registry, "vedette_storage_head_series", "Series in memory.")),
      head_bytes(NewGauge(registry, "vedette_storage_head_bytes",
                          "Memory of the series in memory, their index and their unsealed rows.")),
      journal_samples(NewGauge(registry, "vedette_storage_journal_samples", "Samples a restart would replay.")),
      index_cache_bytes(
          NewGauge(registry, "vedette_storage_index_cache_bytes", "Sets and lists of the index kept for queries.")),
      sample_cache_bytes(
          NewGauge(registry, "vedette_storage_sample_cache_bytes", "Decoded samples of the disk kept for queries.")),
      accepting(
          NewGauge(registry, "vedette_storage_accepting", "1 when samples are taken in, 0 while the disk is full.")),
      damaged_logs(NewGauge(registry, "vedette_storage_damaged_logs",
                            "Logs that were damaged at the last start: what was committed behind the damage is lost.")),
      replay_seconds(NewGauge(registry, "vedette_storage_replay_seconds", "What the journal took at the last start.")),
      seal_seconds(prometheus::BuildHistogram()
                       .Name("vedette_storage_seal_seconds")
                       .Help("Time of one round of sealing.")
                       .Register(registry)
                       .Add({}, prometheus::Histogram::BucketBoundaries{0.001, 0.01, 0.1, 0.5, 1, 5, 30})) {}

}  // namespace vedette::storage
