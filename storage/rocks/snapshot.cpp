#include "storage/rocks/snapshot.h"

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <random>

#include <fcntl.h>
#include <rocksdb/env.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>

namespace vedette::storage {
namespace {

namespace fs = std::filesystem;

std::string SnapshotName(TimeMs now) {
  const CivilTime at = ToCivil(now);
  std::random_device random;
  const std::uint64_t suffix = (std::uint64_t{random()} << 32) | random();
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z-{:016x}", at.year, at.month, at.day, at.hour, at.minute,
                     at.second, suffix);
}

/// What was written to a file or a directory's list of names is on the medium.
Status SyncPath(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fail(Code::kIo, "cannot open {}", path.string());
  const int synced = ::fsync(fd);
  ::close(fd);
  return synced == 0 ? Ok() : Status(Fail(Code::kIo, "cannot sync {}", path.string()));
}

}  // namespace

Result<std::string> TakeSnapshot(Database& database, const std::string& path, TimeMs now) {
  std::error_code error;
  const std::string directory = fs::absolute(path, error).string() + "/snapshots/" + SnapshotName(now);
  fs::create_directories(directory, error);
  if (error) return Fail(Code::kIo, "cannot make {}: {}", directory, error.message());
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&database.db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // Never flushed: the log is short, and writing goes on without a stall.
  if (status.ok()) {
    const std::lock_guard alone(database.ingestion());
    status = checkpoint->CreateCheckpoint(directory + "/db", UINT64_MAX);
  }
  if (!status.ok()) {
    fs::remove_all(directory, error);
    return ToError(status, "snapshot in " + directory);
  }
  return directory;
}

Status CopyDataDirectory(const std::string& from, const std::string& to, bool link) {
  std::error_code error;
  if (!fs::exists(from + "/db/CURRENT", error)) return Fail(Code::kNotFound, "{} holds no database", from);
  if (fs::exists(to + "/db", error)) return Fail(Code::kBadData, "{} holds a database already", to);
  // Under a name that is not taken for a database, until all of it is there.
  const fs::path part = to + "/db.part";
  fs::remove_all(part, error);
  fs::create_directories(part, error);
  if (error) return Fail(Code::kIo, "cannot make {}: {}", part.string(), error.message());
  for (const fs::directory_entry& entry : fs::directory_iterator(from + "/db", error)) {
    const fs::path name = entry.path().filename(), target = part / name;
    // The lock, and RocksDB's own notes.
    if (!entry.is_regular_file(error) || name == "LOCK" || name.string().starts_with("LOG")) continue;
    // Table files never change; the others are written on.
    if (link && name.extension() == ".sst") {
      fs::create_hard_link(entry.path(), target, error);
      if (!error) continue;
    }
    fs::copy_file(entry.path(), target, error);
    if (error) return Fail(Code::kIo, "cannot copy {} to {}: {}", entry.path().string(), to, error.message());
    VEDETTE_CHECK(SyncPath(target));
  }
  if (error) return Fail(Code::kIo, "cannot read {}/db: {}", from, error.message());
  VEDETTE_CHECK(SyncPath(part));
  fs::rename(part, to + "/db", error);
  if (error) return Fail(Code::kIo, "cannot rename {}: {}", part.string(), error.message());
  return SyncPath(to);
}

}  // namespace vedette::storage
