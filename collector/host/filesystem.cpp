// filesystem: size, free space and inodes of what is mounted.
#include <array>
#include <set>
#include <tuple>
#include <vector>

#include "collector/host/fields.h"
#include "collector/host/mount_guard.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

struct Mount {
  std::string device, mount_point, fs_type;
  bool readonly = false;
  bool operator<(const Mount& other) const {
    return std::tie(device, mount_point, fs_type) < std::tie(other.device, other.mount_point, other.fs_type);
  }
};

/// The kernel writes blanks, tabs, line breaks and backslashes as three octal digits: "\040".
std::string Unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3) && text[i + 1] <= '3') {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool HasOption(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t end = std::min(options.find(','), options.size());
    if (options.substr(0, end) == wanted) return true;
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  return false;
}

class FilesystemPart final : public HostPart {
 public:
  FilesystemPart(HostContext& context, DeviceFilter mounts, DeviceFilter types)
      : first_(context.Proc("1/mounts")),
        own_(context.Proc("mounts")),
        root_(context.options.rootfs_path),
        wanted_mounts_(std::move(mounts)),
        wanted_types_(std::move(types)),
        guard_(context.options.filesystem_mount_timeout) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_CHECK(FindMounts());
    std::vector<std::string> paths;
    for (const Mount& mount : mounts_) paths.push_back(root_ == "/" ? mount.mount_point : root_ + mount.mount_point);
    Write(guard_.Ask(paths), out);
    return Ok();
  }

 private:
  /// The mounts of process 1 are those of the machine, also when this process sees fewer.
  Result<std::string_view> MountTable() {
    auto text = first_.Read();
    return text ? std::move(text) : own_.Read();
  }

  Status FindMounts() {
    VEDETTE_TRY(std::string_view text, MountTable());
    mounts_.clear();
    while (const auto line = NextLine(text)) {
      if (line->empty()) continue;
      SplitFields(*line, fields_);
      if (fields_.size() < 4) return Fail(Code::kBadData, "short line '{}' in the mount table", *line);
      Mount mount{Unescaped(fields_[0]), InRoot(Unescaped(fields_[1])), std::string(fields_[2]),
                  HasOption(fields_[3], "ro")};
      if (!wanted_mounts_.Wanted(mount.mount_point) || !wanted_types_.Wanted(mount.fs_type)) continue;
      mounts_.insert(std::move(mount));
    }
    return Ok();
  }

  /// With a root of "/host", "/host/data" is the host's "/data".
  std::string InRoot(std::string mount_point) const {
    if (root_ == "/" || !mount_point.starts_with(root_)) return mount_point;
    std::string inner = mount_point.substr(root_.size());
    return inner.empty() ? "/" : inner;
  }

  void Write(const std::vector<std::optional<FileSystemStats>>& answers, TextFormat& out) const {
    struct Gauge {
      MetricText metric;
      double FileSystemStats::*value;
    };
    static constexpr std::array<Gauge, 5> kGauges{{
        {{"node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."},
         &FileSystemStats::avail},
        {{"node_filesystem_files", "Filesystem total file nodes."}, &FileSystemStats::files},
        {{"node_filesystem_files_free", "Filesystem total free file nodes."}, &FileSystemStats::files_free},
        {{"node_filesystem_free_bytes", "Filesystem free space in bytes."}, &FileSystemStats::free},
        {{"node_filesystem_size_bytes", "Filesystem size in bytes."}, &FileSystemStats::size},
    }};
    for (const Gauge& gauge : kGauges) {
      out.Family(gauge.metric);
      ForEach(answers, [&](const Mount& mount, const std::optional<FileSystemStats>& stats) {
        if (stats) Sample(mount, (*stats).*gauge.value, out);
      });
    }
    out.Family("node_filesystem_readonly", "Filesystem read-only status.", FamilyType::kGauge);
    ForEach(answers, [&](const Mount& mount, const std::optional<FileSystemStats>& stats) {
      if (stats) Sample(mount, mount.readonly ? 1 : 0, out);
    });
    out.Family("node_filesystem_device_error",
               "Whether an error occurred while getting statistics for the given device.", FamilyType::kGauge);
    ForEach(answers, [&](const Mount& mount, const std::optional<FileSystemStats>& stats) {
      Sample(mount, stats ? 0 : 1, out);
    });
  }

  template <class Function>
  void ForEach(const std::vector<std::optional<FileSystemStats>>& answers, const Function& function) const {
    auto answer = answers.begin();
    for (const Mount& mount : mounts_) function(mount, *answer++);
  }

  static void Sample(const Mount& mount, double value, TextFormat& out) {
    out.Sample({{"device", mount.device}, {"fstype", mount.fs_type}, {"mountpoint", mount.mount_point}}, value);
  }

  HostFile first_, own_;
  std::string root_;
  DeviceFilter wanted_mounts_, wanted_types_;
  MountGuard guard_;
  std::vector<std::string_view> fields_;
  std::set<Mount> mounts_;  // the same thing mounted twice on one place is one series
};

}  // namespace

HostPartResult MakeFilesystemPart(HostContext& context) {
  const HostOptions& options = context.options;
  VEDETTE_TRY(DeviceFilter mounts,
              DeviceFilter::Compile("host.filesystem_mount_points", options.filesystem_mount_points_exclude,
                                    options.filesystem_mount_points_include));
  VEDETTE_TRY(DeviceFilter types, DeviceFilter::Compile("host.filesystem_fs_types", options.filesystem_fs_types_exclude,
                                                        options.filesystem_fs_types_include));
  return HostPartResult(std::make_unique<FilesystemPart>(context, std::move(mounts), std::move(types)));
}

}  // namespace vedette::collector
