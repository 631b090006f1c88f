// Inside the faulty file system: one file's bytes, and what all handles of a file share.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/faulty_file_system.h"

namespace vedette::test {

struct FaultyFileSystem::Inode {
  std::string data;
  std::size_t synced = 0;  // so many bytes are on the medium
  /// Bytes that a failed sync gave up: later syncs succeed without them, as on Linux.
  std::vector<std::pair<std::size_t, std::size_t>> given_up;
  /// What unsynced writes replaced within the synced part.
  std::vector<std::pair<std::size_t, std::string>> replaced;
};

/// What all kinds of open files share. After a restart they are those of a dead process.
class OpenFile {
 public:
  OpenFile(FaultyFileSystem& files, FaultyFileSystem::InodePtr inode, FileKind kind)
      : files_(files), inode_(std::move(inode)), kind_(kind), life_(files.life_) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data) {
    const std::lock_guard lock(files_.mutex_);
    return Alive() ? files_.Append(*inode_, kind_, data) : Gone();
  }
  rocksdb::IOStatus Write(std::uint64_t offset, const rocksdb::Slice& data) {
    const std::lock_guard lock(files_.mutex_);
    return Alive() ? files_.WriteAt(*inode_, kind_, offset, data) : Gone();
  }
  rocksdb::IOStatus Read(std::uint64_t offset, std::size_t n, rocksdb::Slice* result, char* scratch) const {
    const std::lock_guard lock(files_.mutex_);
    return Alive() ? files_.ReadAt(*inode_, kind_, offset, n, result, scratch) : Gone();
  }
  rocksdb::IOStatus Sync() {
    const std::lock_guard lock(files_.mutex_);
    return Alive() ? files_.Sync(*inode_, kind_) : Gone();
  }
  rocksdb::IOStatus Truncate(std::uint64_t size) {
    const std::lock_guard lock(files_.mutex_);
    if (!Alive()) return Gone();
    inode_->data.resize(size);
    inode_->synced = std::min<std::size_t>(inode_->synced, size);
    return rocksdb::IOStatus::OK();
  }
  std::uint64_t Size() const {
    const std::lock_guard lock(files_.mutex_);
    return inode_->data.size();
  }

 private:
  bool Alive() const { return files_.life_ == life_; }
  static rocksdb::IOStatus Gone() { return rocksdb::IOStatus::IOError("opened before the crash"); }

  FaultyFileSystem& files_;
  const FaultyFileSystem::InodePtr inode_;
  const FileKind kind_;
  const std::uint64_t life_;
};

}  // namespace vedette::test
