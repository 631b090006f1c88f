// The files of one file_sd_config: which there are, what changed, what is in them. Without timers, so that tests decide
// when to look.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/discovery/discovery.h"
#include "core/result.h"

namespace vedette::collector {

/// Each file is YAML or JSON, `[{"targets": [...], "labels": {...}}, ...]`; every group gets __meta_filepath.
/// One thread at a time.
class TargetFiles {
 public:
  explicit TargetFiles(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

  struct Outcome {
    bool changed = false;  // groups() is not what it was
    std::size_t failures = 0;
  };
  /// Looks at all files and reads those whose time, size or inode changed, or all when `reread`. Files that are gone
  /// take their targets with them; unreadable ones keep theirs.
  Outcome Look(bool reread);

  /// Of all files, ordered by path.
  std::vector<TargetGroup> groups() const;

 private:
  struct Stamp {
    std::int64_t seconds = 0, nanoseconds = 0;
    std::uint64_t size = 0, inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct File {
    Stamp stamp;
    std::vector<TargetGroup> groups;
  };
  std::vector<std::string> Paths() const;

  std::vector<std::string> patterns_;
  std::map<std::string, File> files_;
};

}  // namespace vedette::collector
