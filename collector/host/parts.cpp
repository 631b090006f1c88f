#include "collector/host/parts.h"

#include <algorithm>
#include <array>

#include "collector/host/fields.h"
#include "collector/host/host_collector.h"

namespace vedette::collector {
namespace {

constexpr auto kParts = std::to_array<HostPartSpec>({
    // name         default  factory                help
    {"arp", true, MakeArpPart, "entries of the ARP table by device"},
    {"conntrack", true, MakeConntrackPart, "connection tracking: entries, limit and failures"},
    {"cpu", true, MakeCpuPart, "seconds each CPU spent in each mode"},
    {"diskstats", true, MakeDiskstatsPart, "block devices: operations, bytes and time"},
    {"entropy", true, MakeEntropyPart, "bits of available entropy"},
    {"filefd", true, MakeFilefdPart, "open file descriptors of the machine"},
    {"filesystem", true, MakeFilesystemPart, "size and free space of mounted file systems"},
    {"loadavg", true, MakeLoadavgPart, "load averages"},
    {"meminfo", true, MakeMeminfoPart, "memory by use"},
    {"netclass", true, MakeNetclassPart, "network interfaces: state, speed, MTU and other properties"},
    {"netdev", true, MakeNetdevPart, "network interfaces: bytes, packets, errors and drops"},
    {"netstat", true, MakeNetstatPart, "counters of the IP, TCP, UDP and ICMP layers"},
    {"os", true, MakeOsPart, "name and version of the distribution"},
    {"pressure", true, MakePressurePart, "time lost waiting for CPU, memory and I/O"},
    {"schedstat", true, MakeSchedstatPart, "scheduler: running and waiting time by CPU"},
    {"sockstat", true, MakeSockstatPart, "sockets in use by protocol"},
    {"softnet", true, MakeSoftnetPart, "packets processed and dropped by each CPU"},
    {"stat", true, MakeStatPart, "boot time, context switches, forks, interrupts, running and blocked processes"},
    {"thermal_zone", true, MakeThermalZonePart, "temperatures and cooling devices"},
    {"time", true, MakeTimePart, "system time, time zone and clock sources"},
    {"timex", true, MakeTimexPart, "state of the kernel's clock synchronisation"},
    {"udp_queues", true, MakeUdpQueuesPart, "bytes waiting in UDP sockets"},
    {"uname", true, MakeUnamePart, "kernel, machine and host name"},
    {"vmstat", true, MakeVmstatPart, "paging, faults and out-of-memory kills"},
});
static_assert(std::ranges::adjacent_find(kParts, std::ranges::greater_equal{}, &HostPartSpec::name) == kParts.end(),
              "sorted by name, each name once");

Status CheckPattern(std::string_view option, const std::string& pattern) {
  const auto filter = NameFilter::Compile(pattern);
  if (!filter) return Annotate(option, filter.error());
  return Ok();
}

}  // namespace

std::span<const HostPartSpec> HostParts() { return kParts; }

std::vector<HostCollectorInfo> HostCollectors() {
  std::vector<HostCollectorInfo> infos;
  for (const HostPartSpec& part : kParts) infos.push_back({part.name, part.on_by_default, part.help});
  return infos;
}

Result<std::string_view> HostContext::ProcStat() {
  if (!stat_text_) {
    VEDETTE_TRY(stat_text_, stat_.Read());
  }
  return *stat_text_;
}

Status HostOptions::Validate() const {
  for (const auto& [name, on] : collectors) {
    if (std::ranges::find(kParts, name, &HostPartSpec::name) == kParts.end()) {
      return Fail(Code::kBadData, "host.collectors: there is no collector '{}'", name);
    }
  }
  if (job.empty()) return Fail(Code::kBadData, "host.job is empty");
  if (proc_path.empty() || sys_path.empty() || rootfs_path.empty()) {
    return Fail(Code::kBadData, "host: proc_path, sys_path and rootfs_path must not be empty");
  }
  if (scrape_interval.count() < 0) return Fail(Code::kBadData, "host.scrape_interval is negative");
  if (filesystem_mount_timeout.count() <= 0) {
    return Fail(Code::kBadData, "host.filesystem_mount_timeout must be positive");
  }
  VEDETTE_CHECK(CheckPattern("host.filesystem_mount_points_exclude", filesystem_mount_points_exclude));
  VEDETTE_CHECK(CheckPattern("host.filesystem_fs_types_exclude", filesystem_fs_types_exclude));
  VEDETTE_CHECK(CheckPattern("host.netdev_device_exclude", netdev_device_exclude));
  VEDETTE_CHECK(CheckPattern("host.netclass_ignored_devices", netclass_ignored_devices));
  VEDETTE_CHECK(CheckPattern("host.diskstats_device_exclude", diskstats_device_exclude));
  return Ok();
}

}  // namespace vedette::collector
