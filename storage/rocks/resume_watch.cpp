#include "storage/rocks/resume_watch.h"

#include <cstdint>

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>

namespace vedette::storage {
namespace {

/// In one patience it is looked so often: work that comes and goes in between is seen.
constexpr int kLooks = 60;

}  // namespace

ResumeWatch::ResumeWatch(rocksdb::DB& db, Millis patience)
    : db_(db), patience_(patience), thread_([this] { Watch(); }) {}

ResumeWatch::~ResumeWatch() {
  {
    const std::lock_guard lock(mutex_);
    returned_ = true;
  }
  returned_came_.notify_all();
  thread_.join();
}

bool ResumeWatch::Idle() const {
  std::uint64_t flushes = 0, compactions = 0;
  return db_.GetIntProperty(rocksdb::DB::Properties::kNumRunningFlushes, &flushes) && flushes == 0 &&
         db_.GetIntProperty(rocksdb::DB::Properties::kNumRunningCompactions, &compactions) && compactions == 0;
}

void ResumeWatch::Watch() {
  int idle = 0;
  std::unique_lock lock(mutex_);
  while (!returned_came_.wait_for(lock, patience_ / kLooks, [this] { return returned_; })) {
    idle = Idle() ? idle + 1 : 0;
    if (idle < kLooks) continue;
    rocksdb::CancelAllBackgroundWork(&db_, false);
    returned_came_.wait(lock, [this] { return returned_; });
    return;
  }
}

}  // namespace vedette::storage
