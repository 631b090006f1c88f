// Stops ingestion before the disk is full, and lets it go on when there is room again. Nobody has to restart anything.
#pragma once

#include <atomic>
#include <cstdint>

#include "storage/options.h"
#include "storage/rocks/database.h"
#include "storage/rocks/metrics.h"
#include "storage/rocks/rocks_storage.h"

namespace vedette::storage {

class DiskGuard {
 public:
  DiskGuard(Database& database, const StorageOptions& options, const RocksTuning& tuning, StorageMetrics& metrics)
      : database_(database), options_(options), tuning_(tuning), metrics_(metrics) {}

  /// Whether commits may write. Errors: kUnavailable with the free and the wanted bytes.
  Status Admit() const;
  /// Measures the free space; resumes a database whose last write failed when there is room. About once a second.
  void Check();
  /// How much more may wait on the disk for others than its own queries, asked anew: it is to end well before commits
  /// are refused. Negative: so much less.
  std::int64_t RoomToWait() const;

 private:
  std::uint64_t FreeBytes() const;
  bool CanWrite() const;

  Database& database_;
  const StorageOptions& options_;
  const RocksTuning& tuning_;
  StorageMetrics& metrics_;
  std::atomic<bool> full_{false};
  std::atomic<bool> resume_failed_{false}, start_asked_{false};  // said once
  std::atomic<std::uint64_t> free_bytes_{0};
};

}  // namespace vedette::storage
