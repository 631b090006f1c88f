// RocksDB's logs as they get to the medium: in the order in which they were written.
//
// RocksDB begins a log while the one before is not synced, and a disk writes in an order of its own: a power cut may
// leave the newer log whole and nothing at all of the older. A start cannot tell that from a log to which nobody wrote,
// and would take batches without those that they build on. So nothing is written to a log before the one in front of
// it, and its name, are on the medium.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <rocksdb/file_system.h>

namespace vedette::storage {

/// The logs of one database, oldest first. Thread-safe.
class LogChain {
 public:
  /// `file`: the log that is begun, of `directory` of `files`. The first write to what is returned costs a sync of the
  /// log before it, and fails with that one.
  std::unique_ptr<rocksdb::FSWritableFile> Begin(std::unique_ptr<rocksdb::FSWritableFile> file,
                                                 rocksdb::FileSystem& files, std::string directory);

 private:
  class Link;
  class ChainedLog;

  std::mutex mutex_;
  std::shared_ptr<Link> last_;
};

}  // namespace vedette::storage
