// What the cpu collector shows besides times: throttling and isolation from /sys, and with cpu_info what /proc/cpuinfo
// says.
#pragma once

#include <string>

#include "collector/host/family_table.h"
#include "core/result.h"

namespace vedette::collector {

class CpuSysfs {
 public:
  /// `root`: /sys/devices/system/cpu.
  CpuSysfs(std::string root, std::string cpuinfo) : root_(std::move(root)), cpuinfo_(std::move(cpuinfo)) {}

  /// Each core and package once, however many CPUs share it.
  void AddThrottles(FamilyTable& table) const;
  /// Errors: kBadData.
  Status AddIsolated(FamilyTable& table) const;
  /// Errors: as ReadHostFile().
  Status AddInfo(FamilyTable& table) const;

 private:
  std::string root_, cpuinfo_;
};

}  // namespace vedette::collector
