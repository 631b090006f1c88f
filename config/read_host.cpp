// `host:`: the built-in collector of this machine's metrics.
#include "config/sections.h"

namespace vedette::config {
namespace {

using collector::HostOptions;

constexpr Field<HostOptions> kHostFields[] = {
    {"enabled", Set<&HostOptions::enabled>},
    {"job", Set<&HostOptions::job>},
    {"scrape_interval", Set<&HostOptions::scrape_interval>},
    {"proc_path", Set<&HostOptions::proc_path>},
    {"sys_path", Set<&HostOptions::sys_path>},
    {"rootfs_path", Set<&HostOptions::rootfs_path>},
    {"udev_data_path", Set<&HostOptions::udev_data_path>},
    {"collectors", Set<&HostOptions::collectors>},
    {"filesystem_mount_points_exclude", Set<&HostOptions::filesystem_mount_points_exclude>},
    {"filesystem_fs_types_exclude", Set<&HostOptions::filesystem_fs_types_exclude>},
    {"filesystem_mount_timeout", Set<&HostOptions::filesystem_mount_timeout>},
    {"netdev_device_exclude", Set<&HostOptions::netdev_device_exclude>},
    {"netdev_device_include", Set<&HostOptions::netdev_device_include>},
    {"netclass_ignored_devices", Set<&HostOptions::netclass_ignored_devices>},
    {"netclass_ignore_invalid_speed", Set<&HostOptions::netclass_ignore_invalid_speed>},
    {"arp_device_exclude", Set<&HostOptions::arp_device_exclude>},
    {"arp_device_include", Set<&HostOptions::arp_device_include>},
    {"diskstats_device_exclude", Set<&HostOptions::diskstats_device_exclude>},
    {"diskstats_device_include", Set<&HostOptions::diskstats_device_include>},
    {"netstat_fields", Set<&HostOptions::netstat_fields>},
    {"vmstat_fields", Set<&HostOptions::vmstat_fields>},
    {"powersupply_ignored", Set<&HostOptions::powersupply_ignored>},
    {"tapestats_ignored_devices", Set<&HostOptions::tapestats_ignored_devices>},
    {"cpu_guest", Set<&HostOptions::cpu_guest>},
    {"cpu_info", Set<&HostOptions::cpu_info>},
    {"stat_softirq", Set<&HostOptions::stat_softirq>},
    {"rapl_zone_label", Set<&HostOptions::rapl_zone_label>},
    {"bcache_priority_stats", Set<&HostOptions::bcache_priority_stats>},
    {"ipvs_backend_labels", Set<&HostOptions::ipvs_backend_labels>},
    {"textfile_directory", Set<&HostOptions::textfile_directory>},
    {"systemd_unit_include", Set<&HostOptions::systemd_unit_include>},
    {"systemd_unit_exclude", Set<&HostOptions::systemd_unit_exclude>},
    {"systemd_private_path", Set<&HostOptions::systemd_private_path>},
    {"systemd_bus_path", Set<&HostOptions::systemd_bus_path>},
    {"cgroup_max_depth", Set<&HostOptions::cgroup_max_depth>},
    {"cgroup_max_groups", Set<&HostOptions::cgroup_max_groups>},
    {"cgroup_exclude", Set<&HostOptions::cgroup_exclude>},
    {"cgroup_include", Set<&HostOptions::cgroup_include>},
    {"process_top_groups", Set<&HostOptions::process_top_groups>},
    {"filesystem_mount_points_include", Set<&HostOptions::filesystem_mount_points_include>},
    {"filesystem_fs_types_include", Set<&HostOptions::filesystem_fs_types_include>},
};

/// An include takes the place of the exclude that is there by default; together with one that the file gives it is
/// refused.
struct HostPair {
  std::string_view include, exclude;
  std::string HostOptions::*excluded;
};
constexpr HostPair kHostPairs[] = {
    {"netdev_device_include", "netdev_device_exclude", &HostOptions::netdev_device_exclude},
    {"diskstats_device_include", "diskstats_device_exclude", &HostOptions::diskstats_device_exclude},
    {"filesystem_mount_points_include", "filesystem_mount_points_exclude",
     &HostOptions::filesystem_mount_points_exclude},
    {"filesystem_fs_types_include", "filesystem_fs_types_exclude", &HostOptions::filesystem_fs_types_exclude},
};

}  // namespace

Status ReadHost(const YamlNode& node, HostOptions& out) {
  out.enabled = true;  // a `host:` section without keys switches it on
  VEDETTE_CHECK(ReadFields<HostOptions>(node, kHostFields, out, "host"));
  for (const HostPair& pair : kHostPairs) {
    const auto include = node.Get(pair.include);
    if (include && !include->text().empty() && !node.Has(pair.exclude)) (out.*pair.excluded).clear();
  }
  if (const Status valid = out.Validate(); !valid) return node.At(valid.error().message);
  return Ok();
}

}  // namespace vedette::config
