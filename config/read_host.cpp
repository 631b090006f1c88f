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
    {"netclass_ignored_devices", Set<&HostOptions::netclass_ignored_devices>},
    {"diskstats_device_exclude", Set<&HostOptions::diskstats_device_exclude>},
};

}  // namespace

Status ReadHost(const YamlNode& node, HostOptions& out) {
  out.enabled = true;  // a `host:` section without keys switches it on
  VEDETTE_CHECK(ReadFields<HostOptions>(node, kHostFields, out, "host"));
  if (const Status valid = out.Validate(); !valid) return node.At(valid.error().message);
  return Ok();
}

}  // namespace vedette::config
