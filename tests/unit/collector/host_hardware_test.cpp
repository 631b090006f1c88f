// Collectors of hardware and services that few machines have, each against a small tree of files with known numbers.
#include "tests/unit/collector/host_fixture.h"

namespace vedette::collector {
namespace {

bool Has(const std::string& text, const std::string& line) { return text.find(line + "\n") != std::string::npos; }

TEST_CASE("hwmon: units by type, names from the device, labels", "[host]") {
  HostFixture host({"hwmon"});
  const std::string chip = "sys/devices/platform/coretemp.0/hwmon/hwmon3/";
  host.Write(chip + "name", "coretemp\n");
  host.Write(chip + "temp1_input", "55000\n");
  host.Write(chip + "temp1_crit_alarm", "1\n");
  host.Write(chip + "temp1_label", "Package \xff\xfe id\n");
  host.Write(chip + "fan2_input", "1200\n");
  host.Write(chip + "fan2_pulses", "2\n");
  host.Write(chip + "in0_min", "712\n");
  host.Write(chip + "in0_alarm", "0\n");
  host.Write(chip + "in0_beep", "1\n");
  host.Write(chip + "power1_average", "3500000\n");
  host.Write(chip + "power1_average_interval", "1000\n");
  host.Write(chip + "energy1_input", "2500000\n");
  host.Write(chip + "beep_enable", "1\n");
  host.Write(chip + "update_interval", "1000\n");
  host.Write(chip + "uevent", "x\n");
  host.Write(chip + "curr99999999999999999999_input", "1\n");
  host.Write("sys/class/hwmon/none", "");
  std::filesystem::create_directory_symlink("../../devices/platform/coretemp.0/hwmon/hwmon3",
                                            host.dir.Sub("sys/class/hwmon/hwmon3"));
  std::filesystem::create_directory_symlink("../..", host.dir.Sub(chip + "device"));
  const std::string samples = SamplesOf(host.Collect());
  const std::string at = "{chip=\"platform_coretemp_0\",sensor=\"";
  CHECK(Has(samples, "node_hwmon_chip_names{chip=\"platform_coretemp_0\",chip_name=\"coretemp\"} 1"));
  CHECK(Has(samples, "node_hwmon_temp_celsius" + at + "temp1\"} 55"));
  CHECK(Has(samples, "node_hwmon_temp_crit_alarm_celsius" + at + "temp1\"} 0.001"));
  CHECK(Has(samples, "node_hwmon_fan_rpm" + at + "fan2\"} 1200"));
  CHECK(Has(samples, "node_hwmon_fan_pulses" + at + "fan2\"} 2"));
  CHECK(Has(samples, "node_hwmon_in_min_volts" + at + "in0\"} 0.712"));
  CHECK(Has(samples, "node_hwmon_in_alarm" + at + "in0\"} 0"));
  CHECK(Has(samples, "node_hwmon_in_beep_enabled" + at + "in0\"} 1"));
  CHECK(Has(samples, "node_hwmon_power_average_watt" + at + "power1\"} 3.5"));
  CHECK(Has(samples, "node_hwmon_power_average_interval_seconds" + at + "power1\"} 1"));
  CHECK(Has(samples, "node_hwmon_energy_joule_total" + at + "energy1\"} 2.5"));
  CHECK(Has(samples, "node_hwmon_beep_enabled" + at + "beep_enable0\"} 1"));
  CHECK(Has(samples, "node_hwmon_update_interval_seconds" + at + "update_interval0\"} 1"));
  CHECK(Has(samples,
            "node_hwmon_sensor_label{chip=\"platform_coretemp_0\",label=\"Package \xef\xbf\xbd id\","
            "sensor=\"temp1\"} 1"));
  CHECK(samples.find("curr") == std::string::npos);
  CHECK(host.last.find("# HELP node_hwmon_temp_celsius Hardware monitor for temperature (input)\n") !=
        std::string::npos);
}

TEST_CASE("mdadm: arrays that are whole, degraded, rebuilding, delayed and inactive", "[host]") {
  HostFixture host({"mdadm"});
  host.Write("proc/mdstat",
             "Personalities : [raid1] [raid6]\n"
             "md0 : active raid1 sdb1[1] sda1[0]\n      248896 blocks [2/2] [UU]\n\n"
             "md1 : active raid6 sda[0] sdb[1](F) sdc[2](S)\n      1000 blocks level 6, 64k chunk [4/2] [U__U]\n"
             "      [=>......]  recovery = 16.7% (167/1000) finish=17.0min speed=259783K/sec\n"
             "      bitmap: 0/30 pages [0KB], 65536KB chunk\n\n"
             "md2 : active raid1 sdb1[1] sda1[0]\n      77 blocks [2/2] [UU]\n        resync=DELAYED\n\n"
             "md3 : inactive sda[0](S)\n      55 blocks\n\n"
             "md4 : active raid0 sda[0] sdb[1]\n      99 blocks 64k chunks\n\n"
             "unused devices: <none>\n");
  const std::string samples = SamplesOf(host.Collect());
  CHECK(Has(samples, "node_md_disks{device=\"md0\",state=\"active\"} 2"));
  CHECK(Has(samples, "node_md_blocks_synced{device=\"md0\"} 248896"));
  CHECK(Has(samples, "node_md_disks{device=\"md1\",state=\"failed\"} 1"));
  CHECK(Has(samples, "node_md_disks{device=\"md1\",state=\"spare\"} 1"));
  CHECK(Has(samples, "node_md_disks_required{device=\"md1\"} 4"));
  CHECK(Has(samples, "node_md_blocks_synced{device=\"md1\"} 167"));
  CHECK(Has(samples, "node_md_state{device=\"md1\",state=\"recovering\"} 1"));
  CHECK(Has(samples, "node_md_state{device=\"md1\",state=\"active\"} 0"));
  CHECK(Has(samples, "node_md_state{device=\"md2\",state=\"resync\"} 1"));
  CHECK(Has(samples, "node_md_blocks_synced{device=\"md2\"} 0"));
  CHECK(Has(samples, "node_md_state{device=\"md3\",state=\"inactive\"} 1"));
  CHECK(Has(samples, "node_md_disks{device=\"md4\",state=\"active\"} 2"));
  host.Write("proc/mdstat", "md0 : active raid1 sdb1[1]\n      many blocks [2/2] [UU]\n");
  CHECK(host.Collect().empty());
  CHECK(!host.Succeeded("mdadm"));
}

TEST_CASE("bonds, memory controllers, NVMe, tapes, SELinux and the maker", "[host]") {
  HostFixture host({"bonding", "edac", "nvme", "tapestats", "selinux", "dmi"});
  host.Write("sys/class/net/bonding_masters", "bond0\n");
  host.Write("sys/class/net/bond0/bonding/slaves", "eth0 eth4\n");
  host.Write("sys/class/net/bond0/lower_eth0/bonding_slave/mii_status", "up\n");
  host.Write("sys/class/net/bond0/slave_eth4/bonding_slave/mii_status", "down\n");
  const std::string mc = "sys/devices/system/edac/mc/mc0/";
  for (const auto& [file, text] : {std::pair("ce_count", "1\n"),
                                   {"ue_count", "5\n"},
                                   {"ce_noinfo_count", "2\n"},
                                   {"ue_noinfo_count", "6\n"},
                                   {"csrow0/ce_count", "3\n"},
                                   {"csrow0/ue_count", "4\n"}}) {
    host.Write(mc + file, text);
  }
  host.Write("sys/class/nvme/nvme0/model", "Fast one   \n");
  host.Write("sys/class/nvme/nvme0/state", "live\n");
  host.Write("sys/class/scsi_tape/st0/stats/io_ns", "1500000000\n");
  host.Write("sys/class/scsi_tape/nst0/stats/io_ns", "1500000000\n");
  host.Write("sys/fs/selinux/enforce", "0");
  host.Write("root/etc/selinux/config", "# comment\nSELINUX=enforcing\n");
  host.Write("sys/class/dmi/id/sys_vendor", "Maker Inc.\n");
  host.Write("sys/class/dmi/id/bios_date", "04/12/2021\n");
  CHECK(SamplesOf(host.Collect()) ==
        "node_bonding_active{master=\"bond0\"} 1\nnode_bonding_slaves{master=\"bond0\"} 2\n"
        "node_dmi_info{bios_date=\"04/12/2021\",system_vendor=\"Maker Inc.\"} 1\n"
        "node_edac_correctable_errors_total{controller=\"0\"} 1\n"
        "node_edac_csrow_correctable_errors_total{controller=\"0\",csrow=\"unknown\"} 2\n"
        "node_edac_csrow_correctable_errors_total{controller=\"0\",csrow=\"0\"} 3\n"
        "node_edac_csrow_uncorrectable_errors_total{controller=\"0\",csrow=\"unknown\"} 6\n"
        "node_edac_csrow_uncorrectable_errors_total{controller=\"0\",csrow=\"0\"} 4\n"
        "node_edac_uncorrectable_errors_total{controller=\"0\"} 5\n"
        "node_nvme_info{device=\"nvme0\",firmware_revision=\"\",model=\"Fast one\",serial=\"\",state=\"live\"} 1\n"
        "node_selinux_enabled 1\nnode_selinux_config_mode 1\nnode_selinux_current_mode 0\n"
        "node_tape_io_time_seconds_total{device=\"st0\"} 1.5\n");
}

TEST_CASE("power supplies and energy", "[host]") {
  HostFixture host({"powersupplyclass", "rapl"});
  host.Write("sys/class/power_supply/BAT0/type", "Battery\n");
  host.Write("sys/class/power_supply/BAT0/capacity", "81\n");
  host.Write("sys/class/power_supply/BAT0/energy_now", "36580000\n");
  host.Write("sys/class/power_supply/BAT0/temp", "305\n");
  host.Write("sys/class/power_supply/BAT0/voltage_now", "unknown\n");
  for (const auto& [zone, name] :
       {std::pair("intel-rapl:0", "package-1"), {"intel-rapl:0:0", "core"}, {"intel-rapl:1:0", "core"}}) {
    host.Write(fmt::format("sys/class/powercap/{}/name", zone), fmt::format("{}\n", name));
    host.Write(fmt::format("sys/class/powercap/{}/energy_uj", zone), "1500000\n");
  }
  const std::string path = host.dir.Sub("sys") + "/class/powercap/intel-rapl:";
  CHECK(SamplesOf(host.Collect()) ==
        "node_power_supply_capacity{power_supply=\"BAT0\"} 81\n"
        "node_power_supply_energy_watthour{power_supply=\"BAT0\"} 36.58\n"
        "node_power_supply_info{power_supply=\"BAT0\",type=\"Battery\"} 1\n"
        "node_power_supply_temp_celsius{power_supply=\"BAT0\"} 30.5\n"
        "node_rapl_core_joules_total{index=\"0\",path=\"" +
            path +
            "0:0\"} 1.5\n"
            "node_rapl_core_joules_total{index=\"1\",path=\"" +
            path +
            "1:0\"} 1.5\n"
            "node_rapl_package_joules_total{index=\"1\",path=\"" +
            path + "0\"} 1.5\n");
}

TEST_CASE("file systems that count for themselves", "[host]") {
  HostFixture host({"btrfs", "bcache", "xfs", "zfs"});
  const std::string btrfs = "sys/fs/btrfs/0a-1b/";
  host.Write(btrfs + "label", "data\n");
  host.Write(btrfs + "devices/sda/size", "2048\n");
  host.Write(btrfs + "devices/sdb/size", "2048\n");
  host.Write(btrfs + "devices/sdc/size", "2048\n");
  host.Write(btrfs + "allocation/global_rsv_size", "512\n");
  for (const char* type : {"data", "metadata", "system"}) {
    host.Write(btrfs + "allocation/" + type + "/bytes_reserved", "1\n");
    host.Write(btrfs + "allocation/" + type + "/raid5/total_bytes", "30\n");
    host.Write(btrfs + "allocation/" + type + "/raid5/used_bytes", "20\n");
  }
  host.Write("sys/fs/btrfs/features/x", "1\n");
  host.Write("sys/fs/bcache/c-d/average_key_size", "7\n");
  host.Write("sys/fs/bcache/c-d/bdev0/dirty_data", "1.5k\n");
  host.Write("sys/fs/bcache/c-d/bdev0/writeback_rate_debug", "rate:\t\t1.1M/sec\nchange:\t\t-3/sec\nnext io:\t1ms\n");
  host.Write("sys/fs/bcache/c-d/cache0/written", "12\n");
  host.Write("sys/fs/xfs/sda1/stats/stats", "extent_alloc 1 872 0 0\nrw 28 0\nxpc 9 9 9\n");
  host.Write("proc/spl/kstat/zfs/arcstats",
             "6 1 0x01 91 4368 5266997922 97951858082072\nname type data\nhits 4 8\n"
             "memory_available_bytes 3 -5\n");
  host.Write("proc/spl/kstat/zfs/pool1/io",
             "12 3 0x00 1 80 79205351707403 395818011156865\n"
             "nread nwritten reads writes wtime wlentime wupdate rtime rlentime rupdate "
             "wcnt rcnt\n1 2 3 4 5 6 7 8 9 10 11 12\n");
  host.Write("proc/spl/kstat/zfs/pool1/objset-0x1",
             "31 1 0x01 7 2160\nname type data\ndataset_name 7 pool1/a\n"
             "reads 4 5\n");
  host.Write("proc/spl/kstat/zfs/pool1/state", "DEGRADED\n");
  const std::string samples = SamplesOf(host.Collect());
  CHECK(Has(samples, "node_btrfs_allocation_ratio{block_group_type=\"data\",mode=\"raid5\",uuid=\"0a-1b\"} 1.5"));
  CHECK(Has(samples, "node_btrfs_device_size_bytes{device=\"sdc\",uuid=\"0a-1b\"} 1048576"));
  CHECK(Has(samples, "node_btrfs_info{label=\"data\",uuid=\"0a-1b\"} 1"));
  CHECK(Has(samples, "node_bcache_average_key_size_sectors{uuid=\"c-d\"} 7"));
  // bcache's fraction 5 is 5/10.24.
  CHECK(Has(samples, "node_bcache_dirty_data_bytes{backing_device=\"bdev0\",uuid=\"c-d\"} 1524"));
  CHECK(Has(samples, "node_bcache_writeback_rate{backing_device=\"bdev0\",uuid=\"c-d\"} 1150976"));
  CHECK(Has(samples, "node_bcache_writeback_change{backing_device=\"bdev0\",uuid=\"c-d\"} -3"));
  CHECK(Has(samples, "node_bcache_written_bytes_total{cache_device=\"cache0\",uuid=\"c-d\"} 12"));
  CHECK(Has(samples, "node_xfs_extent_allocation_blocks_allocated_total{device=\"sda1\"} 872"));
  CHECK(Has(samples, "node_xfs_write_calls_total{device=\"sda1\"} 28"));
  CHECK(Has(samples, "node_xfs_vnode_active_total{device=\"sda1\"} 0"));
  CHECK(Has(samples, "node_zfs_arc_hits 8"));
  CHECK(samples.find("memory_available") == std::string::npos);
  CHECK(Has(samples, "node_zfs_zpool_rcnt{zpool=\"pool1\"} 12"));
  CHECK(Has(samples, "node_zfs_zpool_dataset_reads{dataset=\"pool1/a\",zpool=\"pool1\"} 5"));
  CHECK(Has(samples, "node_zfs_zpool_state{state=\"degraded\",zpool=\"pool1\"} 1"));
  CHECK(Has(samples, "node_zfs_zpool_state{state=\"online\",zpool=\"pool1\"} 0"));
}

TEST_CASE("storage and cluster networks, NFS, IPVS", "[host]") {
  HostFixture host({"infiniband", "fibrechannel", "nfs", "nfsd", "ipvs"});
  const std::string port = "sys/class/infiniband/mlx4_0/ports/1/";
  host.Write("sys/class/infiniband/mlx4_0/board_id", "B\n");
  host.Write(port + "state", "4: ACTIVE\n");
  host.Write(port + "phys_state", "5: LinkUp\n");
  host.Write(port + "rate", "2.5 Gb/sec (1X SDR)\n");
  host.Write(port + "counters/port_rcv_data", "10\n");
  host.Write(port + "counters/symbol_error", "N/A (no PMA)\n");
  host.Write("sys/class/fc_host/host0/port_name", "0x1000e007\n");
  host.Write("sys/class/fc_host/host0/statistics/rx_frames", "0x10\n");
  host.Write("sys/class/fc_host/host0/statistics/dumped_frames", "0xffffffffffffffff\n");
  host.Write("proc/net/rpc/nfs", "net 70 70 69 45\nrpc 1218785755 374636 1218815394\nproc3 22 1 2 3\n");
  host.Write("proc/net/rpc/nfsd", "rc 0 6 18622\nth 8 0 0.000 0.000\nproc4ops 4 0 0 0 1098\nrpc 9 3 1 2 0\n");
  host.Write("proc/net/ip_vs_stats", "   Total\n   Conns\n 16AA370 1F 0 51 0\n\n Conns/s\n 4 1 0 1 0\n");
  host.Write("proc/net/ip_vs",
             "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port\n"
             "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
             "TCP  C0A80016:0CEA wlc\n  -> C0A85216:0050      Tunnel  100    248        2\n"
             "UDP  [2620:0000:0000:0000:0000:0000:0000:0001]:0035 rr\n"
             "  -> [2620:0000:0000:0000:0000:0000:0000:0002]:0035 Route 1 2 3\n"
             "FWM  10001000 wlc\n  -> C0A8321A:0CEA Tunnel 20 64 1\n");
  host.options.ipvs_backend_labels = {"local_address", "remote_address", "remote_port", "local_mark"};
  const std::string samples = SamplesOf(host.Collect());
  CHECK(Has(samples, "node_infiniband_rate_bytes_per_second{device=\"mlx4_0\",port=\"1\"} 312500000"));
  CHECK(Has(samples, "node_infiniband_port_data_received_bytes_total{device=\"mlx4_0\",port=\"1\"} 40"));
  CHECK(samples.find("symbol_error") == std::string::npos);
  CHECK(Has(samples, "node_fibrechannel_rx_frames_total{fc_host=\"host0\"} 16"));
  CHECK(samples.find("port_name=\"1000e007\"") != std::string::npos);
  CHECK(samples.find("dumped") == std::string::npos);
  CHECK(Has(samples, "node_nfs_requests_total{method=\"SetAttr\",proto=\"3\"} 3"));
  CHECK(Has(samples, "node_nfs_requests_total{method=\"Clone\",proto=\"4\"} 0"));
  CHECK(Has(samples, "node_nfsd_requests_total{method=\"Access\",proto=\"4\"} 1098"));
  CHECK(Has(samples, "node_nfsd_server_threads 8"));
  CHECK(samples.find("nfsd_requests_total{method=\"Null\"") == std::string::npos);
  CHECK(Has(samples, "node_ipvs_connections_total 23765872"));
  CHECK(Has(samples,
            "node_ipvs_backend_weight{local_address=\"192.168.0.22\",local_mark=\"\","
            "remote_address=\"192.168.82.22\",remote_port=\"80\"} 100"));
  CHECK(Has(samples,
            "node_ipvs_backend_connections_active{local_address=\"2620::1\",local_mark=\"\","
            "remote_address=\"2620::2\",remote_port=\"53\"} 2"));
  CHECK(Has(samples,
            "node_ipvs_backend_connections_inactive{local_address=\"\",local_mark=\"10001000\","
            "remote_address=\"192.168.50.26\",remote_port=\"3306\"} 1"));
}

TEST_CASE("CPUs: frequency, throttling, isolation, information", "[host]") {
  HostFixture host({"cpu", "cpufreq"});
  host.options.cpu_info = true;
  host.options.cpu_guest = false;
  host.Write("proc/stat", "cpu0 0 0 0 0 0 0 0 0 0 0\n");
  host.Write("proc/cpuinfo",
             "processor\t: 0\nvendor_id\t: V\nmodel name\t: M @ 1 GHz\nphysical id\t: 0\n\n"
             "processor\t: 1\n");
  const std::string cpus = "sys/devices/system/cpu/";
  host.Write(cpus + "isolated", "1,3-4\n");
  host.Write(cpus + "cpu0/cpufreq/scaling_cur_freq", "1699981\n");
  host.Write(cpus + "cpu0/cpufreq/cpuinfo_cur_freq", "<unknown>\n");
  for (const char* cpu : {"cpu0", "cpu1"}) {  // two threads of one core
    host.Write(cpus + cpu + "/topology/physical_package_id", "0\n");
    host.Write(cpus + cpu + "/topology/core_id", "0\n");
    host.Write(cpus + cpu + "/thermal_throttle/core_throttle_count", "5\n");
    host.Write(cpus + cpu + "/thermal_throttle/package_throttle_count", "30\n");
  }
  const std::string text = host.Collect();
  CHECK(
      SamplesOf(text.substr(text.find("# HELP node_cpu_core"))) ==
      "node_cpu_core_throttles_total{core=\"0\",package=\"0\"} 5\n"
      "node_cpu_info{cachesize=\"\",core=\"\",cpu=\"0\",family=\"\",microcode=\"\",model=\"\",model_name=\"M @ 1 GHz\","
      "package=\"0\",stepping=\"\",vendor=\"V\"} 1\n"
      "node_cpu_info{cachesize=\"\",core=\"\",cpu=\"1\",family=\"\",microcode=\"\",model=\"\",model_name=\"\","
      "package=\"\",stepping=\"\",vendor=\"\"} 1\n"
      "node_cpu_isolated{cpu=\"1\"} 1\nnode_cpu_isolated{cpu=\"3\"} 1\nnode_cpu_isolated{cpu=\"4\"} 1\n"
      "node_cpu_package_throttles_total{package=\"0\"} 30\n"
      "node_cpu_scaling_frequency_hertz{cpu=\"0\"} 1699981000\n");
  CHECK(text.find("guest") == std::string::npos);
}

TEST_CASE("collectors that are off by default", "[host]") {
  HostFixture host({"buddyinfo", "cgroups", "interrupts", "ksmd", "stat"});
  host.options.stat_softirq = true;
  host.Write("proc/buddyinfo", "Node 0, zone   Normal      5      1\n");
  host.Write("proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t3\t172\t1\n");
  host.Write("proc/interrupts",
             "           CPU0       CPU1\n  9:  4  5  IO-APIC  9-fasteoi  acpi, x\n"
             "NMI:  1  2  Non-maskable interrupts\nERR:   0\n");
  for (const char* file : {"full_scans", "merge_across_nodes", "pages_shared", "pages_sharing", "pages_to_scan",
                           "pages_unshared", "pages_volatile", "run", "sleep_millisecs"}) {
    host.Write(std::string("sys/kernel/mm/ksm/") + file, "20\n");
  }
  host.Write("proc/stat",
             "intr 1 1\nctxt 2\nbtime 3\nprocesses 4\nprocs_running 5\nprocs_blocked 6\n"
             "softirq 55 1 2 3 4 5 6 7 8 9 10\n");
  const std::string samples = SamplesOf(host.Collect());
  CHECK(Has(samples, "node_buddyinfo_blocks{node=\"0\",size=\"1\",zone=\"Normal\"} 1"));
  CHECK(Has(samples, "node_cgroups_cgroups{subsys_name=\"cpu\"} 172"));
  CHECK(Has(samples, "node_interrupts_total{cpu=\"1\",devices=\"9-fasteoi acpi, x\",info=\"IO-APIC\",type=\"9\"} 5"));
  CHECK(Has(samples, "node_interrupts_total{cpu=\"0\",devices=\"\",info=\"Non-maskable interrupts\",type=\"NMI\"} 1"));
  CHECK(Has(samples, "node_ksmd_sleep_seconds 0.02"));
  CHECK(Has(samples, "node_softirqs_total{vector=\"rcu\"} 10"));
}

TEST_CASE("disks: what udev knows of file systems, volumes and ATA", "[host]") {
  HostFixture host({"diskstats"});
  host.options.diskstats_device_exclude.clear();
  host.options.diskstats_device_include = "^dm-";
  host.Write("proc/diskstats", " 252 0 dm-0 1 2 3 4 5 6 7 8 9 10 11\n 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n");
  host.Write("udev/b252:0",
             "E:DM_NAME=root\nE:DM_VG_NAME=vg\nE:ID_FS_TYPE=ext4\nE:ID_FS_UUID=u\nE:ID_ATA=1\n"
             "E:ID_ATA_WRITE_CACHE=1\nE:ID_ATA_ROTATION_RATE_RPM=x\n");
  const std::string samples = SamplesOf(host.Collect());
  CHECK(Has(samples, "node_disk_filesystem_info{device=\"dm-0\",type=\"ext4\",usage=\"\",uuid=\"u\",version=\"\"} 1"));
  CHECK(Has(samples,
            "node_disk_device_mapper_info{device=\"dm-0\",lv_layer=\"\",lv_name=\"\",name=\"root\",uuid=\"\","
            "vg_name=\"vg\"} 1"));
  CHECK(Has(samples, "node_disk_ata_write_cache{device=\"dm-0\"} 1"));
  CHECK(samples.find("rotation") == std::string::npos);
  CHECK(samples.find("sda") == std::string::npos);
}

}  // namespace
}  // namespace vedette::collector
