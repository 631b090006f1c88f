#include "storage/rocks/log_chain.h"

#include <atomic>
#include <utility>

namespace vedette::storage {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

/// A log as the next one sees it.
class LogChain::Link {
 public:
  Link(rocksdb::FSWritableFile& file, std::shared_ptr<Link> before) : file_(&file), before_(std::move(before)) {}

  /// Of all logs before this one. Also those of which this one is not the next: nobody may have written to that.
  IOStatus SyncOlder(const IOOptions& options, IODebugContext* debug) {
    const std::lock_guard lock(mutex_);
    return SyncOlderLocked(options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) {
    const std::lock_guard lock(mutex_);
    if (IOStatus older = SyncOlderLocked(options, debug); !older.ok()) return older;
    if (file_ == nullptr || !written_.exchange(false)) return IOStatus::OK();
    IOStatus synced = file_->Sync(options, debug);
    if (!synced.ok()) written_ = true;
    return synced;
  }
  /// After a write, whether it succeeded or not.
  void NoteWrite() { written_ = true; }
  /// RocksDB closes a log when it was synced, or when nobody needs it any more.
  void Close() {
    const std::lock_guard lock(mutex_);
    file_ = nullptr;
  }

 private:
  IOStatus SyncOlderLocked(const IOOptions& options, IODebugContext* debug) {
    if (before_ == nullptr) return IOStatus::OK();
    IOStatus status = before_->Sync(options, debug);
    if (status.ok()) before_.reset();
    return status;
  }

  std::mutex mutex_;  // of a newer one first
  rocksdb::FSWritableFile* file_;
  std::shared_ptr<Link> before_;      // until it is known to be on the medium
  std::atomic<bool> written_{false};  // since the last Sync() above
};

class LogChain::ChainedLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  ChainedLog(std::unique_ptr<rocksdb::FSWritableFile> file, rocksdb::FileSystem& files, std::string directory,
             std::shared_ptr<Link> before)
      : FSWritableFileOwnerWrapper(std::move(file)),
        files_(files),
        directory_(std::move(directory)),
        link_(std::make_shared<Link>(*target(), std::move(before))) {}
  ~ChainedLog() override { link_->Close(); }

  const std::shared_ptr<Link>& link() const { return link_; }

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (IOStatus older = SettleOlder(options, debug); !older.ok()) return older;
    IOStatus written = FSWritableFileOwnerWrapper::Append(data, options, debug);
    link_->NoteWrite();
    return written;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    if (IOStatus older = SettleOlder(options, debug); !older.ok()) return older;
    IOStatus written = FSWritableFileOwnerWrapper::Append(data, options, info, debug);
    link_->NoteWrite();
    return written;
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    link_->Close();
    return FSWritableFileOwnerWrapper::Close(options, debug);
  }

 private:
  /// RocksDB writes to a log from one thread at a time.
  IOStatus SettleOlder(const IOOptions& options, IODebugContext* debug) {
    if (settled_) return IOStatus::OK();
    IOStatus status = link_->SyncOlder(options, debug);
    std::unique_ptr<rocksdb::FSDirectory> names;
    if (status.ok()) status = files_.NewDirectory(directory_, options, &names, debug);
    if (status.ok()) status = names->FsyncWithDirOptions(options, debug, rocksdb::DirFsyncOptions());
    settled_ = status.ok();
    return status;
  }

  rocksdb::FileSystem& files_;
  const std::string directory_;
  const std::shared_ptr<Link> link_;
  bool settled_ = false;  // the logs before are on the medium, and the names of all
};

std::unique_ptr<rocksdb::FSWritableFile> LogChain::Begin(std::unique_ptr<rocksdb::FSWritableFile> file,
                                                         rocksdb::FileSystem& files, std::string directory) {
  const std::lock_guard lock(mutex_);
  auto log = std::make_unique<ChainedLog>(std::move(file), files, std::move(directory), std::move(last_));
  last_ = log->link();
  return log;
}

}  // namespace vedette::storage
