// Names, handles and directories: the rocksdb::FileSystem interface over the operations of faulty_file_system.cpp.
#include "tests/support/faulty_file_system_inode.h"

namespace vedette::test {
namespace {

using rocksdb::IOStatus;

/// RocksDB joins paths with as many slashes as it likes.
std::string Normal(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || out.empty() || out.back() != '/') out.push_back(c);
  }
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string BaseOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

FileKind KindOf(const std::string& path) {
  const std::string name = BaseOf(path);
  if (name.ends_with(".log")) return FileKind::kLog;
  if (name.ends_with(".sst")) return FileKind::kTable;
  if (name.starts_with("MANIFEST")) return FileKind::kManifest;
  return FileKind::kOther;
}

IOStatus Missing(const std::string& path) { return IOStatus::PathNotFound(path); }

class NoLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  std::size_t GetLogFileSize() const override { return 0; }
};

class Lock final : public rocksdb::FileLock {
 public:
  explicit Lock(std::string locked) : path(std::move(locked)) {}
  const std::string path;
};

using IO = rocksdb::IOOptions;
using Debug = rocksdb::IODebugContext;

class Sequential final : public rocksdb::FSSequentialFile {
 public:
  explicit Sequential(OpenFile file) : file_(std::move(file)) {}
  IOStatus Read(std::size_t n, const IO&, rocksdb::Slice* result, char* scratch, Debug*) override {
    IOStatus status = file_.Read(offset_, n, result, scratch);
    if (status.ok()) offset_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t n) override {
    offset_ += n;
    return IOStatus::OK();
  }

 private:
  OpenFile file_;
  std::uint64_t offset_ = 0;
};

class RandomAccess final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccess(OpenFile file) : file_(std::move(file)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IO&, rocksdb::Slice* result, char* scratch,
                Debug*) const override {
    return file_.Read(offset, n, result, scratch);
  }

 private:
  OpenFile file_;
};

class Writable final : public rocksdb::FSWritableFile {
 public:
  explicit Writable(OpenFile file) : file_(std::move(file)) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const rocksdb::Slice& data, const IO&, Debug*) override { return file_.Append(data); }
  IOStatus Append(const rocksdb::Slice& data, const IO&, const rocksdb::DataVerificationInfo&, Debug*) override {
    return file_.Append(data);
  }
  IOStatus Truncate(std::uint64_t size, const IO&, Debug*) override { return file_.Truncate(size); }
  IOStatus Close(const IO&, Debug*) override { return IOStatus::OK(); }
  IOStatus Flush(const IO&, Debug*) override { return IOStatus::OK(); }
  IOStatus Sync(const IO&, Debug*) override { return file_.Sync(); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const IO&, Debug*) override { return file_.Size(); }

 private:
  OpenFile file_;
};

class ReadWrite final : public rocksdb::FSRandomRWFile {
 public:
  explicit ReadWrite(OpenFile file) : file_(std::move(file)) {}
  IOStatus Write(std::uint64_t offset, const rocksdb::Slice& data, const IO&, Debug*) override {
    return file_.Write(offset, data);
  }
  IOStatus Read(std::uint64_t offset, std::size_t n, const IO&, rocksdb::Slice* result, char* scratch,
                Debug*) const override {
    return file_.Read(offset, n, result, scratch);
  }
  IOStatus Flush(const IO&, Debug*) override { return IOStatus::OK(); }
  IOStatus Sync(const IO&, Debug*) override { return file_.Sync(); }
  IOStatus Close(const IO&, Debug*) override { return IOStatus::OK(); }

 private:
  OpenFile file_;
};

}  // namespace

// --- Names.

void FaultyFileSystem::ApplyTo(Entries& entries, const NameChange& change) {
  if (!change.from.empty()) entries.erase(change.from);
  if (change.inode) {
    entries[change.path] = change.inode;
  } else {
    entries.erase(change.path);
  }
}

void FaultyFileSystem::Change(NameChange change) {
  ApplyTo(entries_, change);
  unsynced_names_[ParentOf(change.path)].push_back(std::move(change));
}

IOStatus FaultyFileSystem::Open(const std::string& path, bool truncate, InodePtr& out) {
  const Verdict verdict = Judge(FileOp::kCreate, KindOf(path));
  const bool happens = verdict == Verdict::kGood || (verdict == Verdict::kDies && Chance(2) == 0);
  if (happens) {
    const auto found = entries_.find(path);
    if (found != entries_.end() && !truncate) {
      out = found->second;
    } else {
      out = std::make_shared<Inode>();
      directories_.insert(ParentOf(path));
      Change({path, "", out});
    }
  }
  return ToStatus(verdict, "open of " + path);
}

IOStatus FaultyFileSystem::NewSequentialFile(const std::string& name, const Options&,
                                             std::unique_ptr<rocksdb::FSSequentialFile>* out, Debug*) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  const auto found = entries_.find(path);
  if (found == entries_.end()) return dead_ ? ToStatus(Verdict::kDead, "open") : Missing(path);
  *out = std::make_unique<Sequential>(OpenFile(*this, found->second, KindOf(path)));
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::NewRandomAccessFile(const std::string& name, const Options&,
                                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out, Debug*) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  const auto found = entries_.find(path);
  if (found == entries_.end()) return dead_ ? ToStatus(Verdict::kDead, "open") : Missing(path);
  *out = std::make_unique<RandomAccess>(OpenFile(*this, found->second, KindOf(path)));
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& name, const Options&,
                                           std::unique_ptr<rocksdb::FSWritableFile>* out, Debug*) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  InodePtr inode;
  IOStatus status = Open(path, true, inode);
  if (status.ok()) *out = std::make_unique<Writable>(OpenFile(*this, inode, KindOf(path)));
  return status;
}

IOStatus FaultyFileSystem::ReopenWritableFile(const std::string& name, const Options&,
                                              std::unique_ptr<rocksdb::FSWritableFile>* out, Debug*) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  InodePtr inode;
  IOStatus status = Open(path, false, inode);
  if (status.ok()) *out = std::make_unique<Writable>(OpenFile(*this, inode, KindOf(path)));
  return status;
}

IOStatus FaultyFileSystem::NewRandomRWFile(const std::string& name, const Options&,
                                           std::unique_ptr<rocksdb::FSRandomRWFile>* out, Debug*) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  InodePtr inode;
  IOStatus status = Open(path, false, inode);
  if (status.ok()) *out = std::make_unique<ReadWrite>(OpenFile(*this, inode, KindOf(path)));
  return status;
}

IOStatus FaultyFileSystem::NewDirectory(const std::string& name, const IO&, std::unique_ptr<rocksdb::FSDirectory>* out,
                                        Debug*) {
  class Directory final : public rocksdb::FSDirectory {
   public:
    Directory(FaultyFileSystem& files, std::string path) : files_(files), path_(std::move(path)), life_(files.life_) {}
    IOStatus Fsync(const IO&, Debug*) override {
      {
        const std::lock_guard lock(files_.mutex_);
        if (files_.life_ != life_) return IOStatus::IOError("opened before the crash");
      }
      return files_.SyncDirectory(path_);
    }

   private:
    FaultyFileSystem& files_;
    const std::string path_;
    const std::uint64_t life_;
  };
  const std::lock_guard lock(mutex_);
  *out = std::make_unique<Directory>(*this, Normal(name));
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::FileExists(const std::string& name, const IO&, Debug*) {
  const std::lock_guard lock(mutex_);
  if (dead_) return ToStatus(Verdict::kDead, "look-up");
  const std::string path = Normal(name);
  return entries_.contains(path) || directories_.contains(path) ? IOStatus::OK() : IOStatus::NotFound(path);
}

IOStatus FaultyFileSystem::GetChildren(const std::string& name, const IO&, std::vector<std::string>* out, Debug*) {
  const std::lock_guard lock(mutex_);
  if (dead_) return ToStatus(Verdict::kDead, "listing");
  const std::string path = Normal(name);
  if (!directories_.contains(path)) return IOStatus::NotFound(path);
  out->clear();
  for (const auto& [file, inode] : entries_) {
    if (ParentOf(file) == path) out->push_back(BaseOf(file));
  }
  for (const std::string& directory : directories_) {
    if (directory != path && ParentOf(directory) == path) out->push_back(BaseOf(directory));
  }
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::DeleteFile(const std::string& name, const IO&, Debug*) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  const Verdict verdict = Judge(FileOp::kDelete, KindOf(path));
  const bool happens = verdict == Verdict::kGood || (verdict == Verdict::kDies && Chance(2) == 0);
  if (happens) {
    if (!entries_.contains(path)) return Missing(path);
    Change({path, "", nullptr});
  }
  return ToStatus(verdict, "delete of " + path);
}

IOStatus FaultyFileSystem::Truncate(const std::string& name, std::size_t size, const IO&, Debug*) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(Normal(name));
  if (found == entries_.end()) return Missing(name);
  const Verdict verdict = Judge(FileOp::kWrite, KindOf(name));
  if (verdict == Verdict::kGood) {
    found->second->data.resize(size);
    found->second->synced = std::min(found->second->synced, size);
  }
  return ToStatus(verdict, "truncate");
}

IOStatus FaultyFileSystem::CreateDir(const std::string& name, const IO&, Debug*) {
  const std::lock_guard lock(mutex_);
  if (dead_) return ToStatus(Verdict::kDead, "mkdir");
  return directories_.insert(Normal(name)).second ? IOStatus::OK() : IOStatus::IOError(name, "exists");
}

IOStatus FaultyFileSystem::CreateDirIfMissing(const std::string& name, const IO&, Debug*) {
  const std::lock_guard lock(mutex_);
  if (dead_) return ToStatus(Verdict::kDead, "mkdir");
  directories_.insert(Normal(name));
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::DeleteDir(const std::string& name, const IO&, Debug*) {
  const std::lock_guard lock(mutex_);
  if (dead_) return ToStatus(Verdict::kDead, "rmdir");
  return directories_.erase(Normal(name)) == 1 ? IOStatus::OK() : Missing(name);
}

IOStatus FaultyFileSystem::GetFileSize(const std::string& name, const IO&, std::uint64_t* out, Debug*) {
  const std::lock_guard lock(mutex_);
  if (dead_) return ToStatus(Verdict::kDead, "size");
  const auto found = entries_.find(Normal(name));
  if (found == entries_.end()) return Missing(name);
  *out = found->second->data.size();
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::GetFileModificationTime(const std::string&, const IO&, std::uint64_t* out, Debug*) {
  *out = 0;
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from, const std::string& to, const IO&, Debug*) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(Normal(from));
  if (found == entries_.end()) {
    if (dead_) return ToStatus(Verdict::kDead, "rename");
    return directories_.contains(Normal(from)) ? RenameDirectory(Normal(from), Normal(to)) : Missing(from);
  }
  const Verdict verdict = Judge(FileOp::kRename, KindOf(to));
  const bool happens = verdict == Verdict::kGood || (verdict == Verdict::kDies && Chance(2) == 0);
  if (happens) Change({Normal(to), Normal(from), found->second});
  return ToStatus(verdict, "rename to " + to);
}

/// On the medium at once: what snapshots need is that the files are there when the name is.
IOStatus FaultyFileSystem::RenameDirectory(const std::string& from, const std::string& to) {
  const Verdict verdict = Judge(FileOp::kRename, FileKind::kDirectory);
  const bool happens = verdict == Verdict::kGood || (verdict == Verdict::kDies && Chance(2) == 0);
  if (!happens) return ToStatus(verdict, "rename to " + to);
  const std::string prefix = from + "/";
  for (Entries* entries : {&entries_, &durable_}) {
    Entries moved;
    for (auto at = entries->lower_bound(prefix); at != entries->end() && at->first.starts_with(prefix);) {
      moved[to + at->first.substr(from.size())] = at->second;
      at = entries->erase(at);
    }
    entries->merge(moved);
  }
  if (auto names = unsynced_names_.extract(from)) {
    for (NameChange& change : names.mapped()) {
      change.path = to + change.path.substr(from.size());
      if (!change.from.empty()) change.from = to + change.from.substr(from.size());
      unsynced_names_[to].push_back(std::move(change));
    }
  }
  directories_.erase(from);
  directories_.insert(to);
  return ToStatus(verdict, "rename to " + to);
}

IOStatus FaultyFileSystem::LinkFile(const std::string& from, const std::string& to, const IO&, Debug*) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(Normal(from));
  if (found == entries_.end()) return dead_ ? ToStatus(Verdict::kDead, "link") : Missing(from);
  if (entries_.contains(Normal(to))) return IOStatus::IOError(to, "exists");
  const Verdict verdict = Judge(FileOp::kRename, KindOf(to));
  const bool happens = verdict == Verdict::kGood || (verdict == Verdict::kDies && Chance(2) == 0);
  if (happens) {
    directories_.insert(ParentOf(Normal(to)));
    Change({Normal(to), "", found->second});
  }
  return ToStatus(verdict, "link to " + to);
}

IOStatus FaultyFileSystem::NumFileLinks(const std::string& name, const IO&, std::uint64_t* out, Debug*) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(Normal(name));
  if (found == entries_.end()) return Missing(name);
  *out = 0;
  for (const auto& [path, inode] : entries_) *out += inode == found->second ? 1 : 0;
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::AreFilesSame(const std::string& a, const std::string& b, const IO&, bool* out, Debug*) {
  const std::lock_guard lock(mutex_);
  const auto left = entries_.find(Normal(a)), right = entries_.find(Normal(b));
  if (left == entries_.end() || right == entries_.end()) return Missing(a);
  *out = left->second == right->second;
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::LockFile(const std::string& name, const IO&, rocksdb::FileLock** out, Debug*) {
  const std::lock_guard lock(mutex_);
  if (dead_) return ToStatus(Verdict::kDead, "lock");
  if (!locks_.insert(Normal(name)).second) return IOStatus::IOError(name, "locked");
  directories_.insert(ParentOf(Normal(name)));
  *out = new Lock(Normal(name));
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::UnlockFile(rocksdb::FileLock* lock, const IO&, Debug*) {
  const std::lock_guard guard(mutex_);
  const std::unique_ptr<Lock> owned(static_cast<Lock*>(lock));
  locks_.erase(owned->path);
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::GetTestDirectory(const IO&, std::string* out, Debug*) {
  *out = "/test";
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::NewLogger(const std::string&, const IO&, std::shared_ptr<rocksdb::Logger>* out, Debug*) {
  *out = std::make_shared<NoLogger>();
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::GetAbsolutePath(const std::string& path, const IO&, std::string* out, Debug*) {
  *out = Normal(path);
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::GetFreeSpace(const std::string&, const IO&, std::uint64_t* out, Debug*) {
  *out = free_bytes();
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::IsDirectory(const std::string& name, const IO&, bool* out, Debug*) {
  const std::lock_guard lock(mutex_);
  *out = directories_.contains(Normal(name));
  return *out || entries_.contains(Normal(name)) ? IOStatus::OK() : Missing(name);
}

}  // namespace vedette::test
