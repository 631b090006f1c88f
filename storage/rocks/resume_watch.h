// Ends a DB::Resume() that would wait for ever.
//
// RocksDB 7.8 takes the job of a flush off its list of what is to be scheduled before that job looks whether writing
// was stopped meanwhile. When it was, the job ends, its flush stays in a queue that nobody looks at, and DB::Resume()
// waits for it. Nothing but closing the database helps then; until RocksDB is told that it is being closed, the thread
// does not come back.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/time.h"

namespace rocksdb {
class DB;
}

namespace vedette::storage {

/// Lives as long as the call that it watches. When RocksDB has had no flush and no compaction under way for `patience`,
/// it is told that the database is being closed: the call returns with an error, and nothing is written any more.
class ResumeWatch {
 public:
  ResumeWatch(rocksdb::DB& db, Millis patience);
  ~ResumeWatch();
  ResumeWatch(const ResumeWatch&) = delete;
  ResumeWatch& operator=(const ResumeWatch&) = delete;

 private:
  void Watch();
  bool Idle() const;

  rocksdb::DB& db_;
  const Millis patience_;
  std::mutex mutex_;
  std::condition_variable returned_came_;
  bool returned_ = false;
  std::thread thread_;
};

}  // namespace vedette::storage
