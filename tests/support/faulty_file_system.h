// A file system in memory for RocksDB that forgets, tears and breaks: power cuts, failing and lying disks.
//
// It keeps apart what a program wrote and what reached the medium. The contents of a file reach it by Sync(), the names
// in a directory by a sync of the directory; before that they are at the mercy of the power. Kill() stops the world in
// the middle of an operation: from then on everything fails, as for a process that is gone. Restart() brings it back
// with what survived. Faults make single operations fail or lie. All chance comes from the seed; with several threads
// the order of their operations is theirs.
//
// Directories are made as they are named and are never lost. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace vedette::test {

enum class FileOp : std::uint8_t { kAny, kCreate, kWrite, kSync, kRename, kDelete, kRead };
enum class FileKind : std::uint8_t { kAny, kLog, kTable, kManifest, kDirectory, kOther };
std::string_view NameOf(FileOp op);
std::string_view NameOf(FileKind kind);

/// Which operations are meant.
struct FilePattern {
  FileOp op = FileOp::kAny;
  FileKind kind = FileKind::kAny;
};

/// The n-th operation of `where` from now (0: the next) and the following ones, `times` in all.
struct Fault {
  enum class Problem : std::uint8_t { kIoError, kNoSpace, kFlippedBit };
  FilePattern where;
  std::uint64_t after = 0;
  std::uint64_t times = 1;
  Problem problem = Problem::kIoError;  // kFlippedBit: reads and writes only, which succeed
};

/// What Restart() finds. kPower: synced contents and names, and of the rest what chance left, torn at any byte.
enum class Loss : std::uint8_t { kNothing, kPower };

class FaultyFileSystem final : public rocksdb::FileSystem {
 public:
  explicit FaultyFileSystem(std::uint64_t seed);
  ~FaultyFileSystem() override;

  /// An Env on this file system, which it keeps alive.
  static std::unique_ptr<rocksdb::Env> NewEnv(std::shared_ptr<FaultyFileSystem> files);

  // --- Crashes.
  /// The world stops in the n-th operation of `where` from now: whether and how much of it happened is chance. Reads
  /// do not count, and go on succeeding: they leave no trace, and a process that is gone does not see them fail.
  void KillAt(FilePattern where, std::uint64_t after);
  void Kill();
  bool dead() const;
  /// Files opened before stay unusable. Faults and a planned Kill are forgotten.
  void Restart(Loss loss);

  // --- A disk in trouble.
  void Inject(const Fault& fault);
  /// How many operations met a fault since the last Inject().
  std::uint64_t hits() const;
  void Heal();
  /// Writes beyond so many bytes in all files fail, in part, for want of space. 0: no end.
  void set_capacity(std::uint64_t bytes);
  std::uint64_t free_bytes() const;

  // --- Damage at rest.
  std::vector<std::string> Paths() const;
  std::uint64_t SizeOf(const std::string& path) const;
  void FlipBit(const std::string& path, std::uint64_t bit);
  void Remove(const std::string& path);
  void RemoveDirectory(const std::string& path);
  /// A copy of everything, with its own chance.
  std::shared_ptr<FaultyFileSystem> Clone(std::uint64_t seed) const;
  /// Writes all files below `directory` of the real file system: to look at them, or to open them with other programs.
  bool Export(const std::string& directory) const;

  // --- rocksdb::FileSystem.
  using Options = rocksdb::FileOptions;
  using IO = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  const char* Name() const override { return "FaultyFileSystem"; }
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const Options&,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* out, Debug*) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const Options&,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* out, Debug*) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const Options&,
                                    std::unique_ptr<rocksdb::FSWritableFile>* out, Debug*) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const Options&,
                                       std::unique_ptr<rocksdb::FSWritableFile>* out, Debug*) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const Options&,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* out, Debug*) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const IO&, std::unique_ptr<rocksdb::FSDirectory>* out,
                                 Debug*) override;
  rocksdb::IOStatus FileExists(const std::string& path, const IO&, Debug*) override;
  rocksdb::IOStatus GetChildren(const std::string& path, const IO&, std::vector<std::string>* out, Debug*) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const IO&, Debug*) override;
  rocksdb::IOStatus Truncate(const std::string& path, std::size_t size, const IO&, Debug*) override;
  rocksdb::IOStatus CreateDir(const std::string& path, const IO&, Debug*) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const IO&, Debug*) override;
  rocksdb::IOStatus DeleteDir(const std::string& path, const IO&, Debug*) override;
  rocksdb::IOStatus GetFileSize(const std::string& path, const IO&, std::uint64_t* out, Debug*) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& path, const IO&, std::uint64_t* out, Debug*) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const IO&, Debug*) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const IO&, Debug*) override;
  rocksdb::IOStatus NumFileLinks(const std::string& path, const IO&, std::uint64_t* out, Debug*) override;
  rocksdb::IOStatus AreFilesSame(const std::string& a, const std::string& b, const IO&, bool* out, Debug*) override;
  rocksdb::IOStatus LockFile(const std::string& path, const IO&, rocksdb::FileLock** out, Debug*) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const IO&, Debug*) override;
  rocksdb::IOStatus GetTestDirectory(const IO&, std::string* out, Debug*) override;
  rocksdb::IOStatus NewLogger(const std::string& path, const IO&, std::shared_ptr<rocksdb::Logger>* out,
                              Debug*) override;
  rocksdb::IOStatus GetAbsolutePath(const std::string& path, const IO&, std::string* out, Debug*) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const IO&, std::uint64_t* out, Debug*) override;
  rocksdb::IOStatus IsDirectory(const std::string& path, const IO&, bool* out, Debug*) override;

 private:
  friend class OpenFile;
  struct Inode;
  using InodePtr = std::shared_ptr<Inode>;
  using Entries = std::map<std::string, InodePtr>;  // by path
  /// A change of names that the directory of `path` has not synced. `inode` empty: the name goes.
  struct NameChange {
    std::string path, from;  // `from`: also goes (a rename)
    InodePtr inode;
  };
  enum class Verdict : std::uint8_t { kGood, kFails, kNoSpace, kFlips, kDies, kDead };

  Verdict Judge(FileOp op, FileKind kind);
  static rocksdb::IOStatus ToStatus(Verdict verdict, std::string_view what);
  static bool OutlivesDeath(Verdict verdict, FileKind kind);
  std::uint64_t Chance(std::uint64_t below) { return below == 0 ? 0 : random_() % below; }
  void Change(NameChange change);
  static void ApplyTo(Entries& entries, const NameChange& change);
  void ForgetNames();
  void ForgetContents(Inode& inode);
  std::uint64_t UsedBytes() const;
  rocksdb::IOStatus Open(const std::string& path, bool truncate, InodePtr& out);
  rocksdb::IOStatus Append(Inode& inode, FileKind kind, const rocksdb::Slice& data);
  rocksdb::IOStatus WriteAt(Inode& inode, FileKind kind, std::uint64_t offset, const rocksdb::Slice& data);
  rocksdb::IOStatus ReadAt(const Inode& inode, FileKind kind, std::uint64_t offset, std::size_t n,
                           rocksdb::Slice* result, char* scratch);
  rocksdb::IOStatus Sync(Inode& inode, FileKind kind);
  rocksdb::IOStatus SyncDirectory(const std::string& path);
  rocksdb::IOStatus RenameDirectory(const std::string& from, const std::string& to);

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  Entries entries_;                                                // as the program sees it
  Entries durable_;                                                // as the medium has it
  std::map<std::string, std::vector<NameChange>> unsynced_names_;  // by directory, in order
  std::set<std::string> directories_, locks_;
  std::vector<Fault> faults_;
  std::uint64_t hits_ = 0;
  FilePattern kill_at_;
  std::uint64_t kill_after_ = 0;
  bool kill_planned_ = false, dead_ = false;
  std::uint64_t life_ = 0;  // counts restarts
  std::uint64_t capacity_ = 0;
};

}  // namespace vedette::test
