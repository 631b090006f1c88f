// cpufreq, and what /sys knows of each CPU beyond its time: throttling, isolation; names and numbers of /proc/cpuinfo.
#include <array>
#include <map>
#include <vector>

#include "collector/host/cpu_sysfs.h"
#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

struct CpuFrequency {
  const char* file;
  MetricText metric;
};
constexpr auto kCpuFrequencies = std::to_array<CpuFrequency>({
    {"cpuinfo_cur_freq", {"node_cpu_frequency_hertz", "Current cpu thread frequency in hertz."}},
    {"cpuinfo_max_freq", {"node_cpu_frequency_max_hertz", "Maximum cpu thread frequency in hertz."}},
    {"cpuinfo_min_freq", {"node_cpu_frequency_min_hertz", "Minimum cpu thread frequency in hertz."}},
    {"scaling_cur_freq", {"node_cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."}},
    {"scaling_max_freq", {"node_cpu_scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."}},
    {"scaling_min_freq", {"node_cpu_scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."}},
});

class CpufreqPart final : public HostPart {
 public:
  explicit CpufreqPart(HostContext& context) : root_(context.Sys("devices/system/cpu")) {}

  Status Collect(TextFormat& out) override {
    FamilyTable table;
    constexpr double kKilo = 1000;
    for (const std::string& cpu : ListNumbered(root_, "cpu")) {
      const auto directory = OpenDirectory(root_ + "/" + cpu + "/cpufreq");
      if (!directory) continue;
      for (const CpuFrequency& frequency : kCpuFrequencies) {
        const auto value = ReadNumber(directory->fd(), frequency.file);
        if (value) table.Add(frequency.metric, {{"cpu", std::string_view(cpu).substr(3)}}, *value * kKilo);
      }
    }
    table.Write(out);
    return Ok();
  }

 private:
  std::string root_;
};

/// "0-2,5": CPUs 0, 1, 2 and 5.
Result<std::vector<unsigned>> ParseCpuList(std::string_view text) {
  constexpr double kMaxCpus = 65536;
  std::vector<unsigned> cpus;
  for (text = Trimmed(text); !text.empty();) {
    const std::string_view range = text.substr(0, text.find(','));
    text.remove_prefix(std::min(range.size() + 1, text.size()));
    const std::size_t dash = range.find('-');
    const auto first = ParseCount(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : ParseCount(range.substr(dash + 1));
    if (!first || !last || *first < 0 || *last >= kMaxCpus) {
      return Fail(Code::kBadData, "'{}' is no list of CPUs", range.substr(0, 64));
    }
    for (auto cpu = static_cast<unsigned>(*first); cpu <= static_cast<unsigned>(*last); ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

std::string_view CpuinfoValue(std::string_view line) {
  const std::size_t colon = line.find(':');
  return colon == std::string_view::npos ? std::string_view() : Trimmed(line.substr(colon + 1));
}

}  // namespace

void CpuSysfs::AddThrottles(FamilyTable& table) const {
  std::map<double, bool> packages;
  std::map<std::pair<double, double>, bool> cores;
  for (const std::string& cpu : ListNumbered(root_, "cpu")) {
    // Most machines, and all virtual ones, count no throttling: one failed open per CPU.
    const auto throttle = OpenDirectory(root_ + "/" + cpu + "/thermal_throttle");
    if (!throttle) continue;
    const auto topology = OpenDirectory(root_ + "/" + cpu + "/topology");
    if (!topology) continue;
    const auto package = ReadNumber(topology->fd(), "physical_package_id");
    const auto core = ReadNumber(topology->fd(), "core_id");
    if (!package || *package < 0 || !core || *core < 0) continue;
    const std::string package_text = fmt::format("{}", *package), core_text = fmt::format("{}", *core);
    if (!std::exchange(cores[{*package, *core}], true)) {
      const auto count = ReadNumber(throttle->fd(), "core_throttle_count");
      if (count) {
        table.Add({"node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.",
                   FamilyType::kCounter},
                  {{"core", core_text}, {"package", package_text}}, *count);
      } else {
        cores[{*package, *core}] = false;
      }
    }
    if (!std::exchange(packages[*package], true)) {
      const auto count = ReadNumber(throttle->fd(), "package_throttle_count");
      if (count) {
        table.Add({"node_cpu_package_throttles_total", "Number of times this CPU package has been throttled.",
                   FamilyType::kCounter},
                  {{"package", package_text}}, *count);
      } else {
        packages[*package] = false;
      }
    }
  }
}

Status CpuSysfs::AddIsolated(FamilyTable& table) const {
  const auto text = ReadHostFile(root_ + "/isolated");
  if (!text) return Ok();
  VEDETTE_TRY(const std::vector<unsigned> cpus, ParseCpuList(*text));
  for (const unsigned cpu : cpus) {
    table.Add(
        {"node_cpu_isolated", "Whether each core is isolated, information from /sys/devices/system/cpu/isolated."},
        {{"cpu", std::to_string(cpu)}}, 1);
  }
  return Ok();
}

Status CpuSysfs::AddInfo(FamilyTable& table) const {
  struct Label {
    std::string_view label, key;
  };
  static constexpr std::array<Label, 10> kLabels{{{"cachesize", "cache size"},
                                                  {"core", "core id"},
                                                  {"cpu", "processor"},
                                                  {"family", "cpu family"},
                                                  {"microcode", "microcode"},
                                                  {"model", "model"},
                                                  {"model_name", "model name"},
                                                  {"package", "physical id"},
                                                  {"stepping", "stepping"},
                                                  {"vendor", "vendor_id"}}};
  VEDETTE_TRY(const std::string text, ReadHostFile(cpuinfo_));
  std::string_view rest = text;
  std::array<std::string_view, kLabels.size()> values;
  const auto add = [&] {
    std::array<LabelView, kLabels.size()> labels;
    for (std::size_t i = 0; i < kLabels.size(); ++i) labels[i] = {kLabels[i].label, values[i]};
    if (!values[2].empty()) table.Add({"node_cpu_info", "CPU information from /proc/cpuinfo."}, labels, 1);
    values = {};
  };
  while (const auto line = NextLine(rest)) {
    if (Trimmed(*line).empty()) {
      add();
      continue;
    }
    const std::string_view key = Trimmed(line->substr(0, line->find(':')));
    for (std::size_t i = 0; i < kLabels.size(); ++i) {
      if (key == kLabels[i].key) values[i] = CpuinfoValue(*line);
    }
  }
  add();
  return Ok();
}

HostPartResult MakeCpufreqPart(HostContext& context) { return HostPartResult(std::make_unique<CpufreqPart>(context)); }

}  // namespace vedette::collector
