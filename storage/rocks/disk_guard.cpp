#include "storage/rocks/disk_guard.h"

#include <algorithm>
#include <cstdint>

#include <prometheus/gauge.h>
#include <sys/statvfs.h>

#include "core/log.h"

namespace vedette::storage {
namespace {

/// Resuming writes memtables and a new log. Should the disk be full then, RocksDB takes that for fatal and only a
/// restart helps: it is not tried with less room than this.
constexpr std::uint64_t kResumeBytes = 16 << 20;
/// What is written to find out: more than a file system keeps in its own reserves.
constexpr std::size_t kProbeBytes = 1 << 20;
/// Nothing waits for others on a disk with less free space than so many times what stops commits: what they give up is
/// not free at once.
constexpr std::uint64_t kWaitReserve = 4;

}  // namespace

Status DiskGuard::Admit() const {
  if (!full_) return Ok();
  return Fail(Code::kUnavailable, "the disk of {} is nearly full: {} bytes free, storage.min_free_disk_bytes is {}",
              options_.path, free_bytes_.load(), options_.min_free_disk_bytes);
}

std::uint64_t DiskGuard::FreeBytes() const {
  if (tuning_.free_disk_bytes) return tuning_.free_disk_bytes();
  struct statvfs info {};
  // A disk that cannot be asked is not taken for a full one: writes will tell.
  if (::statvfs(options_.path.c_str(), &info) != 0) return UINT64_MAX;
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

std::int64_t DiskGuard::RoomToWait() const {
  constexpr std::uint64_t kMost = INT64_MAX;
  const std::uint64_t reserve =
      kWaitReserve * std::min<std::uint64_t>(options_.min_free_disk_bytes, kMost / kWaitReserve);
  return static_cast<std::int64_t>(std::min(FreeBytes(), kMost)) - static_cast<std::int64_t>(reserve);
}

/// Free space is not always for us: a quota shows only when something is written.
bool DiskGuard::CanWrite() const {
  const std::string name = database_.NewTableFileName() + ".probe";
  rocksdb::Env& env = *database_.db().GetEnv();
  const bool written = rocksdb::WriteStringToFile(&env, std::string(kProbeBytes, ' '), name, true).ok();
  (void)env.DeleteFile(name);
  return written;
}

void DiskGuard::Check() {
  free_bytes_ = FreeBytes();
  const bool full = free_bytes_ < options_.min_free_disk_bytes;
  if (full != full_.exchange(full)) {
    if (full) {
      LogError("storage", "disk nearly full, samples are refused",
               {{"path", options_.path}, {"free_bytes", free_bytes_.load()}});
    } else {
      LogInfo("storage", "disk has room again", {{"path", options_.path}, {"free_bytes", free_bytes_.load()}});
    }
  }
  if (full || database_.failed()) metrics_.accepting.Set(0);  // before: to resume may take long
  if (database_.failed() && free_bytes_ >= std::max<std::uint64_t>(options_.min_free_disk_bytes, kResumeBytes) &&
      CanWrite()) {
    if (const Status resumed = database_.Resume(tuning_.resume_patience); resumed) {
      LogInfo("storage", "writing resumed after a failure");
    } else if (database_.health().needs_start) {
      if (!start_asked_.exchange(true)) {
        LogError("storage", "nothing can be written before the next start", {{"error", resumed.error()}});
        if (tuning_.needs_start) tuning_.needs_start(resumed.error());
      }
    } else if (!resume_failed_.exchange(true)) {
      LogError("storage", "writing is not possible, it is tried every second", {{"error", resumed.error()}});
    }
  }
  if (!database_.failed()) resume_failed_ = false;
  metrics_.accepting.Set(full || database_.failed() ? 0 : 1);
}

}  // namespace vedette::storage
