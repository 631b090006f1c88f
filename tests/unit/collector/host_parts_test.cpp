// Each collector against a small tree of files with known numbers.
#include <sys/statvfs.h>

#include "collector/host/mount_guard.h"
#include "collector/host/text_format.h"
#include "tests/unit/collector/host_fixture.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kStat =
    "cpu  30 0 30 300 3 0 3 0 10 2\n"
    "cpu0 10 0 10 100 1 0 1 0 4 1\n"
    "cpu10 20 5 20 200 2 7 2 9 6 1\n"
    "intr 4711 1 2 3\nctxt 12345\nbtime 1700000000\nprocesses 99\nprocs_running 2\nprocs_blocked 1\nsoftirq 5 1\n";

bool Starts(const std::string& text, const std::string& start) { return text.compare(0, start.size(), start) == 0; }
bool Ends(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

TEST_CASE("label values are escaped and made valid UTF-8", "[host]") {
  TextFormat out;
  out.Family("a", "help", FamilyType::kGauge);
  out.Family("b", "help of b", FamilyType::kUntyped);
  out.Sample({{"l", "x\\y\"z\n\xc3\xa9\xff|\xe2\x82"}}, 0.5);
  out.Sample(1e300);
  const std::string want =
      "# HELP b help of b\n# TYPE b untyped\nb{l=\"x\\\\y\\\"z\\n\xc3\xa9\xef\xbf\xbd|\xef\xbf\xbd\"} "
      "0.5\nb 1e+300\n";
  CHECK(out.Take() == want);
}

TEST_CASE("cpu and stat come from one file", "[host]") {
  HostFixture host({"cpu", "stat"});
  host.Write("proc/stat", kStat);
  CHECK(host.Collect() ==
        R"(# HELP node_cpu_guest_seconds_total Seconds the CPUs spent in guests (VMs) for each mode.
# TYPE node_cpu_guest_seconds_total counter
node_cpu_guest_seconds_total{cpu="0",mode="user"} 0.04
node_cpu_guest_seconds_total{cpu="0",mode="nice"} 0.01
node_cpu_guest_seconds_total{cpu="10",mode="user"} 0.06
node_cpu_guest_seconds_total{cpu="10",mode="nice"} 0.01
# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="user"} 0.1
node_cpu_seconds_total{cpu="0",mode="nice"} 0
node_cpu_seconds_total{cpu="0",mode="system"} 0.1
node_cpu_seconds_total{cpu="0",mode="idle"} 1
node_cpu_seconds_total{cpu="0",mode="iowait"} 0.01
node_cpu_seconds_total{cpu="0",mode="irq"} 0
node_cpu_seconds_total{cpu="0",mode="softirq"} 0.01
node_cpu_seconds_total{cpu="0",mode="steal"} 0
node_cpu_seconds_total{cpu="10",mode="user"} 0.2
node_cpu_seconds_total{cpu="10",mode="nice"} 0.05
node_cpu_seconds_total{cpu="10",mode="system"} 0.2
node_cpu_seconds_total{cpu="10",mode="idle"} 2
node_cpu_seconds_total{cpu="10",mode="iowait"} 0.02
node_cpu_seconds_total{cpu="10",mode="irq"} 0.07
node_cpu_seconds_total{cpu="10",mode="softirq"} 0.02
node_cpu_seconds_total{cpu="10",mode="steal"} 0.09
# HELP node_intr_total Total number of interrupts serviced.
# TYPE node_intr_total counter
node_intr_total 4711
# HELP node_context_switches_total Total number of context switches.
# TYPE node_context_switches_total counter
node_context_switches_total 12345
# HELP node_boot_time_seconds Node boot time, in unixtime.
# TYPE node_boot_time_seconds gauge
node_boot_time_seconds 1700000000
# HELP node_forks_total Total number of forks.
# TYPE node_forks_total counter
node_forks_total 99
# HELP node_procs_running Number of processes in runnable state.
# TYPE node_procs_running gauge
node_procs_running 2
# HELP node_procs_blocked Number of processes blocked waiting for I/O to complete.
# TYPE node_procs_blocked gauge
node_procs_blocked 1
)");
}

TEST_CASE("cpu time never runs backwards unless the CPU was switched off", "[host]") {
  HostFixture host({"cpu"});
  const auto idle_after = [&](int idle, int iowait) {
    host.Write("proc/stat", fmt::format("cpu0 10 0 10 {} {} 0 1 0 0 0\n", idle, iowait));
    const std::string text = host.Collect();
    const std::size_t at = text.find("mode=\"idle\"} ");
    return text.substr(at + 13, text.find("mode=\"irq\"") - at - 13 - 32);
  };
  CHECK(idle_after(1000, 50).starts_with("10\n"));
  CHECK(idle_after(990, 40).starts_with("10\n"));  // jitter: kept
  CHECK(idle_after(1010, 60).starts_with("10.1\n"));
  CHECK(idle_after(5, 0).starts_with("0.05\n"));  // hot-plugged: anew
}

TEST_CASE("memory, load, pressure and single numbers keep their units", "[host]") {
  HostFixture host({"meminfo", "loadavg", "pressure", "filefd", "entropy", "vmstat"});
  host.Write("proc/meminfo", "MemTotal:  100 kB\nActive(anon):   2 kB\nHugePages_Total:       3\n");
  host.Write("proc/loadavg", "0.10 1.25 12.00 1/234 5678\n");
  host.Write("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n");
  for (const std::string name : {"io", "memory"}) {
    host.Write("proc/pressure/" + name,
               "some avg10=0.00 avg60=0.00 avg300=0.00 total=250000\nfull avg10=0 avg60=0 avg300=0 total=125\n");
  }
  host.Write("proc/sys/fs/file-nr", "640\t0\t9223372036854775807\n");
  host.Write("proc/sys/kernel/random/entropy_avail", "255\n");
  host.Write("proc/sys/kernel/random/poolsize", "256\n");
  host.Write("proc/vmstat", "nr_free_pages 5\npgpgin 6\npgfault 7\npgmajfault 8\npswpin 9\noom_kill 10\npgfree 11\n");
  CHECK(SamplesOf(host.Collect()) ==
        "node_entropy_available_bits 255\nnode_entropy_pool_size_bits 256\n"
        "node_filefd_allocated 640\nnode_filefd_maximum 9223372036854776000\n"
        "node_load1 0.1\nnode_load5 1.25\nnode_load15 12\n"
        "node_memory_MemTotal_bytes 102400\nnode_memory_Active_anon_bytes 2048\nnode_memory_HugePages_Total 3\n"
        "node_pressure_cpu_waiting_seconds_total 1.5\n"
        "node_pressure_io_waiting_seconds_total 0.25\nnode_pressure_io_stalled_seconds_total 0.000125\n"
        "node_pressure_memory_waiting_seconds_total 0.25\nnode_pressure_memory_stalled_seconds_total 0.000125\n"
        "node_vmstat_pgpgin 6\nnode_vmstat_pgfault 7\nnode_vmstat_pgmajfault 8\nnode_vmstat_pswpin 9\n"
        "node_vmstat_oom_kill 10\n");
  CHECK(host.last.find("# HELP node_memory_Active_anon_bytes Memory information field Active_anon_bytes.\n"
                       "# TYPE node_memory_Active_anon_bytes gauge\n") != std::string::npos);
}

TEST_CASE("disks: partitions are left out, old kernels have fewer columns, udev names the device", "[host]") {
  HostFixture host({"diskstats"});
  host.Write("proc/diskstats",
             " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n 8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n"
             " 254 0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n");
  host.Write("udev/b8:0", "S:disk/by-id/x\nE:ID_MODEL=Fast \"one\"\nE:ID_SERIAL_SHORT=S1\nE:ID_MODEL_ENC=no\n");
  const std::string samples = SamplesOf(host.Collect());
  CHECK(
      samples.starts_with("node_disk_info{device=\"sda\",major=\"8\",minor=\"0\",model=\"Fast "
                          "\\\"one\\\"\",path=\"\",revision=\"\",serial=\"S1\",wwn=\"\"} 1\n"
                          "node_disk_info{device=\"vda\",major=\"254\",minor=\"0\",model=\"\",path=\"\",revision=\"\","
                          "serial=\"\",wwn=\"\"} "
                          "1\n"
                          "node_disk_reads_completed_total{device=\"sda\"} 1\n"));
  CHECK(samples.find("node_disk_read_bytes_total{device=\"sda\"} 1536\n") != std::string::npos);
  CHECK(samples.find("node_disk_io_time_weighted_seconds_total{device=\"vda\"} 0.011\n") != std::string::npos);
  CHECK(samples.find("node_disk_flush_requests_time_seconds_total{device=\"vda\"} 0.017\n") != std::string::npos);
  CHECK(samples.find("node_disk_discards_completed_total{device=\"sda\"}") == std::string::npos);
  CHECK(samples.find("sda1") == std::string::npos);
}

TEST_CASE("network interfaces: counters and properties", "[host]") {
  HostFixture host({"netdev", "netclass"});
  host.Write("proc/net/dev",
             "Inter-|   Receive  |  Transmit\n face |bytes ...\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
             "eth0:1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  host.Write("sys/class/net/eth0:1/statistics/rx_nohandler", "17\n");
  host.Write("sys/class/net/eth0:1/operstate", "up\n");
  host.Write("sys/class/net/eth0:1/address", "02:00:00:00:00:01\n");
  host.Write("sys/class/net/eth0:1/flags", "0x1003\n");
  host.Write("sys/class/net/eth0:1/speed", "1000\n");
  host.Write("sys/class/net/eth0:1/mtu", "none of your business\n");
  host.Write("sys/class/net/bonding_masters", "bond0\n");
  const std::string samples = SamplesOf(host.Collect());
  CHECK(Starts(
      samples,
      "node_network_info{address=\"02:00:00:00:00:01\",broadcast=\"\",device=\"eth0:1\",duplex=\"\",ifalias=\"\","
      "operstate=\"up\"} 1\n"
      "node_network_up{device=\"eth0:1\"} 1\nnode_network_flags{device=\"eth0:1\"} 4099\n"
      "node_network_speed_bytes{device=\"eth0:1\"} 125000000\n"
      "node_network_receive_bytes_total{device=\"eth0:1\"} 1\n"));
  CHECK(
      samples.ends_with("node_network_transmit_compressed_total{device=\"eth0:1\"} 16\n"
                        "node_network_receive_nohandler_total{device=\"eth0:1\"} 17\n"));
}

TEST_CASE("protocol counters and tables", "[host]") {
  HostFixture host({"arp", "conntrack", "netstat", "schedstat", "sockstat", "softnet", "udp_queues"});
  host.Write("proc/net/arp", "IP address HW type Flags HW address Mask Device\n10.0.0.1 0x1 0x2 02:00 * eth0\n");
  host.Write("proc/sys/net/netfilter/nf_conntrack_count", "12\n");
  host.Write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
  host.Write("proc/net/stat/nf_conntrack",
             "entries  found invalid\n0000000c  00000001 0000000a\n0000000c  00000002 0\n");
  host.Write("proc/net/netstat", "TcpExt: SyncookiesSent Pruned ListenDrops\nTcpExt: 1 2 3\n");
  host.Write("proc/net/snmp", "Tcp: MaxConn InSegs CurrEstab\nTcp: -1 5 6\n");
  host.Write("proc/net/snmp6", "Ip6InOctets                   7\nIp6OutRequests 8\nUdp6InErrors 9\n");
  host.Write("proc/schedstat", "version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 2000000000 1500000000 33\ndomain0 3 1\n");
  host.Write("proc/net/sockstat", "sockets: used 18\nTCP: inuse 2 orphan 0\nUDP: inuse 1 mem 2\n");
  host.Write("proc/net/softnet_stat",
             "000000ff 1 2 0 0 0 0 0 0 0\n00000001 00000000 0 0 0 0 0 0 0 0 0 0 00000007 0 0\n");
  host.Write("proc/net/udp",
             "  sl  local_address rem_address   st tx_queue rx_queue tr\n"
             "  1: 00000000:0035 00000000:0000 07 00000010:000000FF 00:00000000 0\n"
             "  2: 00000000:0036 00000000:0000 07 00000001:00000001 00:00000000 0\n");
  const std::string page = std::to_string(2 * ::sysconf(_SC_PAGESIZE));
  CHECK(SamplesOf(host.Collect()) ==
        "node_arp_entries{device=\"eth0\"} 1\n"
        "node_nf_conntrack_entries 12\nnode_nf_conntrack_entries_limit 262144\n"
        "node_nf_conntrack_stat_found 3\nnode_nf_conntrack_stat_invalid 10\n"
        "node_netstat_TcpExt_SyncookiesSent 1\nnode_netstat_TcpExt_ListenDrops 3\n"
        "node_netstat_Tcp_InSegs 5\nnode_netstat_Tcp_CurrEstab 6\n"
        "node_netstat_Ip6_InOctets 7\nnode_netstat_Udp6_InErrors 9\n"
        "node_schedstat_running_seconds_total{cpu=\"0\"} 2\nnode_schedstat_waiting_seconds_total{cpu=\"0\"} 1.5\n"
        "node_schedstat_timeslices_total{cpu=\"0\"} 33\n"
        "node_sockstat_sockets_used 18\nnode_sockstat_TCP_inuse 2\nnode_sockstat_TCP_orphan 0\n"
        "node_sockstat_UDP_inuse 1\nnode_sockstat_UDP_mem 2\nnode_sockstat_UDP_mem_bytes " +
            page +
            "\n"
            "node_softnet_dropped_total{cpu=\"0\"} 1\nnode_softnet_dropped_total{cpu=\"7\"} 0\n"
            "node_softnet_processed_total{cpu=\"0\"} 255\nnode_softnet_processed_total{cpu=\"7\"} 1\n"
            "node_softnet_times_squeezed_total{cpu=\"0\"} 2\nnode_softnet_times_squeezed_total{cpu=\"7\"} 0\n"
            "node_udp_queues{ip=\"v4\",queue=\"rx\"} 256\nnode_udp_queues{ip=\"v4\",queue=\"tx\"} 17\n");
}

TEST_CASE("distribution, temperatures, clock", "[host]") {
  HostFixture host({"os", "thermal_zone", "time"});
  host.Write("root/usr/lib/os-release", "ID=demo\nNAME=\"Demo \\\"OS\\\"\"\nVERSION_ID='22.04.1'\n# VERSION=x\n");
  host.Write("sys/class/thermal/thermal_zone3/type", "acpi\n");
  host.Write("sys/class/thermal/thermal_zone3/temp", "48500\n");
  host.Write("sys/class/thermal/cooling_device0/type", "Fan\n");
  host.Write("sys/class/thermal/cooling_device0/cur_state", "1\n");
  host.Write("sys/class/thermal/cooling_device0/max_state", "4\n");
  host.Write("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet \n");
  host.Write("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
  host.clock.Jump(TimeMs(1'700'000'000'250));
  const std::string samples = SamplesOf(host.Collect());
  CHECK(Starts(
      samples,
      R"(node_os_info{build_id="",id="demo",id_like="",image_id="",image_version="",name="Demo \"OS\"",pretty_name="",variant="",variant_id="",version="",version_codename="",version_id="22.04.1"} 1
node_os_version{id="demo",id_like="",name="Demo \"OS\""} 22.04
node_thermal_zone_temp{zone="3",type="acpi"} 48.5
node_cooling_device_cur_state{name="0",type="Fan"} 1
node_cooling_device_max_state{name="0",type="Fan"} 4
node_time_seconds 1700000000.25
)"));
  CHECK(
      samples.ends_with("node_time_clocksource_available_info{clocksource=\"tsc\",device=\"0\"} 1\n"
                        "node_time_clocksource_available_info{clocksource=\"hpet\",device=\"0\"} 1\n"
                        "node_time_clocksource_current_info{clocksource=\"tsc\",device=\"0\"} 1\n"));
}

TEST_CASE("file systems: excluded ones are left out, odd names are unescaped, dead ones are errors", "[host]") {
  HostFixture host({"filesystem"});
  host.options.rootfs_path = host.dir.path();
  const std::string root = host.dir.path();
  std::filesystem::create_directory(host.dir.path() / "my data");
  host.Write("proc/1/mounts", "proc " + root + "/proc proc rw 0 0\n" +                        //
                                  "/dev/a " + root + "/my\\040data ext4 ro,relatime 0 0\n" +  //
                                  "/dev/a " + root + "/my\\040data ext4 ro,relatime 0 0\n" +  //
                                  "/dev/b " + root + "/gone xfs rw 0 0\n" +                   //
                                  "o " + root + "/x overlay rw 0 0\n");
  const std::string samples = SamplesOf(host.Collect());
  struct statvfs raw {};
  REQUIRE(::statvfs(root.c_str(), &raw) == 0);
  const std::string data = R"({device="/dev/a",fstype="ext4",mountpoint="/my data"} )";
  CHECK(samples.find(fmt::format("node_filesystem_size_bytes{}{}\n", data, raw.f_blocks * raw.f_frsize)) !=
        std::string::npos);
  CHECK(samples.find("node_filesystem_readonly" + data + "1\n") != std::string::npos);
  CHECK(Ends(samples, "node_filesystem_device_error" + data + "0\n" +
                          R"(node_filesystem_device_error{device="/dev/b",fstype="xfs",mountpoint="/gone"} 1)" + "\n"));
  CHECK(samples.find("overlay") == std::string::npos);
  CHECK(samples.find("/proc") == std::string::npos);
}

TEST_CASE("a file system that hangs is skipped until it answers, the others go on", "[host]") {
  std::mutex gate;
  std::unique_lock closed(gate);
  std::atomic<int> asked = 0;
  const auto stat = [&](const std::string& path) -> std::optional<FileSystemStats> {
    if (path == "/hangs") {
      ++asked;
      const std::lock_guard wait(gate);
      return FileSystemStats{1};
    }
    return FileSystemStats{2};
  };
  MountGuard guard(std::chrono::seconds(60), stat);
  CHECK(guard.Ask({"/a", "/b"}).at(1)->size == 2);
  MountGuard hasty(Millis(20), stat);
  for (int round = 0; round < 3; ++round) {
    const auto answers = hasty.Ask({"/hangs", "/b"});
    CHECK(!answers[0]);
    CHECK(asked == 1);
  }
  closed.unlock();
  // The stuck call returns; from some reading on the path is asked again.
  while (!hasty.Ask({"/hangs"})[0]) std::this_thread::yield();
  CHECK(asked >= 2);
}

TEST_CASE("missing, empty, cut and garbled files fail their collector and nothing else", "[host]") {
  const std::initializer_list<std::string_view> kAll{"arp",     "conntrack",  "cpu",        "diskstats", "entropy",
                                                     "filefd",  "filesystem", "loadavg",    "meminfo",   "netclass",
                                                     "netdev",  "netstat",    "pressure",   "schedstat", "sockstat",
                                                     "softnet", "stat",       "udp_queues", "vmstat"};
  const std::string garbage = GENERATE(as<std::string>(), "", "\n\n", "x", "cpu", "cpu0 1 2", "a b c d e f\n1 2 3\n",
                                       "cpu0 1 2 3 4 5 6 7 99999999999999999999999 9 10\nctxt -\n",
                                       std::string("\0\xff\xfe:\n:\n", 6), std::string(100'000, 'z'));
  HostFixture host(kAll);
  for (const char* name :
       {"stat", "diskstats", "net/dev", "meminfo", "loadavg", "net/arp", "net/netstat", "net/snmp", "net/snmp6",
        "net/sockstat", "net/softnet_stat", "net/udp", "schedstat", "mounts", "pressure/cpu", "sys/fs/file-nr",
        "sys/kernel/random/entropy_avail", "sys/net/netfilter/nf_conntrack_count"}) {
    host.Write(std::string("proc/") + name, garbage);
  }
  const std::string samples = SamplesOf(host.Collect());
  // Empty tables are fine (no disks, no sockets); what always has content is not.
  CHECK(samples.empty());
  for (const char* name : {"cpu", "stat", "meminfo", "loadavg", "netdev", "netclass", "entropy", "filefd", "pressure",
                           "conntrack", "vmstat"}) {
    INFO(name);
    CHECK(!host.Succeeded(name));
  }
  // And it recovers by itself.
  host.Write("proc/loadavg", "1 2 3 4/5 6\n");
  CHECK(SamplesOf(host.Collect()) == "node_load1 1\nnode_load5 2\nnode_load15 3\n");
  CHECK(host.Succeeded("loadavg"));
}

TEST_CASE("options that make no sense are refused by name", "[host]") {
  const auto problem = [](const auto& change) {
    HostOptions options;
    change(options);
    const Status status = options.Validate();
    return status ? std::string() : status.error().message;
  };
  CHECK(problem([](HostOptions&) {}).empty());
  CHECK(problem([](HostOptions& o) { o.collectors["cpuu"] = true; }) ==
        "host.collectors: there is no collector 'cpuu'");
  CHECK(problem([](HostOptions& o) { o.netdev_device_exclude = "("; }).starts_with("host.netdev_device_exclude"));
  CHECK(problem([](HostOptions& o) { o.filesystem_mount_timeout = Millis(0); }).find("positive") != std::string::npos);
  CHECK(problem([](HostOptions& o) { o.proc_path.clear(); }).find("proc_path") != std::string::npos);
}

}  // namespace
}  // namespace vedette::collector
