// What the built-in host collector can be told. Filled by config/ from the `host:` section.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

/// Regular expressions are RE2, matched anywhere in the text as node_exporter does; an empty one excludes nothing. Of
/// an
/// `_exclude` and an `_include` of one kind only one may be set; an include that is set leaves only what it finds.
/// Names and defaults are those of node_exporter's flags, with underscores: --collector.arp.device-include is
/// arp_device_include.
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
  std::string filesystem_mount_points_include, filesystem_fs_types_include;
  /// A file system that has not answered by then gets node_filesystem_device_error 1 and is left alone until it does.
  Millis filesystem_mount_timeout = std::chrono::seconds(5);
  std::string netdev_device_exclude = "^lo$";
  std::string netdev_device_include;
  std::string netclass_ignored_devices;
  /// No node_network_speed_bytes for a device whose speed is negative.
  bool netclass_ignore_invalid_speed = false;
  std::string arp_device_exclude, arp_device_include;
  std::string diskstats_device_exclude = R"(^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$)";
  std::string diskstats_device_include;
  std::string netstat_fields =
      "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|"
      "Syncookies.*|TCPSynRetrans|TCPTimeouts)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|"
      "CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$";
  std::string vmstat_fields = "^(oom_kill|pgpg|pswp|pg.*fault).*";
  std::string powersupply_ignored = "^$";
  std::string tapestats_ignored_devices = "^$";
  /// node_cpu_guest_seconds_total; node_cpu_info.
  bool cpu_guest = true, cpu_info = false;
  /// node_softirqs_total.
  bool stat_softirq = false;
  /// One family with the label rapl_zone instead of one family per zone.
  bool rapl_zone_label = false;
  bool bcache_priority_stats = false;
  /// Backends that differ only in labels that are not named are summed.
  std::vector<std::string> ipvs_backend_labels{"local_address", "local_port", "remote_address",
                                               "remote_port",   "proto",      "local_mark"};
  /// Where textfile finds *.prom files; may be a glob pattern. Empty: nowhere.
  std::string textfile_directory;

  /// systemd: both must agree.
  std::string systemd_unit_include = ".+";
  std::string systemd_unit_exclude = R"(.+\.(automount|device|mount|scope|slice))";
  /// systemd itself, for root; else the bus.
  std::string systemd_private_path = "/run/systemd/private";
  std::string systemd_bus_path = "/run/dbus/system_bus_socket";

  /// cgroup: how deep and how many; those near the root come first.
  int cgroup_max_depth = 3;
  std::size_t cgroup_max_groups = 200;
  std::string cgroup_exclude, cgroup_include;

  /// process_top: how many names of programs are shown for each of CPU time, memory and I/O.
  std::size_t process_top_groups = 10;

  /// Errors: kBadData for an unknown collector, an expression that does not compile, an empty path or job.
  Status Validate() const;
};

}  // namespace vedette::collector
