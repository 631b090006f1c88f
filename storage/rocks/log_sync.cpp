#include "storage/rocks/log_sync.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <rocksdb/env.h>

#include "storage/rocks/database.h"

namespace vedette::storage {
namespace {

/// Beyond this many a disk's journal has nothing left to share.
constexpr std::size_t kMostThreads = 8;

rocksdb::Status SyncFile(rocksdb::Env& env, const std::string& path) {
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env.ReopenWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  return status;
}

}  // namespace

OldLogSync::OldLogSync(rocksdb::Env& env, std::string path) : env_(env), path_(std::move(path)) {
  exists_ = env_.GetChildren(path_, &names_).ok();
  if (!exists_) names_.clear();
  std::erase_if(names_, [](const std::string& name) { return !name.ends_with(".log"); });
  for (std::size_t i = 0; i < std::min(names_.size(), kMostThreads); ++i) threads_.emplace_back([this] { Run(); });
}

OldLogSync::~OldLogSync() { Join(); }

Status OldLogSync::Wait() {
  Join();
  if (!status_ || !exists_) return status_;
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status status = env_.NewDirectory(path_, &directory);
  if (status.ok()) status = directory->Fsync();
  return status.ok() ? Ok() : Status(ToError(status, "sync of " + path_));
}

void OldLogSync::Run() {
  for (std::size_t i; (i = next_.fetch_add(1)) < names_.size();) {
    const rocksdb::Status status = SyncFile(env_, path_ + "/" + names_[i]);
    if (status.ok()) continue;
    const std::lock_guard lock(mutex_);
    if (status_) status_ = ToError(status, "sync of " + names_[i]);
  }
}

void OldLogSync::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace vedette::storage
