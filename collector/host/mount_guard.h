// statvfs that cannot hang the caller: a file system on a dead NFS server or a stuck FUSE process blocks whoever asks,
// uninterruptibly. The asking is done by a helper thread that is left behind when it does not come back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace vedette::collector {

/// Sizes in bytes, files in inodes.
struct FileSystemStats {
  double size = 0, free = 0, avail = 0, files = 0, files_free = 0;
};

/// Asks the operating system; nothing when it refuses.
std::optional<FileSystemStats> StatFileSystem(const std::string& path);

/// One thread at a time.
class MountGuard {
 public:
  using StatFunction = std::function<std::optional<FileSystemStats>(const std::string&)>;
  /// `timeout`: how long one path may take.
  explicit MountGuard(Millis timeout, StatFunction stat = StatFileSystem);
  ~MountGuard();

  /// Answers in the order of `paths`; nothing for a path that is refused or does not answer. A path that has hung is
  /// not asked again before its call has returned, so at most one thread is stuck per path.
  std::vector<std::optional<FileSystemStats>> Ask(const std::vector<std::string>& paths);

 private:
  struct Helper;
  bool AskOne(const std::string& path, std::optional<FileSystemStats>& answer);

  Millis timeout_;
  StatFunction stat_;
  std::shared_ptr<Helper> helper_;
  std::vector<std::shared_ptr<Helper>> stuck_;
};

}  // namespace vedette::collector
