#include "storage/rocks/database.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/sst_file_reader.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/log.h"
#include "storage/coding.h"
#include "storage/rocks/careful_files.h"
#include "storage/rocks/checked_iterator.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/log_check.h"
#include "storage/rocks/log_sync.h"
#include "storage/rocks/resume_watch.h"
#include "storage/rocks/tuning.h"

#if defined(__SANITIZE_THREAD__)
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace vedette::storage {
namespace {

/// The library is a package built without the thread sanitizer, so the locks by which the leader of a write group takes
/// over the batches of the others are not seen. What this thread touches while one of these lives is not checked;
/// everything of ours outside the call is.
struct InsideRocksDb {
#if defined(__SANITIZE_THREAD__)
  InsideRocksDb() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~InsideRocksDb() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  InsideRocksDb(const InsideRocksDb&) = delete;
  InsideRocksDb& operator=(const InsideRocksDb&) = delete;
#endif
};

/// After so many without a write that succeeds there will be none.
constexpr int kVainResumes = 3;

constexpr std::array<std::string_view, kFamilyCount> kFamilyNames = {"meta",  "series", "index", "chunks", "journal",
                                                                     "state", "blocks", "facts", "tiers",  "bundles"};

/// Names of the families in the database, ours and unknown ones; empty for a new database.
std::vector<std::string> ListFamilies(const rocksdb::DBOptions& options, const std::string& path) {
  std::vector<std::string> names;
  // Fails for a new directory, which is what is to be found out; a damaged one fails again when it is opened.
  if (!rocksdb::DB::ListColumnFamilies(options, path, &names).ok()) names.clear();
  return names;
}

/// Without its CURRENT file RocksDB would take a database for a new one and delete what it finds.
Status CheckComplete(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  if (!env.GetChildren(path, &names).ok()) return Ok();  // a new database
  if (std::ranges::find(names, "CURRENT") != names.end()) return Ok();
  for (const std::string& name : names) {
    std::uint64_t size = 0;
    if (!name.ends_with(".sst") && !name.ends_with(".log")) continue;
    if (!env.GetFileSize(path + "/" + name, &size).ok() || size == 0) continue;
    return Fail(Code::kCorruption, "{}/CURRENT is missing, but there is {}: restore a backup", path, name);
  }
  return Ok();
}

/// Takes one DisableFileDeletions() back. RocksDB 7.8 would take back those of others as well, unless told not to.
template <class Db>
void AllowDeletions(Db& db) {
  if constexpr (requires { db.EnableFileDeletions(false); }) {
    (void)db.EnableFileDeletions(false);
  } else {
    (void)db.EnableFileDeletions();
  }
}

/// A flipped bit where a table describes itself. A table that is missing altogether is not meant: it may have been put
/// elsewhere by mistake, and comes back.
bool IsDamagedTable(const rocksdb::Status& status) {
  if (!status.IsCorruption()) return false;
  const std::string text = status.ToString();
  return text.find(".sst") != std::string::npos && text.find("checksum mismatch") != std::string::npos;
}

/// RocksDB 7.8 frees the range tombstones of an open level-0 file twice when an older one cannot be opened: no iterator
/// may be made then. A start opens 16 tables of all families together, so it may not have met that one.
Status CheckNewestTables(rocksdb::DB& db, const std::vector<rocksdb::ColumnFamilyHandle*>& families) {
  for (rocksdb::ColumnFamilyHandle* family : families) {
    rocksdb::ColumnFamilyMetaData meta;
    db.GetColumnFamilyMetaData(family, &meta);
    if (meta.levels.front().files.size() < 2) continue;
    bool has_tombstones = false;
    for (const rocksdb::SstFileMetaData& file : meta.levels.front().files) {  // newest first
      rocksdb::SstFileReader reader(db.GetOptions(family));
      const std::string name = file.db_path + "/" + file.relative_filename;
      const rocksdb::Status opened = reader.Open(name);
      if (!opened.ok() && has_tombstones) return ToError(opened, "table file " + name + ", which is needed");
      has_tombstones = has_tombstones || (opened.ok() && reader.GetTableProperties()->num_range_deletions > 0);
    }
  }
  return Ok();
}

}  // namespace

std::string_view FamilyName(Family family) { return kFamilyNames[static_cast<std::size_t>(family)]; }

Error ToError(const rocksdb::Status& status, std::string_view what) {
  const std::string text = status.ToString();
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::SubCode::kNoSpace) {
    return Fail(Code::kUnavailable, "{}: the disk is full ({})", what, text);
  }
  if (status.IsCorruption()) return Fail(Code::kCorruption, "{}: {}", what, text);
  if (status.IsIOError()) return Fail(Code::kIo, "{}: {}", what, text);
  if (status.IsBusy() || status.IsTryAgain() || status.IsTimedOut() || status.IsShutdownInProgress()) {
    return Fail(Code::kUnavailable, "{}: {}", what, text);
  }
  return Fail(Code::kInternal, "{}: {}", what, text);
}

Status Database::Lock(const std::string& path) {
  const std::string file = path + "/lock";
  lock_file_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_file_ < 0) return Fail(Code::kIo, "cannot write to the data directory {}: {}", path, std::strerror(errno));
  if (::flock(lock_file_, LOCK_EX | LOCK_NB) == 0) return Ok();
  if (errno == EWOULDBLOCK) {
    return Fail(Code::kUnavailable, "the data directory {} is in use by another process", path);
  }
  return Fail(Code::kIo, "cannot lock the data directory {}: {}", path, std::strerror(errno));
}

Result<std::unique_ptr<Database>> Database::Open(const StorageOptions& options, rocksdb::Env* env, Access access) {
  std::error_code error;
  if (access == Access::kWrite) std::filesystem::create_directories(options.path, error);
  if (error) return Fail(Code::kIo, "cannot make the data directory {}: {}", options.path, error.message());
  std::unique_ptr<Database> out(new Database());
  out->path_ = options.path;
  VEDETTE_CHECK(out->Lock(options.path));
  out->env_ = NewCarefulEnv(env != nullptr ? *env : *rocksdb::Env::Default(), options.path);

  const std::string path = options.path + "/db";
  const Status mended = MendManifest(*out->env_, path);
  if (!mended) return Annotate("cannot open the database in " + options.path, mended.error());
  rocksdb::DBOptions db_options = DatabaseTuning(options, out->env_.get(), out->health_);
  // Filters of large files are single blocks of megabytes. By default the cache is cut into 64 shards, none of which
  // can hold one, and each look-up of a new series would read it from the disk again.
  constexpr int kShardBits = 1;
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes, kShardBits);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    families.emplace_back(std::string(kFamilyNames[i]), FamilyTuning(static_cast<Family>(i), options, cache));
  }
  // RocksDB opens all families or none: "default", which stays empty, and those of a newer program, whose version is
  // then refused with a message that says so.
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  const std::vector<std::string> there = ListFamilies(db_options, path);
  for (const std::string& name : there) {
    const auto known = [&](const auto& family) { return family.name == name; };
    if (std::ranges::none_of(families, known)) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  }
  // An older program's directory lacks families, which reading alone cannot make.
  if (!there.empty() && there.size() < families.size()) access = Access::kWrite;
  const bool writes = access == Access::kWrite;
  out->access_ = access;

  if (writes) VEDETTE_CHECK(out->EmptyIngestDirectory(*out->env_));
  VEDETTE_CHECK(CheckComplete(*db_options.env, path));
  std::optional<OldLogSync> sync;
  if (writes) sync.emplace(*db_options.env, path);
  VEDETTE_TRY(LogState logs, CheckLogs(*db_options.env, path));
  out->damaged_logs_ = std::move(logs.damaged);
  out->torn_logs_ = logs.torn;
  for (const std::string& log : out->damaged_logs_) {
    LogError("storage", "a log is damaged: what was committed behind that place is lost", {{"log", log}});
  }
  const Status synced = writes ? sync->Wait() : Ok();
  if (!synced) return Annotate("cannot open the database in " + options.path, synced.error());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto open = [&] {
    return writes ? rocksdb::DB::Open(db_options, path, families, &handles, &db)
                  : rocksdb::DB::OpenForReadOnly(db_options, path, families, &handles, &db);
  };
  rocksdb::Status status = open();
  if (IsDamagedTable(status)) {
    LogError("storage",
             "a table file is damaged: what can be read is served; `vedette storage verify` names what is lost",
             {{"error", status.ToString()}});
    db_options.paranoid_checks = false;  // tables are then opened when they are needed, and fail only there
    status = open();
  }
  if (!status.ok()) return ToError(status, "cannot open the database in " + options.path);
  out->db_.reset(db);
  const Status usable = [&] {
    const KeepFiles keep(*out);  // a compaction may end meanwhile
    return CheckNewestTables(*db, handles);
  }();
  for (std::size_t i = 0; i < handles.size(); ++i) {
    if (i < kFamilyCount) {
      out->handles_[i] = handles[i];
    } else {
      db->DestroyColumnFamilyHandle(handles[i]);
    }
  }
  if (!usable) return Annotate("cannot open the database in " + options.path, usable.error());
  const Status version = out->CheckVersion(access);
  if (!version) return Annotate("data directory " + options.path, version.error());
  return out;
}

Status Database::LeaveTornLogs() {
  if (!torn_logs_) return Ok();
  rocksdb::WriteBatch batch;
  // A key that nobody has: a family that has nothing to flush would go on from the old logs.
  const std::string nobodys(1, '\0');
  for (rocksdb::ColumnFamilyHandle* handle : handles_) batch.Delete(handle, nobodys);
  VEDETTE_CHECK(Write(batch, true));
  const std::vector<rocksdb::ColumnFamilyHandle*> all(handles_.begin(), handles_.end());
  const rocksdb::Status status = db_->Flush(rocksdb::FlushOptions(), all);
  if (!status.ok()) return ToError(status, "flush");
  // A log whose first record is torn was read as nothing: RocksDB keeps it until it looks through its directory, which
  // it does when deletions are allowed again. A snapshot would fail on it.
  const KeepFiles let_it_look(*this);
  return Ok();
}

Status Database::EmptyIngestDirectory(rocksdb::Env& env) {
  const std::string directory = path_ + "/ingest";
  if (const rocksdb::Status made = env.CreateDirIfMissing(directory); !made.ok()) {
    return ToError(made, "cannot make " + directory);
  }
  std::vector<std::string> files;
  // Left by a process that died before it brought them in.
  if (env.GetChildren(directory, &files).ok()) {
    for (const std::string& file : files) {
      if (file.ends_with(".sst")) (void)env.DeleteFile(directory + "/" + file);
    }
  }
  return Ok();
}

std::string Database::NewTableFileName() { return fmt::format("{}/ingest/{:06}.sst", path_, ++table_files_); }

Status Database::CheckVersion(Access access) {
  VEDETTE_TRY(const std::uint64_t version, GetNumber(kMetaVersion));
  if (version > kFormatVersion) {
    return Fail(Code::kBadData, "format version {} is newer than {}, the newest this program knows", version,
                kFormatVersion);
  }
  if (version != 0 && version < kOldestFormatVersion) {
    return Fail(Code::kBadData, "format version {} is older than {}, the oldest this program reads", version,
                kOldestFormatVersion);
  }
  if (version == kFormatVersion || access == Access::kRead) return Ok();
  rocksdb::WriteBatch batch;
  PutNumber(batch, kMetaVersion, kFormatVersion);
  return Write(batch, true);
}

Database::~Database() {
  if (db_) {
    if (const Status status = access_ == Access::kWrite ? Sync() : Ok(); !status) {
      LogError("storage", "journal not synced", {{"error", status.error()}});
    }
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
    }
    const rocksdb::Status status = db_->Close();
    if (!status.ok()) LogError("storage", "database not closed cleanly", {{"error", status.ToString()}});
    db_.reset();
  }
  if (lock_file_ >= 0) ::close(lock_file_);
}

Status Database::Write(rocksdb::WriteBatch& batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  const rocksdb::Status status = [&] {
    [[maybe_unused]] const InsideRocksDb ignored;
    return db_->Write(options, &batch);
  }();
  if (status.ok()) {
    if (health_->vain_resumes.load(std::memory_order_relaxed) != 0) health_->vain_resumes = 0;
    return Ok();
  }
  health_->log_broken = health_->log_failed = true;
  return ToError(status, "write");
}

Result<std::optional<std::string>> Database::Get(Family from, std::string_view key,
                                                 const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  std::string value;
  const rocksdb::Status status = db_->Get(options, family(from), ToSlice(key), &value);
  if (status.ok()) return std::optional(std::move(value));
  if (status.IsNotFound()) return std::optional<std::string>();
  return ToError(status, fmt::format("read of {} in {}", Quote(key), FamilyName(from)));
}

std::unique_ptr<rocksdb::Iterator> Database::NewIterator(const rocksdb::ReadOptions& options, Family of) const {
  return NewCheckedIterator(*db_, options, family(of));
}

Result<std::uint64_t> Database::GetNumber(std::string_view key) const {
  VEDETTE_TRY(const std::optional<std::string> bytes, Get(Family::kMeta, key));
  if (!bytes) return std::uint64_t{0};
  if (bytes->size() != 8)
    return Fail(Code::kCorruption, "row {} of meta has {} bytes instead of 8", key, bytes->size());
  return GetBigEndian<std::uint64_t>(*bytes);
}

void Database::PutNumber(rocksdb::WriteBatch& batch, std::string_view key, std::uint64_t value) const {
  std::string bytes;
  PutBigEndian(bytes, value);
  batch.Put(family(Family::kMeta), ToSlice(key), bytes);
}

Status Database::Sync() {
  // RocksDB asserts that nobody syncs a log whose last write or sync failed.
  if (health_->log_failed) return Fail(Code::kUnavailable, "sync of the journal: an earlier write or sync failed");
  const rocksdb::Status status = db_->SyncWAL();
  if (status.ok()) return Ok();
  health_->log_broken = health_->log_failed = true;
  return ToError(status, "sync of the journal");
}

Database::KeepFiles::KeepFiles(Database& database) : db_(database.db()), kept_(db_.DisableFileDeletions().ok()) {}

Database::KeepFiles::~KeepFiles() {
  if (kept_) AllowDeletions(db_);
}

bool Database::NothingInMemory() const {
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    if (Property(static_cast<Family>(i), rocksdb::DB::Properties::kNumEntriesActiveMemTable) > 0) return false;
  }
  return true;
}

Status Database::Resume(Millis patience) {
  const std::lock_guard lock(resume_mutex_);
  if (health_->needs_start) return Fail(Code::kUnavailable, "resume: the database has to be opened anew");
  // RocksDB 7.8 begins a new log when there is something in memory to write to a table; otherwise it goes on with the
  // one whose write failed, and aborts in the next write.
  if (health_->log_broken && NothingInMemory()) {
    health_->needs_start = true;
    return Fail(Code::kUnavailable, "resume: there is nothing to flush, so the log that failed would be kept");
  }
  // A log whose sync failed may stay among those that RocksDB 7.8 syncs, and fail each write after each resume.
  if (health_->vain_resumes >= kVainResumes) {
    health_->needs_start = true;
    return Fail(Code::kUnavailable, "resume: writes went on failing after {} of them", kVainResumes);
  }
  health_->compaction_failed = false;  // before: an error during the attempt counts
  // A manifest that could not be written while files were ingested leaves a state that RocksDB 7.8 aborts on unless
  // deletions are stopped, as they are after other failures of the manifest.
  const rocksdb::Status status = [&] {
    const KeepFiles keep(*this);
    const ResumeWatch watch(*db_, patience);
    return db_->Resume();
  }();
  if (status.ok()) {
    if (health_->log_broken) ++health_->vain_resumes;
    health_->log_broken = health_->log_failed = false;
    return Ok();
  }
  health_->compaction_failed = true;
  health_->needs_start = status.IsShutdownInProgress() || status.severity() >= rocksdb::Status::kFatalError;
  return ToError(status, "resume");
}

std::uint64_t Database::Property(Family of, const std::string& name) const {
  std::uint64_t value = 0;
  return db_->GetIntProperty(family(of), name, &value) ? value : 0;
}

}  // namespace vedette::storage
