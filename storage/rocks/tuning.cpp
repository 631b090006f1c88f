#include "storage/rocks/tuning.h"

#include <array>
#include <cstdarg>
#include <cstdio>

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include "core/log.h"
#include "storage/rocks/fact_store.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/postings_merge.h"

namespace vedette::storage {
namespace {

/// What becomes of an error in one of RocksDB's own threads.
class ErrorPolicy final : public rocksdb::EventListener {
 public:
  explicit ErrorPolicy(std::shared_ptr<DatabaseHealth> health) : health_(std::move(health)) {}

  /// A damaged file cannot be compacted. RocksDB would refuse all writes from then on; left alone, the file fails only
  /// the reads that need it, and everything else goes on.
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    if (reason == rocksdb::BackgroundErrorReason::kCompaction && error->IsCorruption()) {
      if (health_->bad_compactions++ == 0) {
        LogError("storage", "a damaged file is left out of compaction; `vedette storage verify` names what is lost",
                 {{"error", error->ToString()}});
      }
      *error = rocksdb::Status::OK();
      return;
    }
    health_->stopped = true;
    // Not every error is seen by a write of ours: compaction may stop, or a flush meet a bad log.
    const bool compaction = reason == rocksdb::BackgroundErrorReason::kCompaction;
    (compaction ? health_->compaction_failed : health_->log_failed) = true;
  }

  /// RocksDB would look every five seconds whether a full disk has room, and refuse Resume() meanwhile. DiskGuard looks
  /// every second, and also after failures that RocksDB does not recover from by itself.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::shared_ptr<DatabaseHealth> health_;
};

class ForwardedLog final : public rocksdb::Logger {
 public:
  ForwardedLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void LogHeader(const char*, va_list) override {}
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 1024> text{};
    std::vsnprintf(text.data(), text.size(), format, arguments);
    LogDebug("storage", "RocksDB says", {{"message", std::string_view(text.data())}});
  }
};

}  // namespace

rocksdb::DBOptions DatabaseTuning(const StorageOptions& options, rocksdb::Env* env,
                                  const std::shared_ptr<DatabaseHealth>& health) {
  rocksdb::DBOptions out;
  if (env != nullptr) out.env = env;
  out.create_if_missing = true;
  out.create_missing_column_families = true;
  // One flush and one compaction beside the work of the agent: it shares small machines.
  out.max_background_jobs = 2;
  // All memtables together; the cache is a budget of its own so that a query cannot squeeze out what is not written
  // yet.
  out.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes);
  // The log is what a start has to read. Families that change rarely would otherwise keep old log files alive.
  out.max_total_wal_size = 2 * options.write_buffer_bytes;
  // A start inserts the log into memtables and is ready; flushing them first would only delay it.
  out.avoid_flush_during_recovery = true;
  // The log has everything: a stop need not write tables.
  out.avoid_flush_during_shutdown = true;
  // A torn record at the end of the log is what a crash leaves; whatever lies before it is kept.
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // Table files are synced as they are written, not in one stall at their end.
  out.bytes_per_sync = 1 << 20;
  // Descriptors are few on small machines; the table cache holds this many.
  out.max_open_files = 512;
  out.listeners.push_back(std::make_shared<ErrorPolicy>(health));
  // By default each family starts 16 threads to open its tables, of which a start opens few: ten times the work.
  out.max_file_opening_threads = 2;
  // Opening must not depend on the number of files.
  out.skip_stats_update_on_db_open = true;
  // RocksDB's own log is for its developers, and repeats all options at each start: only what it warns of, as debug.
  // Errors that matter come back as a status or meet ErrorPolicy.
  out.info_log = std::make_shared<ForwardedLog>();
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  return out;
}

rocksdb::ColumnFamilyOptions FamilyTuning(Family family, const StorageOptions& options,
                                          const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions out;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.format_version = 5;  // the newest that 7.8 and 9.x both write by default
  // Index and filter blocks count in the cache, so that memory does not grow with the age of the store.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // The manager above bounds all memtables together; a single one may use all of it.
  out.write_buffer_size = options.write_buffer_bytes;
  // Keeps the lowest level at nine tenths of the data whatever its size: less space for old versions.
  out.level_compaction_dynamic_level_bytes = true;
  out.compression = rocksdb::kLZ4Compression;
  out.bottommost_compression = rocksdb::kZSTD;

  switch (family) {
    case Family::kBlocks:
      // Written in its final form: mostly it lies in the lowest level at once. Read like chunks.
    case Family::kChunks:
      if (family == Family::kChunks) {
        // Re-packing is the compaction of chunks. Until then some dozen files with a filter each cost a query little,
        // and merging them more often would write the day several times.
        out.level0_file_num_compaction_trigger = 16;
        out.level0_slowdown_writes_trigger = 64;
        out.level0_stop_writes_trigger = 128;
      }
      // Scans read one series of one day: blocks large enough to hold a few of them, found by a filter on that prefix.
      table.block_size = 16 << 10;
      // Buckets of one histogram often hold the same bytes: zstd finds them when they share a block and it looks
      // closely, for a tenth of the bytes of a day (docs/storage.md, "Codecs").
      if (family == Family::kBlocks) {
        table.block_size = 128 << 10;
        out.bottommost_compression_opts.enabled = true;
        out.bottommost_compression_opts.level = 6;
      }
      table.whole_key_filtering = false;
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
      out.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kChunkPrefixBytes));
      out.memtable_prefix_bloom_size_ratio = 0.02;
      break;
    case Family::kBundles:
      // A bundle is a block of its own, and zstd finds nothing more in it.
      table.block_size = 16 << 10;
      out.compression = rocksdb::kNoCompression;
      out.bottommost_compression = rocksdb::kNoCompression;
      break;
    case Family::kIndex:
      out.merge_operator = NewPostingsMergeOperator();
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
      break;
    case Family::kSeries:
      // Nearly every new series asks whether its hash is known, and nearly always it is not: the filter answers.
      table.whole_key_filtering = false;
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
      out.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(9));
      out.memtable_prefix_bloom_size_ratio = 0.02;
      break;
    case Family::kJournal:
      // Lives for minutes and is read once, at a start: no compression.
      out.compression = rocksdb::kNoCompression;
      out.bottommost_compression = rocksdb::kNoCompression;
      break;
    case Family::kFacts:
      out.merge_operator = NewEarliestMergeOperator();
      break;
    case Family::kTiers:
      // Read one series and day at a time, and in series order by whoever reads many.
      table.block_size = 32 << 10;
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
      break;
    case Family::kMeta:
    case Family::kState:
      break;
  }
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return out;
}

}  // namespace vedette::storage
