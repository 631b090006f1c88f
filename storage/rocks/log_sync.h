// A start makes the logs of the process before it durable.
//
// A process that was killed leaves its last logs unsynced, and RocksDB reads them without ever syncing them: a power
// cut later would take samples that were acknowledged long ago, and with them what newer logs build on.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/result.h"

namespace rocksdb {
class Env;
}

namespace vedette::storage {

/// Syncs every log of a database's directory, beside what its maker does, and several at once: a sync takes a disk
/// some milliseconds, most of which the next one shares.
class OldLogSync {
 public:
  /// Begins. `env` must stay until Wait() or the destructor is through.
  OldLogSync(rocksdb::Env& env, std::string path);
  ~OldLogSync();
  OldLogSync(const OldLogSync&) = delete;
  OldLogSync& operator=(const OldLogSync&) = delete;

  /// Returns when all are durable, the directory's names too, or with what failed first. To be called once, before
  /// anything is written to a newer log.
  Status Wait();

 private:
  void Run();
  void Join();

  rocksdb::Env& env_;
  const std::string path_;
  bool exists_ = false;  // false: a new database
  std::vector<std::string> names_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  Status status_ = Ok();  // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace vedette::storage
