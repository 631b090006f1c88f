// Any bytes in every file that the host collector reads: no crash, no hang, and text that is valid UTF-8.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "collector/host/host_collector.h"
#include "core/labels.h"

namespace {

/// A tree in which every file is a link to one file.
struct Tree {
  Tree() {
    std::string pattern = (std::filesystem::temp_directory_path() / "host_fuzz_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    root = pattern;
    input = root / "input";
    for (const char* name : {"proc/1/mounts",
                             "proc/diskstats",
                             "proc/loadavg",
                             "proc/meminfo",
                             "proc/net/arp",
                             "proc/net/dev",
                             "proc/net/netstat",
                             "proc/net/snmp",
                             "proc/net/snmp6",
                             "proc/net/sockstat",
                             "proc/net/softnet_stat",
                             "proc/buddyinfo",
                             "proc/cgroups",
                             "proc/interrupts",
                             "proc/mdstat",
                             "proc/net/ip_vs",
                             "proc/net/ip_vs_stats",
                             "proc/net/rpc/nfs",
                             "proc/net/rpc/nfsd",
                             "proc/net/stat/nf_conntrack",
                             "proc/7/stat",
                             "proc/7/io",
                             "proc/cpuinfo",
                             "proc/spl/kstat/zfs/arcstats",
                             "proc/spl/kstat/zfs/pool/io",
                             "proc/spl/kstat/zfs/pool/objset-0x1",
                             "proc/spl/kstat/zfs/pool/state",
                             "proc/net/udp",
                             "proc/pressure/cpu",
                             "proc/schedstat",
                             "proc/stat",
                             "proc/sys/fs/file-nr",
                             "proc/vmstat",
                             "root/etc/os-release",
                             "sys/class/net/a/speed",
                             "sys/class/hwmon/hwmon0/name",
                             "sys/class/hwmon/hwmon0/temp1_input",
                             "sys/class/hwmon/hwmon0/temp1_label",
                             "sys/class/infiniband/a/ports/1/state",
                             "sys/class/infiniband/a/ports/1/rate",
                             "sys/class/net/a/ifalias",
                             "sys/class/net/bonding_masters",
                             "sys/class/power_supply/a/type",
                             "sys/class/powercap/a/name",
                             "sys/class/powercap/a/energy_uj",
                             "sys/devices/system/cpu/isolated",
                             "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
                             "sys/fs/bcache/a-b/bdev0/writeback_rate_debug",
                             "sys/fs/bcache/a-b/bdev0/dirty_data",
                             "sys/fs/btrfs/a-b/allocation/data/raid5/total_bytes",
                             "sys/fs/cgroup/cgroup.controllers",
                             "sys/fs/cgroup/a/cpu.stat",
                             "sys/fs/cgroup/a/io.stat",
                             "sys/fs/cgroup/a/cpu.pressure",
                             "sys/fs/xfs/a/stats/stats",
                             "text/a.prom",
                             "sys/class/thermal/thermal_zone0/type",
                             "sys/class/thermal/thermal_zone0/temp",
                             "sys/devices/system/clocksource/clocksource0/available_clocksource"}) {
      std::filesystem::create_directories((root / name).parent_path());
      std::filesystem::create_symlink(input, root / name);
    }
  }
  ~Tree() { std::filesystem::remove_all(root); }
  std::filesystem::path root, input;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const Tree tree;
  std::ofstream(tree.input, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<long>(size));
  vedette::collector::HostOptions options;
  options.proc_path = tree.root / "proc";
  options.sys_path = tree.root / "sys";
  options.rootfs_path = tree.root / "root";
  options.cpu_info = options.stat_softirq = options.bcache_priority_stats = true;
  options.textfile_directory = tree.root / "text";
  for (const char* name : {"buddyinfo", "cgroup", "cgroups", "interrupts", "process_top", "processes"}) {
    options.collectors[name] = true;
  }
  const auto host = vedette::collector::HostCollector::Open(options, vedette::SystemClock());
  if (!host) std::abort();
  for (int reading = 0; reading < 2; ++reading) {
    if (!vedette::IsValidUtf8((*host)->Collect())) std::abort();
  }
  return 0;
}
