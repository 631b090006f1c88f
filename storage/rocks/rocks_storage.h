// The store of the agent: head in memory, journal, chunks and index in one RocksDB database (docs/storage_format.md).
//
// Commits come from any thread; one thread syncs the journal and watches the disk, another seals, spills and enforces
// the retention. Both belong to the store and stop when it is destroyed, after the last batch was made durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "core/clock.h"
#include "core/result.h"
#include "storage/admin.h"
#include "storage/feed.h"
#include "storage/options.h"
#include "storage/state.h"
#include "storage/storage.h"

namespace prometheus {
class Registry;
}
namespace rocksdb {
class Env;
}

namespace vedette::storage {

/// What only tests and benchmarks change.
struct RocksTuning {
  /// The journal is kept shorter than the larger of these two, in samples. In the steady state it is as long as the
  /// oldest block of rows that is not sealed: up to 5/4 of StorageOptions::chunk_samples per series.
  std::size_t journal_samples = 4'000'000;
  std::size_t journal_samples_per_series = 400;
  /// A series with fewer open samples than this is copied along in the journal instead of being sealed early.
  std::size_t spill_samples = 24;
  /// A series leaves memory when it has had no sample for so long.
  Millis evict_after = std::chrono::hours(1);
  /// A seal round with more bytes of chunks than this becomes a table file of its own.
  std::size_t table_bytes = 256 << 10;
  /// Closed days are re-packed into parts of up to this many samples: a day at 15 s is one part of a bundle.
  std::size_t repack_samples = 8192;
  /// A bundle ends at so many bytes or parts. In more there would be little more that is alike, and a query reads all
  /// of it for one series.
  std::size_t bundle_bytes = 96 << 10, bundle_parts = 256;
  /// ... when nothing was written to them for so many full rounds of maintenance (one every 30 s).
  std::size_t repack_quiet_rounds = 10;
  /// How often the maintenance thread looks for work; zero: never, tests call RunMaintenance().
  Millis maintenance_interval = std::chrono::seconds(1);
  /// How often the sync thread looks at the free space, resumes writing after a failure, and syncs at the least; zero:
  /// never, RunMaintenance() does the former two.
  Millis guard_interval = std::chrono::seconds(1);
  /// Batches of the state tables that are kept for subscribers.
  StateHistory state_history;
  /// When set, Open() returns before the series of the journal have their labels. Whoever asks for a series waits until
  /// they are read; nobody gets half an answer. Called by the thread that reads them when that fails, with what Open()
  /// would have said: it must end the process, for the store cannot be used.
  std::function<void(const Error&)> loading_failed;
  /// After a failure RocksDB may be unable to write again although the disk is well: what it takes for fatal, and when
  /// it has done nothing about it for so long (resume_watch.h). Then this is called, once, with what happened: queries
  /// go on, but nothing is stored until the store is opened anew.
  Millis resume_patience = std::chrono::minutes(1);
  std::function<void(const Error&)> needs_start;
  /// The file system RocksDB uses (null: the real one) and the free bytes it reports (empty: statvfs of the path).
  rocksdb::Env* env = nullptr;
  std::function<std::uint64_t()> free_disk_bytes;
};

class RocksStorage : public Storage, public StateStore, public StoreAdmin, public FeedStore {
 public:
  /// Opens or makes the database in options.path. `clock` and `registry` must outlive the store, which must outlive its
  /// appenders and queriers. Errors: kUnavailable when another process has the directory; kBadData for bad options or a
  /// format newer than this program's; kIo without rights or space; kCorruption naming the row.
  static Result<std::unique_ptr<RocksStorage>> Open(const StorageOptions& options, const Clock& clock,
                                                    prometheus::Registry& registry, const RocksTuning& tuning = {});

  /// One round of what the maintenance thread does: seal what is due, spill the journal, evict idle series, drop days
  /// beyond the retention, re-pack closed days. Returns when all of it is done.
  virtual Status RunMaintenance(TimeMs now) = 0;

  /// Start of the first UTC day with sealed samples; nothing: there is none.
  virtual std::optional<TimeMs> FirstDay() const = 0;
};

}  // namespace vedette::storage
