// The parts of the RocksDB store that its appenders, queriers and maintenance share.
#pragma once

#include <atomic>
#include <mutex>
#include <shared_mutex>

#include "core/clock.h"
#include "storage/admin.h"
#include "storage/change_log.h"
#include "storage/head/head.h"
#include "storage/rocks/database.h"
#include "storage/rocks/disk_guard.h"
#include "storage/rocks/fact_store.h"
#include "storage/rocks/feeds.h"
#include "storage/rocks/index_cache.h"
#include "storage/rocks/metrics.h"
#include "storage/rocks/partitions.h"
#include "storage/rocks/rocks_storage.h"
#include "storage/rocks/sample_cache.h"
#include "storage/rocks/sealer.h"
#include "storage/rocks/series_catalog.h"
#include "storage/rocks/tombstones.h"

namespace vedette::storage {

struct Engine {
  Engine(const StorageOptions& storage_options, const RocksTuning& rocks_tuning, const Clock& system_clock,
         prometheus::Registry& registry, std::unique_ptr<Database> opened)
      : options(storage_options),
        tuning(rocks_tuning),
        clock(system_clock),
        metrics(registry),
        database(std::move(opened)),
        head(options.chunk_samples, options.chunk_span, tuning.spill_samples),
        catalog(*database, head),
        index_cache(options.index_cache_bytes, metrics),
        sample_cache(options.sample_cache_bytes, metrics),
        partitions(*database),
        tombstones(*database),
        facts(*database),
        feeds(*database),
        sealer(*database, head, feeds, partitions, metrics, tuning),
        guard(*database, options, tuning, metrics),
        series_limit(options.max_series) {}

  const StorageOptions options;
  const RocksTuning tuning;
  const Clock& clock;
  StorageMetrics metrics;
  const std::unique_ptr<Database> database;
  Head head;
  SeriesCatalog catalog;
  IndexCache index_cache;
  SampleCache sample_cache;
  Partitions partitions;
  Tombstones tombstones;
  FactStore facts;
  Feeds feeds;
  ChangeLog changes;
  Sealer sealer;
  DiskGuard guard;
  /// Shared by a commit from looking its series up until they hold its samples; exclusive while series leave memory.
  std::shared_mutex commit_gate;
  std::atomic<bool> unsynced{false};
  /// No new series beyond so many in memory: StorageOptions::max_series, or fewer for their bytes. 0: no limit.
  std::atomic<std::size_t> series_limit;
  /// One re-packing or cleaning at a time. Taken before the other.
  std::mutex repack_mutex;
  /// Held by whoever writes chunks or index rows.
  std::mutex maintenance_mutex;
};

std::unique_ptr<Appender> NewRocksAppender(Engine& engine, const AppendOptions& append);
std::unique_ptr<BulkWriter> NewRocksBulkWriter(Engine& engine);
std::unique_ptr<Querier> NewRocksQuerier(Engine& engine, TimeRange range);

}  // namespace vedette::storage
