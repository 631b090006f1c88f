// One RocksDB database with our column families: opening and refusing, single reads and writes, errors as ours.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "core/result.h"
#include "storage/options.h"
#include "storage/rocks/day_versions.h"
#include "storage/rocks/sample_changes.h"

namespace vedette::storage {

/// Newer programs read versions from kOldestFormatVersion on; older ones refuse newer.
inline constexpr std::uint32_t kFormatVersion = 4;
inline constexpr std::uint32_t kOldestFormatVersion = 2;

/// kChunks is what sealing writes, kBundles what re-packing makes of it. kBlocks holds chunks that are as they should
/// be from the start (imported ones), those of native histograms, and what re-packing made before there were bundles.
enum class Family : std::uint8_t {
  kMeta,
  kSeries,
  kIndex,
  kChunks,
  kJournal,
  kState,
  kBlocks,
  kFacts,
  kTiers,
  kBundles
};
inline constexpr std::size_t kFamilyCount = 10;
std::string_view FamilyName(Family family);
/// Those with samples, and those whose keys begin with a day that is dropped as a whole.
inline constexpr Family kSampleFamilies[] = {Family::kBundles, Family::kBlocks, Family::kChunks};
inline constexpr Family kDayFamilies[] = {Family::kBundles, Family::kBlocks, Family::kChunks, Family::kIndex};

/// Our Error for a RocksDB status that is not ok. A full disk is kUnavailable.
Error ToError(const rocksdb::Status& status, std::string_view what);

inline rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

/// What RocksDB's background threads ran into.
struct DatabaseHealth {
  std::atomic<bool> stopped{false};      // writes were refused once
  std::atomic<bool> needs_start{false};  // ... and will be until the database is opened anew
  // Since the last Resume():
  std::atomic<bool> log_failed{false};            // a write, a sync or a flush failed: the log must not be synced
  std::atomic<bool> log_broken{false};            // ... a write or a sync: the log takes no more
  std::atomic<int> vain_resumes{0};               // that no write succeeded after
  std::atomic<bool> compaction_failed{false};     // nothing is compacted any more
  std::atomic<std::uint64_t> bad_compactions{0};  // left alone because a file is damaged
};

/// kRead: for looking at a directory without changing what the next start finds in it: newer versions of RocksDB remove
/// logs that they could not read to the end. A damaged manifest is mended from its copy all the same, and a directory
/// of an older format made new. What the logs hold is in memory while it is open.
enum class Access { kWrite, kRead };

class Database {
 public:
  /// Errors: see RocksStorage::Open; kRead of what does not exist: kIo. `env`: null for the operating system's files.
  static Result<std::unique_ptr<Database>> Open(const StorageOptions& options, rocksdb::Env* env,
                                                Access access = Access::kWrite);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family family) const { return handles_[static_cast<std::size_t>(family)]; }

  /// `sync`: returns when the batch is on the medium.
  Status Write(rocksdb::WriteBatch& batch, bool sync);
  Result<std::optional<std::string>> Get(Family family, std::string_view key,
                                         const rocksdb::Snapshot* snapshot = nullptr) const;
  /// Reports every error that it met; see checked_iterator.h.
  std::unique_ptr<rocksdb::Iterator> NewIterator(const rocksdb::ReadOptions& options, Family family) const;
  /// A big-endian number of `meta`; 0 when it is not there.
  Result<std::uint64_t> GetNumber(std::string_view key) const;
  void PutNumber(rocksdb::WriteBatch& batch, std::string_view key, std::uint64_t value) const;

  /// What was written so far survives a power cut. Errors: kIo; kUnavailable after a failed write or sync, until
  /// Resume().
  Status Sync();
  /// A write or sync failed, or RocksDB met an error at its own work: Resume() is due.
  bool failed() const { return health_->log_failed || health_->compaction_failed; }
  /// Tries to leave that state: RocksDB writes its memtables and starts a new log. When it has done nothing for
  /// `patience`, or takes the error for fatal, `health().needs_start` is set, and the next call fails at once.
  Status Resume(Millis patience);
  /// Whether table files can be taken in. RocksDB 7.8 goes on refusing that, without an error, when writing was resumed
  /// after a failure: until a restart such rows take the way through the log.
  bool can_ingest() const { return !health_->log_failed && !health_->stopped; }
  const DatabaseHealth& health() const { return *health_; }
  /// What the start found (log_check.h): the batches behind these places are lost.
  const std::vector<std::string>& damaged_logs() const { return damaged_logs_; }
  /// When the start found a log that does not end with a whole record: flushes everything, so that no later start, nor
  /// a snapshot's, reads the logs of before. Whole logs may follow the torn one, which this start left out; RocksDB
  /// gives a snapshot no log without a whole record, so a start from it would not see what is torn, and take what
  /// follows. The next start will know of no damage any more: to be called when what follows from it is done.
  Status LeaveTornLogs();
  std::uint64_t Property(Family family, const std::string& name) const;
  /// Held shared while table files are taken in, and alone while a snapshot is taken: RocksDB collects tables first and
  /// logs a moment later, and must not have the deletion of what was moved into a table without the table.
  std::shared_mutex& ingestion() { return ingestion_; }
  /// While one lives, RocksDB deletes no files.
  class KeepFiles {
   public:
    explicit KeepFiles(Database& database);
    ~KeepFiles();
    KeepFiles(const KeepFiles&) = delete;
    KeepFiles& operator=(const KeepFiles&) = delete;

   private:
    rocksdb::DB& db_;
    const bool kept_;
  };
  /// A name nobody has used, in the directory of files to be ingested.
  std::string NewTableFileName();
  /// Of the rows of `index`: to be told before they are written.
  DayVersions& day_versions() const { return day_versions_; }
  /// Of chunks: likewise.
  SampleChanges& sample_changes() const { return sample_changes_; }

 private:
  Database() = default;
  Status Lock(const std::string& path);
  Status CheckVersion(Access access);
  Status EmptyIngestDirectory(rocksdb::Env& env);
  bool NothingInMemory() const;

  const std::shared_ptr<DatabaseHealth> health_ = std::make_shared<DatabaseHealth>();
  std::string path_;
  std::vector<std::string> damaged_logs_;
  bool torn_logs_ = false;
  Access access_ = Access::kWrite;
  std::atomic<std::uint64_t> table_files_{0};
  int lock_file_ = -1;
  mutable DayVersions day_versions_;
  mutable SampleChanges sample_changes_;
  std::unique_ptr<rocksdb::Env> env_;
  std::mutex resume_mutex_;
  std::shared_mutex ingestion_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> handles_{};
};

}  // namespace vedette::storage
