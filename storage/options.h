// What the store can be told. Filled by config/ from the `storage:` section and the --storage.* flags.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/matcher.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/tier.h"

namespace vedette::storage {

/// Samples of the series that all `matchers` accept go after `keep`, whole UTC days at a time. What is left of the
/// general retention afterwards applies as well.
struct RetentionRule {
  std::vector<Matcher> matchers;
  Millis keep{0};
};

struct StorageOptions {
  /// Data directory; made when missing. One process at a time.
  std::string path = "data";
  /// Samples older than this may be dropped, whole UTC days at a time. Zero keeps everything.
  Millis retention = std::chrono::hours(24 * 15);
  /// The oldest days go when the store is larger on disk; the day of the newest samples stays. Zero: no limit.
  std::size_t retention_bytes = 0;
  std::vector<RetentionRule> retention_rules;
  /// Down-sampled copies of closed days, usually kept for longer than the samples. Off unless there are some.
  std::vector<TierOptions> tiers;
  /// Samples further ahead of the clock are refused.
  Millis max_future = std::chrono::minutes(10);
  /// How often the journal is synced to the disk: what a power cut may cost. Zero syncs every batch.
  Millis wal_sync_interval = std::chrono::seconds(1);
  /// Chunks are sealed at this many samples, or after this time without being full.
  std::size_t chunk_samples = 240;
  Millis chunk_span = std::chrono::hours(2);
  /// Refuse further series beyond this many active ones; 0 = no limit.
  std::size_t max_series = 0;
  /// Exemplars: the newest so many are kept, and none that is older. Zero: as long as samples.
  std::size_t max_exemplars = 100'000;
  Millis exemplar_age{0};
  /// ... or when those in memory, with their index and unsealed rows, take about this many bytes; 0 = no limit. Known
  /// series go on.
  std::size_t max_series_bytes = 0;
  /// RocksDB's block cache and memtables together, in bytes.
  std::size_t block_cache_bytes = 64 << 20;
  std::size_t write_buffer_bytes = 64 << 20;
  /// What queries found in the index and will want again, in bytes: half for sets of series and lists of values, half
  /// for labels of series that are no longer active.
  std::size_t index_cache_bytes = 32 << 20;
  /// Samples that queries read from disk more than once, decoded, in bytes; 0 = none.
  std::size_t sample_cache_bytes = 64 << 20;
  /// Ingestion stops while the disk has less free than this, and goes on by itself afterwards.
  std::size_t min_free_disk_bytes = 64 << 20;

  Status Validate() const;
};

}  // namespace vedette::storage
