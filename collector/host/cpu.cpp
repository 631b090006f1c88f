// cpu and schedstat: what each CPU did with its time.
#include <array>
#include <map>
#include <vector>

#include "collector/host/cpu_sysfs.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

/// The kernel counts in USER_HZ, which is 100 on every architecture Linux still runs on.
constexpr double kTicksPerSecond = 100;

/// Order of the columns of /proc/stat.
enum CpuColumn { kUser, kNice, kSystem, kIdle, kIowait, kIrq, kSoftirq, kSteal, kGuest, kGuestNice, kCpuColumns };
using CpuTicks = std::array<double, kCpuColumns>;

constexpr MetricText kCpuSeconds{"node_cpu_seconds_total", "Seconds the CPUs spent in each mode.",
                                 FamilyType::kCounter};
constexpr MetricText kGuestSeconds{"node_cpu_guest_seconds_total",
                                   "Seconds the CPUs spent in guests (VMs) for each mode.", FamilyType::kCounter};

class CpuPart final : public HostPart {
 public:
  explicit CpuPart(HostContext& context)
      : context_(context), sysfs_(context.Sys("devices/system/cpu"), context.Proc("cpuinfo")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, context_.ProcStat());
    seen_.clear();
    while (const auto line = NextLine(text)) {
      if (!line->starts_with("cpu") || line->starts_with("cpu ")) continue;
      VEDETTE_CHECK(AddCpu(*line));
    }
    if (seen_.empty()) return Fail(Code::kBadData, "no CPU in {}", context_.Proc("stat"));
    Write(out);
    return WriteProperties(out);
  }

 private:
  Status WriteProperties(TextFormat& out) const {
    FamilyTable table;
    if (context_.options.cpu_info) VEDETTE_CHECK(sysfs_.AddInfo(table));
    VEDETTE_CHECK(sysfs_.AddIsolated(table));
    sysfs_.AddThrottles(table);
    table.Write(out);
    return Ok();
  }

  Status AddCpu(std::string_view line) {
    const std::string_view cpu = NextField(line).substr(3);
    if (!ParseCount(cpu)) return Fail(Code::kBadData, "'cpu{}' in {} has no number", cpu, context_.Proc("stat"));
    CpuTicks ticks{};
    for (std::size_t i = 0; i < ticks.size(); ++i) {
      const std::string_view field = NextField(line);
      // Kernels of long ago have no guest columns; the first eight are there since 2.6.11.
      if (field.empty() && i > kSteal) break;
      VEDETTE_TRY(ticks[i], NeedCount(field, context_.Proc("stat")));
    }
    auto at = kept_.find(cpu);
    if (at == kept_.end()) at = kept_.emplace(std::string(cpu), ticks).first;
    KeepMonotone(at->second, ticks);
    seen_.push_back(&*at);
    return Ok();
  }

  /// idle and iowait go backwards by a few ticks now and then, which rate() would take for a restart of the machine. A
  /// CPU whose idle time drops by more than that came back from being switched off: all of its columns start anew.
  static void KeepMonotone(CpuTicks& kept, const CpuTicks& now) {
    constexpr double kHotplugTicks = 3 * kTicksPerSecond;  // as node_exporter
    if (now[kIdle] + kHotplugTicks < kept[kIdle]) kept = now;
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = std::max(kept[i], now[i]);
  }

  void Write(TextFormat& out) const {
    static constexpr std::array<std::string_view, 8> kModes{"user",   "nice", "system",  "idle",
                                                            "iowait", "irq",  "softirq", "steal"};
    out.Family(kGuestSeconds);
    for (const Entry* entry : seen_) {
      if (!context_.options.cpu_guest) break;
      out.Sample({{"cpu", entry->first}, {"mode", "user"}}, entry->second[kGuest] / kTicksPerSecond);
      out.Sample({{"cpu", entry->first}, {"mode", "nice"}}, entry->second[kGuestNice] / kTicksPerSecond);
    }
    out.Family(kCpuSeconds);
    for (const Entry* entry : seen_) {
      for (std::size_t i = 0; i < kModes.size(); ++i) {
        out.Sample({{"cpu", entry->first}, {"mode", kModes[i]}}, entry->second[i] / kTicksPerSecond);
      }
    }
  }

  using Kept = std::map<std::string, CpuTicks, std::less<>>;
  using Entry = Kept::value_type;
  HostContext& context_;
  CpuSysfs sysfs_;
  Kept kept_;
  std::vector<const Entry*> seen_;
};

class SchedstatPart final : public HostPart {
 public:
  explicit SchedstatPart(HostContext& context) : file_(context.Proc("schedstat")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    rows_.clear();
    while (auto line = NextLine(text)) {
      if (!line->starts_with("cpu")) continue;
      VEDETTE_CHECK(AddCpu(*line));
    }
    constexpr double kNanos = 1e9;
    out.Family("node_schedstat_running_seconds_total", "Number of seconds CPU spent running a process.",
               FamilyType::kCounter);
    for (const Row& row : rows_) out.Sample({{"cpu", row.cpu}}, row.running / kNanos);
    out.Family("node_schedstat_waiting_seconds_total", "Number of seconds spent by processing waiting for this CPU.",
               FamilyType::kCounter);
    for (const Row& row : rows_) out.Sample({{"cpu", row.cpu}}, row.waiting / kNanos);
    out.Family("node_schedstat_timeslices_total", "Number of timeslices executed by CPU.", FamilyType::kCounter);
    for (const Row& row : rows_) out.Sample({{"cpu", row.cpu}}, row.slices);
    return Ok();
  }

 private:
  struct Row {
    std::string_view cpu;
    double running = 0, waiting = 0, slices = 0;
  };

  Status AddCpu(std::string_view line) {
    constexpr std::size_t kRunningColumn = 7;  // of "cpuN yld 0 sched goidle ttwu local running waiting slices"
    SplitFields(line, fields_);
    if (fields_.size() < kRunningColumn + 3) return Fail(Code::kBadData, "short line '{}' in {}", line, file_.path());
    Row row{fields_[0].substr(3)};
    VEDETTE_TRY(row.running, NeedCount(fields_[kRunningColumn], file_.path()));
    VEDETTE_TRY(row.waiting, NeedCount(fields_[kRunningColumn + 1], file_.path()));
    VEDETTE_TRY(row.slices, NeedCount(fields_[kRunningColumn + 2], file_.path()));
    rows_.push_back(row);
    return Ok();
  }

  HostFile file_;
  std::vector<std::string_view> fields_;
  std::vector<Row> rows_;
};

}  // namespace

HostPartResult MakeCpuPart(HostContext& context) { return HostPartResult(std::make_unique<CpuPart>(context)); }
HostPartResult MakeSchedstatPart(HostContext& context) {
  return HostPartResult(std::make_unique<SchedstatPart>(context));
}

}  // namespace vedette::collector
