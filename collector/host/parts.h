// The single collectors of the host collector, and the table that names them.
//
// Each makes itself ready once (files stay open, buffers are kept) and is then asked for its samples at every reading.
// To add one: a class in a file of its own subject, a factory declared here, one row in parts.cpp.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collector/host/files.h"
#include "collector/host/options.h"
#include "collector/host/text_format.h"
#include "core/clock.h"
#include "core/result.h"

namespace vedette::collector {

/// What the collectors share during one reading.
class HostContext {
 public:
  HostContext(const HostOptions& host_options, const Clock& host_clock)
      : options(host_options), clock(host_clock), stat_(Proc("stat")) {}

  const HostOptions& options;
  const Clock& clock;

  std::string Proc(std::string_view name) const { return options.proc_path + "/" + std::string(name); }
  std::string Sys(std::string_view name) const { return options.sys_path + "/" + std::string(name); }

  /// /proc/stat, which is dear to make and needed twice: read once per reading.
  Result<std::string_view> ProcStat();
  void NextReading() { stat_text_.reset(); }

 private:
  HostFile stat_;
  std::optional<std::string_view> stat_text_;
};

class HostPart {
 public:
  virtual ~HostPart() = default;
  /// Appends its families. On an error what was appended is taken back and the collector's success is 0.
  virtual Status Collect(TextFormat& out) = 0;
};

struct HostPartSpec {
  std::string_view name;
  bool on_by_default;
  /// Errors: kBadData for an option that makes no sense. `context` outlives the part.
  Result<std::unique_ptr<HostPart>> (*make)(HostContext& context);
  std::string_view help;
};
/// Sorted by name.
std::span<const HostPartSpec> HostParts();

using HostPartResult = Result<std::unique_ptr<HostPart>>;
// bcache.cpp, btrfs.cpp, xfs.cpp, zfs.cpp
HostPartResult MakeBcachePart(HostContext& context);
HostPartResult MakeBtrfsPart(HostContext& context);
HostPartResult MakeXfsPart(HostContext& context);
HostPartResult MakeZfsPart(HostContext& context);
// cgroup.cpp, process_top.cpp, systemd.cpp
HostPartResult MakeCgroupPart(HostContext& context);
HostPartResult MakeProcessTopPart(HostContext& context);
HostPartResult MakeSystemdPart(HostContext& context);
// cpu.cpp, cpu_sysfs.cpp
HostPartResult MakeCpufreqPart(HostContext& context);
HostPartResult MakeCpuPart(HostContext& context);
HostPartResult MakeSchedstatPart(HostContext& context);
// extras.cpp
HostPartResult MakeBuddyinfoPart(HostContext& context);
HostPartResult MakeCgroupsPart(HostContext& context);
HostPartResult MakeInterruptsPart(HostContext& context);
HostPartResult MakeKsmdPart(HostContext& context);
HostPartResult MakeProcessesPart(HostContext& context);
// fabric.cpp
HostPartResult MakeFibrechannelPart(HostContext& context);
HostPartResult MakeInfinibandPart(HostContext& context);
// hardware.cpp
HostPartResult MakeDmiPart(HostContext& context);
HostPartResult MakeEdacPart(HostContext& context);
HostPartResult MakeNvmePart(HostContext& context);
HostPartResult MakeSelinuxPart(HostContext& context);
HostPartResult MakeTapestatsPart(HostContext& context);
// hwmon.cpp
HostPartResult MakeHwmonPart(HostContext& context);
// ipvs.cpp
HostPartResult MakeIpvsPart(HostContext& context);
// kernel.cpp
HostPartResult MakeEntropyPart(HostContext& context);
HostPartResult MakeFilefdPart(HostContext& context);
HostPartResult MakeLoadavgPart(HostContext& context);
HostPartResult MakePressurePart(HostContext& context);
HostPartResult MakeStatPart(HostContext& context);
// nfs.cpp
HostPartResult MakeNfsPart(HostContext& context);
HostPartResult MakeNfsdPart(HostContext& context);
// power.cpp
HostPartResult MakePowerSupplyPart(HostContext& context);
HostPartResult MakeRaplPart(HostContext& context);
// raid.cpp
HostPartResult MakeBondingPart(HostContext& context);
HostPartResult MakeMdadmPart(HostContext& context);
// textfile.cpp
HostPartResult MakeTextfilePart(HostContext& context);
// memory.cpp
HostPartResult MakeMeminfoPart(HostContext& context);
HostPartResult MakeVmstatPart(HostContext& context);
// diskstats.cpp
HostPartResult MakeDiskstatsPart(HostContext& context);
// filesystem.cpp
HostPartResult MakeFilesystemPart(HostContext& context);
// netdev.cpp
HostPartResult MakeNetclassPart(HostContext& context);
HostPartResult MakeNetdevPart(HostContext& context);
// netstat.cpp
HostPartResult MakeNetstatPart(HostContext& context);
HostPartResult MakeSockstatPart(HostContext& context);
// net_tables.cpp
HostPartResult MakeArpPart(HostContext& context);
HostPartResult MakeConntrackPart(HostContext& context);
HostPartResult MakeSoftnetPart(HostContext& context);
HostPartResult MakeUdpQueuesPart(HostContext& context);
// system.cpp
HostPartResult MakeOsPart(HostContext& context);
HostPartResult MakeThermalZonePart(HostContext& context);
HostPartResult MakeUnamePart(HostContext& context);
// clocks.cpp
HostPartResult MakeTimePart(HostContext& context);
HostPartResult MakeTimexPart(HostContext& context);

}  // namespace vedette::collector
