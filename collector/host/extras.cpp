// buddyinfo, cgroups, interrupts, ksmd and processes: collectors that node_exporter has and does not run by default.
#include <array>
#include <map>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

class BuddyinfoPart final : public HostPart {
 public:
  explicit BuddyinfoPart(HostContext& context) : file_(context.Proc("buddyinfo")) {}

  /// "Node 0, zone   Normal   4381   1093 ...": free blocks of 1, 2, 4 ... pages.
  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    out.Family("node_buddyinfo_blocks", "Count of free blocks according to size.", FamilyType::kGauge);
    while (auto line = NextLine(text)) {
      NextField(*line);
      std::string_view node = NextField(*line);
      NextField(*line);
      const std::string_view zone = NextField(*line);
      if (!node.ends_with(',') || zone.empty()) return Fail(Code::kBadData, "{} has an unknown format", file_.path());
      node.remove_suffix(1);
      int size = 0;
      for (std::string_view field = NextField(*line); !field.empty(); field = NextField(*line)) {
        VEDETTE_TRY(const double blocks, NeedCount(field, file_.path()));
        out.Sample({{"node", node}, {"size", std::to_string(size++)}, {"zone", zone}}, blocks);
      }
    }
    return Ok();
  }

 private:
  HostFile file_;
};

class CgroupsPart final : public HostPart {
 public:
  explicit CgroupsPart(HostContext& context) : file_(context.Proc("cgroups")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    FamilyTable table;
    while (auto line = NextLine(text)) {
      if (line->starts_with('#') || line->empty()) continue;
      const std::string_view name = NextField(*line);
      NextField(*line);  // hierarchy
      VEDETTE_TRY(const double groups, NeedCount(NextField(*line), file_.path()));
      VEDETTE_TRY(const double enabled, NeedCount(NextField(*line), file_.path()));
      table.Add({"node_cgroups_cgroups", "Current cgroup number of the subsystem."}, {{"subsys_name", name}}, groups);
      table.Add({"node_cgroups_enabled", "Current cgroup number of the subsystem."}, {{"subsys_name", name}}, enabled);
    }
    table.Write(out);
    return Ok();
  }

 private:
  HostFile file_;
};

class InterruptsPart final : public HostPart {
 public:
  explicit InterruptsPart(HostContext& context) : file_(context.Proc("interrupts")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    const auto head = NextLine(text);
    if (!head) return Fail(Code::kBadData, "{} is empty", file_.path());
    SplitFields(*head, fields_);
    const std::size_t cpus = fields_.size();
    out.Family("node_interrupts_total", "Interrupt details.", FamilyType::kCounter);
    while (const auto line = NextLine(text)) {
      SplitFields(*line, fields_);
      if (fields_.size() >= cpus + 2) VEDETTE_CHECK(WriteLine(cpus, out));  // ERR and MIS have one number only
    }
    return Ok();
  }

 private:
  /// "9: 12 34 IO-APIC 9-fasteoi acpi": behind the numbers of a numbered interrupt comes the controller, then devices.
  Status WriteLine(std::size_t cpus, TextFormat& out) const {
    std::string_view type = fields_[0];
    if (!type.ends_with(':')) return Fail(Code::kBadData, "'{}' in {}", type.substr(0, 64), file_.path());
    type.remove_suffix(1);
    const bool numbered = ParseCount(type).has_value();
    const auto join = [&](std::size_t from) {
      std::string joined;
      for (std::size_t i = from; i < fields_.size(); ++i) joined.append(i == from ? "" : " ").append(fields_[i]);
      return joined;
    };
    const std::string info = numbered ? std::string(fields_[cpus + 1]) : join(cpus + 1);
    const std::string devices = numbered ? join(cpus + 2) : std::string();
    for (std::size_t cpu = 0; cpu < cpus; ++cpu) {
      VEDETTE_TRY(const double count, NeedCount(fields_[cpu + 1], file_.path()));
      out.Sample({{"cpu", std::to_string(cpu)}, {"devices", devices}, {"info", info}, {"type", type}}, count);
    }
    return Ok();
  }

  HostFile file_;
  std::vector<std::string_view> fields_;
};

class KsmdPart final : public HostPart {
 public:
  explicit KsmdPart(HostContext& context) : root_(context.Sys("kernel/mm/ksm")) {}

  Status Collect(TextFormat& out) override {
    struct File {
      const char* file;
      std::string_view name;
      FamilyType type = FamilyType::kGauge;
      double divisor = 1;
    };
    static constexpr auto kFiles = std::to_array<File>({
        {"full_scans", "full_scans_total", FamilyType::kCounter},
        {"merge_across_nodes", "merge_across_nodes"},
        {"pages_shared", "pages_shared"},
        {"pages_sharing", "pages_sharing"},
        {"pages_to_scan", "pages_to_scan"},
        {"pages_unshared", "pages_unshared"},
        {"pages_volatile", "pages_volatile"},
        {"run", "run"},
        {"sleep_millisecs", "sleep_seconds", FamilyType::kGauge, 1000},
    });
    VEDETTE_TRY(const FileHandle directory, OpenDirectory(root_));
    for (const File& file : kFiles) {
      const auto value = ReadNumber(directory.fd(), file.file);
      if (!value) return Fail(Code::kIo, "cannot read {}/{}", root_, file.file);
      out.Single({fmt::format("node_ksmd_{}", file.name), fmt::format("ksmd '{}' file.", file.file), file.type},
                 *value / file.divisor);
    }
    return Ok();
  }

 private:
  std::string root_;
};

class ProcessesPart final : public HostPart {
 public:
  explicit ProcessesPart(HostContext& context)
      : root_(context.Proc("")),
        max_pids_(context.Proc("sys/kernel/pid_max")),
        max_threads_(context.Proc("sys/kernel/threads-max")) {}

  Status Collect(TextFormat& out) override {
    double pids = 0, threads = 0;
    std::map<std::string, double> states, thread_states;
    for (const std::string& pid : ListNumbered(root_, "")) {
      const auto stat = ReadHostFile(root_ + pid + "/stat");
      const auto process = stat ? ParseStat(*stat) : std::nullopt;
      if (!process) continue;  // gone since
      ++pids;
      threads += process->threads;
      ++states[process->state];
      for (const std::string& tid : ListNumbered(root_ + pid + "/task", "")) {
        const auto thread_stat = ReadHostFile(root_ + pid + "/task/" + tid + "/stat");
        const auto thread = tid != pid && thread_stat ? ParseStat(*thread_stat) : std::nullopt;
        if (thread) ++thread_states[thread->state];
      }
    }
    VEDETTE_TRY(const std::string_view max_pids, max_pids_.Read());
    VEDETTE_TRY(const double pid_limit, NeedCount(Trimmed(max_pids), max_pids_.path()));
    VEDETTE_TRY(const std::string_view max_threads, max_threads_.Read());
    VEDETTE_TRY(const double thread_limit, NeedCount(Trimmed(max_threads), max_threads_.path()));
    out.Single({"node_processes_max_processes", "Number of max PIDs limit"}, pid_limit);
    out.Single({"node_processes_max_threads", "Limit of threads in the system"}, thread_limit);
    out.Single({"node_processes_pids", "Number of PIDs"}, pids);
    out.Family("node_processes_state", "Number of processes in each state.", FamilyType::kGauge);
    for (const auto& [state, count] : states) out.Sample({{"state", state}}, count);
    out.Single({"node_processes_threads", "Allocated threads in system"}, threads);
    out.Family("node_processes_threads_state", "Number of threads in each state.", FamilyType::kGauge);
    for (const auto& [state, count] : thread_states) out.Sample({{"thread_state", state}}, count);
    return Ok();
  }

 private:
  struct Process {
    std::string state;
    double threads = 0;
  };

  /// The name in parentheses may hold blanks and parentheses.
  static std::optional<Process> ParseStat(std::string_view text) {
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(name_end + 1);
    Process process{.state = std::string(NextField(text))};
    constexpr int kBetween = 16;  // from ppid to nice
    for (int i = 0; i < kBetween; ++i) NextField(text);
    const auto threads = ParseCount(NextField(text));
    if (!threads) return std::nullopt;
    process.threads = *threads;
    return process;
  }

  std::string root_;
  HostFile max_pids_, max_threads_;
};

}  // namespace

HostPartResult MakeBuddyinfoPart(HostContext& context) {
  return HostPartResult(std::make_unique<BuddyinfoPart>(context));
}
HostPartResult MakeCgroupsPart(HostContext& context) { return HostPartResult(std::make_unique<CgroupsPart>(context)); }
HostPartResult MakeInterruptsPart(HostContext& context) {
  return HostPartResult(std::make_unique<InterruptsPart>(context));
}
HostPartResult MakeKsmdPart(HostContext& context) { return HostPartResult(std::make_unique<KsmdPart>(context)); }
HostPartResult MakeProcessesPart(HostContext& context) {
  return HostPartResult(std::make_unique<ProcessesPart>(context));
}

}  // namespace vedette::collector
