#include "storage/rocks/disk_guard.h"

#include <cstdint>

#include <prometheus/gauge.h>
#include <sys/statvfs.h>

#include "core/log.h"

namespace vedette::storage {

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
  if (!full && failed_.exchange(false)) {
    const Status resumed = database_.Resume();
    if (resumed) {
      LogInfo("storage", "writing resumed after a failure");
    } else {
      failed_ = true;
      LogWarn("storage", "writing is still not possible", {{"error", resumed.error()}});
    }
  }
  metrics_.accepting.Set(full || failed_ ? 0 : 1);
}

}  // namespace vedette::storage
