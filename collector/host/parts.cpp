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
    {"bcache", true, MakeBcachePart, "caches of block devices"},
    {"bonding", true, MakeBondingPart, "bonded network interfaces: links configured and up"},
    {"btrfs", true, MakeBtrfsPart, "Btrfs file systems: how space is allocated"},
    {"buddyinfo", false, MakeBuddyinfoPart, "free blocks of memory by size"},
    {"cgroup", false, MakeCgroupPart,
     "units and containers: CPU, memory, I/O, processes and pressure of each control group"},
    {"cgroups", false, MakeCgroupsPart, "control groups by controller"},
    {"conntrack", true, MakeConntrackPart, "connection tracking: entries, limit and failures"},
    {"cpu", true, MakeCpuPart, "seconds each CPU spent in each mode"},
    {"cpufreq", true, MakeCpufreqPart, "frequencies of the CPUs"},
    {"diskstats", true, MakeDiskstatsPart, "block devices: operations, bytes and time"},
    {"dmi", true, MakeDmiPart, "maker, model and firmware of the machine"},
    {"edac", true, MakeEdacPart, "errors of the memory that were corrected or not"},
    {"entropy", true, MakeEntropyPart, "bits of available entropy"},
    {"fibrechannel", true, MakeFibrechannelPart, "Fibre Channel ports"},
    {"filefd", true, MakeFilefdPart, "open file descriptors of the machine"},
    {"filesystem", true, MakeFilesystemPart, "size and free space of mounted file systems"},
    {"hwmon", true, MakeHwmonPart, "temperatures, fans, voltages and other sensors"},
    {"infiniband", true, MakeInfinibandPart, "InfiniBand ports"},
    {"interrupts", false, MakeInterruptsPart, "interrupts by CPU and source"},
    {"ipvs", true, MakeIpvsPart, "the kernel's load balancer"},
    {"ksmd", false, MakeKsmdPart, "pages of memory that are merged"},
    {"loadavg", true, MakeLoadavgPart, "load averages"},
    {"mdadm", true, MakeMdadmPart, "software RAID: disks and state of each array"},
    {"meminfo", true, MakeMeminfoPart, "memory by use"},
    {"netclass", true, MakeNetclassPart, "network interfaces: state, speed, MTU and other properties"},
    {"netdev", true, MakeNetdevPart, "network interfaces: bytes, packets, errors and drops"},
    {"netstat", true, MakeNetstatPart, "counters of the IP, TCP, UDP and ICMP layers"},
    {"nfs", true, MakeNfsPart, "calls of the NFS client"},
    {"nfsd", true, MakeNfsdPart, "calls of the NFS server"},
    {"nvme", true, MakeNvmePart, "NVMe devices: model and firmware"},
    {"os", true, MakeOsPart, "name and version of the distribution"},
    {"powersupplyclass", true, MakePowerSupplyPart, "batteries and mains"},
    {"pressure", true, MakePressurePart, "time lost waiting for CPU, memory and I/O"},
    {"process_top", false, MakeProcessTopPart, "the programs that use most CPU time, memory and I/O"},
    {"processes", false, MakeProcessesPart, "processes and threads by state"},
    {"rapl", true, MakeRaplPart, "energy used by parts of the CPU"},
    {"schedstat", true, MakeSchedstatPart, "scheduler: running and waiting time by CPU"},
    {"selinux", true, MakeSelinuxPart, "state of SELinux"},
    {"sockstat", true, MakeSockstatPart, "sockets in use by protocol"},
    {"softnet", true, MakeSoftnetPart, "packets processed and dropped by each CPU"},
    {"stat", true, MakeStatPart, "boot time, context switches, forks, interrupts, running and blocked processes"},
    {"systemd", false, MakeSystemdPart, "states of the units of systemd"},
    {"tapestats", true, MakeTapestatsPart, "tape drives: operations, bytes and time"},
    {"textfile", true, MakeTextfilePart, "*.prom files of a directory"},
    {"thermal_zone", true, MakeThermalZonePart, "temperatures and cooling devices"},
    {"time", true, MakeTimePart, "system time, time zone and clock sources"},
    {"timex", true, MakeTimexPart, "state of the kernel's clock synchronisation"},
    {"udp_queues", true, MakeUdpQueuesPart, "bytes waiting in UDP sockets"},
    {"uname", true, MakeUnamePart, "kernel, machine and host name"},
    {"vmstat", true, MakeVmstatPart, "paging, faults and out-of-memory kills"},
    {"xfs", true, MakeXfsPart, "operations of XFS file systems"},
    {"zfs", true, MakeZfsPart, "caches, pools and datasets of ZFS"},
});
static_assert(std::ranges::adjacent_find(kParts, std::ranges::greater_equal{}, &HostPartSpec::name) == kParts.end(),
              "sorted by name, each name once");

constexpr std::array<std::string_view, 6> kIpvsLabels{"local_address", "local_mark",     "local_port",
                                                      "proto",         "remote_address", "remote_port"};

Status CheckPatterns(const HostOptions& options) {
  struct Pattern {
    std::string_view option;
    const std::string& pattern;
  };
  for (const Pattern& item : std::initializer_list<Pattern>{
           {"netclass_ignored_devices", options.netclass_ignored_devices},
           {"netstat_fields", options.netstat_fields},
           {"vmstat_fields", options.vmstat_fields},
           {"powersupply_ignored", options.powersupply_ignored},
           {"tapestats_ignored_devices", options.tapestats_ignored_devices},
           {"systemd_unit_include", options.systemd_unit_include},
           {"systemd_unit_exclude", options.systemd_unit_exclude},
       }) {
    const auto filter = NameFilter::Compile(item.pattern);
    if (!filter) return Annotate(fmt::format("host.{}", item.option), filter.error());
  }
  struct Pair {
    std::string_view option;
    const std::string &exclude, &include;
  };
  for (const Pair& item : std::initializer_list<Pair>{
           {"arp_device", options.arp_device_exclude, options.arp_device_include},
           {"cgroup", options.cgroup_exclude, options.cgroup_include},
           {"diskstats_device", options.diskstats_device_exclude, options.diskstats_device_include},
           {"filesystem_fs_types", options.filesystem_fs_types_exclude, options.filesystem_fs_types_include},
           {"filesystem_mount_points", options.filesystem_mount_points_exclude,
            options.filesystem_mount_points_include},
           {"netdev_device", options.netdev_device_exclude, options.netdev_device_include},
       }) {
    VEDETTE_CHECK(DeviceFilter::Compile(fmt::format("host.{}", item.option), item.exclude, item.include));
  }
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
  VEDETTE_CHECK(CheckPatterns(*this));
  for (const std::string& label : ipvs_backend_labels) {
    if (std::ranges::find(kIpvsLabels, label) == kIpvsLabels.end()) {
      return Fail(Code::kBadData, "host.ipvs_backend_labels: there is no label '{}'", label);
    }
  }
  if (cgroup_max_depth < 1) return Fail(Code::kBadData, "host.cgroup_max_depth must be positive");
  return Ok();
}

}  // namespace vedette::collector
