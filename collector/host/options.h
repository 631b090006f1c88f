// What the built-in host collector can be told. Filled by config/ from the `host:` section.
#pragma once

#include <map>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

/// Regular expressions are RE2, matched anywhere in the text as node_exporter does; an empty one excludes nothing.
struct HostOptions {
  /// Off: the host is not watched.
  bool enabled = true;
  /// Value of the `job` label of the host's series.
  std::string job = "node";
  /// How often the host is read. Zero: the global scrape interval.
  Millis scrape_interval{0};

  /// Where the kernel's trees are mounted; in a container usually below the host's root.
  std::string proc_path = "/proc";
  std::string sys_path = "/sys";
  std::string rootfs_path = "/";
  std::string udev_data_path = "/run/udev/data";

  /// Switches single collectors on or off, by name; one that is not named keeps its default.
  std::map<std::string, bool> collectors;

  std::string filesystem_mount_points_exclude =
      R"(^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/))";
  std::string filesystem_fs_types_exclude =
      "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|"
      "overlay|"
      "proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$";
  /// A file system that has not answered by then gets node_filesystem_device_error 1 and is left alone until it does.
  Millis filesystem_mount_timeout = std::chrono::seconds(5);
  std::string netdev_device_exclude = "^lo$";
  std::string netclass_ignored_devices;
  std::string diskstats_device_exclude = R"(^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$)";

  /// Errors: kBadData for an unknown collector, an expression that does not compile, an empty path or job.
  Status Validate() const;
};

}  // namespace vedette::collector
