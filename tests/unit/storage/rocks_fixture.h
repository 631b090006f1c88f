// A RocksDB store in a directory of its own, with buffers so small that sealing, spilling and re-packing happen all the
// time, and without threads of its own for maintenance: tests say when.
#pragma once

#include <memory>
#include <string>

#include <prometheus/registry.h>

#include "storage/rocks/rocks_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace vedette::storage {

struct RocksFixture {
  RocksFixture() {
    options.path = dir.Sub("data");
    options.retention = Millis(0);
    options.chunk_samples = 8;
    options.chunk_span = std::chrono::hours(1);
    options.block_cache_bytes = 4 << 20;
    options.write_buffer_bytes = 1 << 20;
    options.min_free_disk_bytes = 0;
    tuning.journal_samples = 200;
    tuning.journal_samples_per_series = 4;
    tuning.spill_samples = 3;
    tuning.evict_after = std::chrono::minutes(10);
    tuning.table_bytes = 512;
    tuning.repack_samples = 64;
    tuning.bundle_bytes = 600;
    tuning.bundle_parts = 5;
    tuning.repack_quiet_rounds = 0;
    tuning.maintenance_interval = Millis(0);
  }

  Result<std::unique_ptr<RocksStorage>> TryOpen() {
    registry = std::make_unique<prometheus::Registry>();
    return RocksStorage::Open(options, clock, *registry, tuning);
  }
  /// Opens, or closes and opens again.
  RocksStorage& Open() {
    store.reset();
    store = MustHave(TryOpen());
    return *store;
  }

  /// Goes on with what a process that is killed now leaves behind: nothing is closed, nothing flushed.
  RocksStorage& KillAndOpen() {
    options.path = MustHave(store->Snapshot());
    return Open();
  }

  test::TempDir dir;
  test::FakeClock clock{TimeMs::FromSeconds(1'700'000'000)};
  StorageOptions options;
  RocksTuning tuning;
  std::unique_ptr<prometheus::Registry> registry;
  std::unique_ptr<RocksStorage> store;
};

/// Appends one sample and commits it.
inline SeriesId AppendOne(Storage& store, const Labels& labels, TimeMs time, double value) {
  const auto appender = store.NewAppender();
  const SeriesId id = MustHave(appender->Series(labels));
  appender->Add(id, time, value);
  (void)MustHave(appender->Commit());
  return id;
}

inline Columns ReadAll(const Storage& store, SeriesId id) {
  Columns out;
  MustSucceed(store.NewQuerier(TimeRange())->Read(id, TimeRange(), out));
  return out;
}

}  // namespace vedette::storage
