#include "storage/rocks/careful_files.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <rocksdb/file_system.h>

#include "core/log.h"
#include "storage/rocks/database.h"
#include "storage/rocks/log_chain.h"
#include "storage/rocks/log_records.h"

namespace vedette::storage {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr std::string_view kManifestPrefix = "MANIFEST-";
/// RocksDB does not know the name and leaves such files alone.
constexpr std::string_view kCopyPrefix = "copy-of-";
/// Of a read of a file that was written a moment ago: what fails once is no damage.
constexpr int kPatientTries = 3;

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string CopyName(const std::string& path) {
  const std::string base = BaseName(path);
  return path.substr(0, path.size() - base.size()) + std::string(kCopyPrefix) + base;
}
bool IsManifest(const std::string& path) { return BaseName(path).starts_with(kManifestPrefix); }

/// Whether the files that the manifest on the disk names are those that RocksDB thinks it names. After a failed write
/// of a manifest they may be more: RocksDB deletes a file that it failed to take in, a restart would miss it.
class ManifestDoubt {
 public:
  void Begin() { doubtful_ = true; }
  void Installing(std::string directory) {
    const std::lock_guard lock(mutex_);
    doubtful_ = true;
    installing_ = std::move(directory);
  }
  /// The names in `directory` are on the medium.
  void Synced(const std::string& directory) {
    const std::lock_guard lock(mutex_);
    if (installing_ != directory) return;
    installing_.clear();
    doubtful_ = false;
  }
  bool doubtful() const { return doubtful_; }

 private:
  std::atomic<bool> doubtful_{false};
  std::mutex mutex_;
  std::string installing_;  // a new manifest was named in this directory, which is not synced
};

std::string DirectoryOf(const std::string& path) {
  return path.substr(0, path.find_last_not_of('/', path.rfind('/')) + 1);
}

class WatchedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  WatchedDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, const std::string& path,
                   std::shared_ptr<ManifestDoubt> doubt)
      : FSDirectoryWrapper(std::move(directory)),
        path_(path.substr(0, path.find_last_not_of('/') + 1)),
        doubt_(std::move(doubt)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Note(FSDirectoryWrapper::Fsync(options, debug));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& why) override {
    return Note(FSDirectoryWrapper::FsyncWithDirOptions(options, debug, why));
  }

 private:
  IOStatus Note(IOStatus synced) {
    if (synced.ok()) doubt_->Synced(path_);
    return synced;
  }

  const std::string path_;
  const std::shared_ptr<ManifestDoubt> doubt_;
};

class PatientFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  using FSRandomAccessFileOwnerWrapper::FSRandomAccessFileOwnerWrapper;
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& options, rocksdb::Slice* result, char* scratch,
                IODebugContext* debug) const override {
    IOStatus status;
    for (int i = 0; i < kPatientTries; ++i) {
      status = FSRandomAccessFileOwnerWrapper::Read(offset, n, options, result, scratch, debug);
      if (status.ok()) break;
    }
    return status;
  }
};

/// A log or manifest as RocksDB may safely read it. It reads from the front, block by block.
class FramedFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  using FSSequentialFileOwnerWrapper::FSSequentialFileOwnerWrapper;
  IOStatus Read(std::size_t n, const IOOptions& options, rocksdb::Slice* result, char* scratch,
                IODebugContext* debug) override {
    IOStatus status = FSSequentialFileOwnerWrapper::Read(n, options, result, scratch, debug);
    if (!status.ok()) return status;
    if (at_ % kLogBlockBytes == 0 && !result->empty()) {
      if (result->data() != scratch) std::memmove(scratch, result->data(), result->size());
      *result = rocksdb::Slice(scratch, result->size());
      MendRecycledFragments({scratch, result->size()});
    }
    at_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return FSSequentialFileOwnerWrapper::Skip(n);
  }

 private:
  std::uint64_t at_ = 0;
};

/// A manifest and its copy. The copy is never ahead, and behind only by what no sync has covered. When it cannot be
/// written it ends there: less is guarded, nothing is wrong. Used under RocksDB's own lock.
class TwinFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  TwinFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::unique_ptr<rocksdb::FSWritableFile> copy,
           std::shared_ptr<ManifestDoubt> doubt)
      : FSWritableFileOwnerWrapper(std::move(file)), copy_(std::move(copy)), doubt_(std::move(doubt)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Note(data, FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return Note(data, FSWritableFileOwnerWrapper::Append(data, options, info, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return CopyAfter(FSWritableFileOwnerWrapper::Sync(options, debug), options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return CopyAfter(FSWritableFileOwnerWrapper::Fsync(options, debug), options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    if (copy_) (void)copy_->Close(options, debug);
    copy_.reset();
    return FSWritableFileOwnerWrapper::Close(options, debug);
  }

 private:
  IOStatus Note(const rocksdb::Slice& data, IOStatus written) {
    if (!written.ok()) GiveUp();
    if (copy_) pending_.append(data.data(), data.size());
    return written;
  }
  IOStatus CopyAfter(IOStatus synced, const IOOptions& options, IODebugContext* debug) {
    if (!synced.ok()) GiveUp();
    if (copy_ && !pending_.empty()) {
      IOStatus copied = copy_->Append(pending_, options, debug);
      if (copied.ok()) copied = copy_->Sync(options, debug);
      if (!copied.ok()) copy_.reset();
    }
    pending_.clear();
    return synced;
  }

  /// RocksDB goes on with a new manifest, if at all.
  void GiveUp() {
    copy_.reset();
    doubt_->Begin();
  }

  std::unique_ptr<rocksdb::FSWritableFile> copy_;
  const std::shared_ptr<ManifestDoubt> doubt_;
  std::string pending_;  // appended, not synced
};

class CarefulFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  CarefulFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base, std::string data_path)
      : FileSystemWrapper(base), db_path_(data_path + "/db"), ingest_path_(data_path + "/ingest/") {}
  const char* Name() const override { return "CarefulFileSystem"; }

  IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out, IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::NewSequentialFile(path, options, out, debug);
    if (status.ok() && (IsManifest(path) || path.ends_with(".log"))) {
      *out = std::make_unique<FramedFile>(std::move(*out));
    }
    return status;
  }

  IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out, IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, out, debug);
    if (status.ok() && path.starts_with(ingest_path_)) *out = std::make_unique<PatientFile>(std::move(*out));
    return status;
  }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* out, IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::NewWritableFile(path, options, out, debug);
    if (status.ok() && path.ends_with(".log") && DirectoryOf(path) == db_path_) {
      *out = logs_.Begin(std::move(*out), *this, db_path_);
    }
    if (!status.ok() || !IsManifest(path)) return status;
    std::unique_ptr<rocksdb::FSWritableFile> copy;
    if (!FileSystemWrapper::NewWritableFile(CopyName(path), options, &copy, debug).ok()) copy.reset();
    *out = std::make_unique<TwinFile>(std::move(*out), std::move(copy), doubt_);
    return status;
  }

  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    if (BaseName(to) != "CURRENT") return FileSystemWrapper::RenameFile(from, to, options, debug);
    // The directory is synced behind the rename: both names get to the medium together.
    std::string content;
    const bool read = rocksdb::ReadFileToString(this, from, &content).ok();
    doubt_->Installing(DirectoryOf(to));
    IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
    doubt_->Installing(DirectoryOf(to));  // again: the directory may have been synced in between
    if (status.ok() && read) CopyCurrent(to, content, options, debug);
    return status;
  }

  IOStatus NewDirectory(const std::string& path, const IOOptions& options, std::unique_ptr<rocksdb::FSDirectory>* out,
                        IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::NewDirectory(path, options, out, debug);
    if (status.ok()) *out = std::make_unique<WatchedDirectory>(std::move(*out), path, doubt_);
    return status;
  }

  /// RocksDB 7.8 may take the manifest in use for an old one after a failure. A table that is spared goes at the next
  /// start, when no manifest names it.
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    if (path.ends_with(".sst") && !path.starts_with(ingest_path_) && doubt_->doubtful()) return IOStatus::OK();
    if (!IsManifest(path)) return FileSystemWrapper::DeleteFile(path, options, debug);
    const std::string base = BaseName(path);
    std::string current;
    const std::string name_file = path.substr(0, path.size() - base.size()) + "CURRENT";
    if (rocksdb::ReadFileToString(this, name_file, &current).ok() && current == base + "\n") return IOStatus::OK();
    IOStatus status = FileSystemWrapper::DeleteFile(path, options, debug);
    if (status.ok()) (void)FileSystemWrapper::DeleteFile(CopyName(path), options, debug);
    return status;
  }

 private:
  void CopyCurrent(const std::string& path, const std::string& content, const IOOptions& options,
                   IODebugContext* debug) {
    const std::string copy = CopyName(path), part = copy + ".part";
    std::unique_ptr<rocksdb::FSWritableFile> file;
    IOStatus status = FileSystemWrapper::NewWritableFile(part, rocksdb::FileOptions(), &file, debug);
    if (status.ok()) status = file->Append(content, options, debug);
    if (status.ok()) status = file->Sync(options, debug);
    if (status.ok()) status = file->Close(options, debug);
    if (status.ok()) status = FileSystemWrapper::RenameFile(part, copy, options, debug);
    // A copy that says something old is worse than none.
    if (!status.ok()) (void)FileSystemWrapper::DeleteFile(copy, options, debug);
  }

  const std::string db_path_, ingest_path_;
  LogChain logs_;
  const std::shared_ptr<ManifestDoubt> doubt_ = std::make_shared<ManifestDoubt>();
};

/// The manifest that a CURRENT file names; nothing when it cannot be right.
std::optional<std::string> NamedManifest(const std::string& content) {
  if (!content.starts_with(kManifestPrefix) || content.back() != '\n') return std::nullopt;
  const std::string_view number = std::string_view(content).substr(kManifestPrefix.size());
  const bool digits =
      std::ranges::all_of(number.substr(0, number.size() - 1), [](char c) { return c >= '0' && c <= '9'; });
  if (number.size() < 2 || !digits) return std::nullopt;
  return content.substr(0, content.size() - 1);
}

/// Nothing: there is no such file.
Result<std::optional<std::string>> Content(rocksdb::Env& env, const std::string& path) {
  std::string out;
  const rocksdb::Status status = rocksdb::ReadFileToString(&env, path, &out);
  if (status.ok()) return std::optional(std::move(out));
  if (status.IsNotFound() || status.IsPathNotFound()) return std::optional<std::string>();
  return ToError(status, "read of " + path);
}

Status Replace(rocksdb::Env& env, const std::string& directory, const std::string& name, const std::string& content) {
  const std::string target = directory + "/" + name, part = directory + "/" + std::string(kCopyPrefix) + "mended.part";
  rocksdb::Status status = rocksdb::WriteStringToFile(&env, content, part, true);
  if (status.ok()) status = env.RenameFile(part, target);
  std::unique_ptr<rocksdb::Directory> names;
  if (status.ok()) status = env.NewDirectory(directory, &names);
  if (status.ok()) status = names->Fsync();
  if (!status.ok()) return ToError(status, "cannot mend " + target);
  return Ok();
}

std::string CopyIn(const std::string& path, const std::string& name) {
  return path + "/" + std::string(kCopyPrefix) + name;
}

/// Which manifest is meant, mending CURRENT when it names one that cannot be.
Result<std::optional<std::string>> MendCurrent(rocksdb::Env& env, const std::string& path) {
  const auto usable = [&](const std::optional<std::string>& text) -> std::optional<std::string> {
    const auto named = text && !text->empty() ? NamedManifest(*text) : std::nullopt;
    const bool there = named && (env.FileExists(path + "/" + *named).ok() || env.FileExists(CopyIn(path, *named)).ok());
    return there ? named : std::nullopt;
  };
  VEDETTE_TRY(const std::optional<std::string> content, Content(env, path + "/CURRENT"));
  VEDETTE_TRY(const std::optional<std::string> copied, Content(env, CopyIn(path, "CURRENT")));
  const auto current = usable(content), copy = usable(copied);
  // A newer manifest holds all that the older one does; its number may have more digits.
  const auto newer = [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) > std::pair(b.size(), b);
  };
  if (!copy || (current && !newer(*copy, *current))) return current;
  LogError("storage", "the file CURRENT is missing or damaged and is mended from its copy",
           {{"path", path}, {"manifest", *copy}});
  VEDETTE_CHECK(Replace(env, path, "CURRENT", *copy + "\n"));
  return copy;
}

/// Copies of manifests that are gone.
void DropOldCopies(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  if (!env.GetChildren(path, &names).ok()) return;
  for (const std::string& name : names) {
    if (!name.starts_with(kCopyPrefix)) continue;
    const std::string original = name.substr(kCopyPrefix.size());
    if (original != "CURRENT" && std::ranges::find(names, original) == names.end()) {
      (void)env.DeleteFile(path + "/" + name);
    }
  }
}

}  // namespace

std::unique_ptr<rocksdb::Env> NewCarefulEnv(const rocksdb::Env& base, const std::string& data_path) {
  return rocksdb::NewCompositeEnv(std::make_shared<CarefulFileSystem>(base.GetFileSystem(), data_path));
}

Status MendManifest(rocksdb::Env& env, const std::string& path) {
  VEDETTE_TRY(const std::optional<std::string> name, MendCurrent(env, path));
  if (!name) return Ok();
  VEDETTE_TRY(const std::optional<std::string> copy, Content(env, CopyIn(path, *name)));
  VEDETTE_TRY(const std::optional<std::string> content, Content(env, path + "/" + *name));
  const std::string manifest = content.value_or("");
  LogSummary read;
  SummarizeMore(manifest, read);
  const std::size_t copied = copy ? WholeFragments(*copy) : 0;
  if (read.whole < copied) {
    // Both were the same up to where the copy ends.
    std::string mended = copy->substr(0, copied);
    if (manifest.size() > copied) mended += manifest.substr(copied);
    LogError("storage", "the manifest is missing or damaged and is mended from its copy",
             {{"path", path + "/" + *name}, {"damaged_at", read.whole}});
    VEDETTE_CHECK(Replace(env, path, *name, mended));
  } else if (copied > 0 && read.whole < read.size && !read.followed) {
    // Of a write that no sync has covered, else the copy had it. RocksDB takes it for damage when it is long enough.
    LogWarn("storage", "the end of the manifest is torn by a power cut and left out",
            {{"path", path + "/" + *name}, {"torn_at", read.whole}});
    VEDETTE_CHECK(Replace(env, path, *name, manifest.substr(0, read.whole)));
  }
  DropOldCopies(env, path);
  return Ok();
}

}  // namespace vedette::storage
