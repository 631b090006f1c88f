// cgroup: what systemd units and containers use, from the unified hierarchy (cgroup v2) in /sys/fs/cgroup.
//
// Groups are walked from the root down, those of one level in the order of their names, and no more than
// cgroup_max_groups are shown: the number of series stays bounded, and the same groups are shown every time.
// memory.stat is not read: the kernel has to flush per-CPU counters for it, which costs more than all the rest.
#include <array>
#include <deque>
#include <vector>

#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

struct CgroupIo {
  double read_bytes = 0, written_bytes = 0, reads = 0, writes = 0;
};

struct CgroupStats {
  std::string path;  // from the root: "/system.slice/cron.service"
  std::optional<double> user, system, usage, throttled, periods_throttled;
  std::optional<double> memory, memory_max, swap, pids, pids_max;
  std::optional<CgroupIo> io;
  std::array<std::optional<double>, 5> events;      // in the order of kMemoryEvents
  std::array<std::optional<double>, 3> some, full;  // pressure, in the order of kResources
};

constexpr std::array<std::string_view, 5> kMemoryEvents{"low", "high", "max", "oom", "oom_kill"};
constexpr std::array<std::string_view, 3> kResources{"cpu", "io", "memory"};
constexpr double kMicrosPerSecond = 1e6;

/// Calls `each(key, value)` for lines "key value".
template <class Each>
void ForEachPair(std::string_view text, const Each& each) {
  while (auto line = NextLine(text)) {
    const std::string_view key = NextField(*line);
    const auto value = ParseCount(NextField(*line));
    if (value) each(key, *value);
  }
}

class CgroupReader {
 public:
  CgroupReader(std::string path, CgroupStats& stats) : path_(std::move(path)), stats_(stats) {}

  void Read() {
    ReadCpu();
    stats_.memory = Number("memory.current");
    stats_.memory_max = Number("memory.max");  // "max": no limit, no number
    stats_.swap = Number("memory.swap.current");
    stats_.pids = Number("pids.current");
    stats_.pids_max = Number("pids.max");
    if (const auto text = ReadHostFile(path_ + "/memory.events")) {
      ForEachPair(*text, [&](std::string_view key, double value) {
        const auto at = std::find(kMemoryEvents.begin(), kMemoryEvents.end(), key);
        if (at != kMemoryEvents.end()) stats_.events[static_cast<std::size_t>(at - kMemoryEvents.begin())] = value;
      });
    }
    if (const auto text = ReadHostFile(path_ + "/io.stat")) ReadIo(*text);
    for (std::size_t i = 0; i < kResources.size(); ++i) ReadPressure(i);
  }

 private:
  std::optional<double> Number(std::string_view file) const {
    const auto text = ReadHostFile(fmt::format("{}/{}", path_, file));
    return text ? ParseCount(Trimmed(*text)) : std::nullopt;
  }

  void ReadCpu() {
    const auto text = ReadHostFile(path_ + "/cpu.stat");
    if (!text) return;
    ForEachPair(*text, [&](std::string_view key, double value) {
      if (key == "usage_usec") stats_.usage = value / kMicrosPerSecond;
      if (key == "user_usec") stats_.user = value / kMicrosPerSecond;
      if (key == "system_usec") stats_.system = value / kMicrosPerSecond;
      if (key == "throttled_usec") stats_.throttled = value / kMicrosPerSecond;
      if (key == "nr_throttled") stats_.periods_throttled = value;
    });
  }

  /// "8:0 rbytes=90 wbytes=0 rios=3 wios=0 dbytes=0 dios=0" for each device: summed.
  void ReadIo(std::string_view text) {
    CgroupIo& io = stats_.io.emplace();
    while (auto line = NextLine(text)) {
      for (std::string_view field = NextField(*line); !field.empty(); field = NextField(*line)) {
        const std::size_t equals = std::min(field.find('='), field.size());
        const auto value = ParseCount(field.substr(std::min(equals + 1, field.size())));
        if (!value) continue;
        const std::string_view key = field.substr(0, equals);
        if (key == "rbytes") io.read_bytes += *value;
        if (key == "wbytes") io.written_bytes += *value;
        if (key == "rios") io.reads += *value;
        if (key == "wios") io.writes += *value;
      }
    }
  }

  /// "some avg10=0.00 avg60=0.00 avg300=0.00 total=123".
  void ReadPressure(std::size_t resource) {
    const auto text = ReadHostFile(fmt::format("{}/{}.pressure", path_, kResources[resource]));
    if (!text) return;
    std::string_view rest = *text;
    while (auto line = NextLine(rest)) {
      const std::string_view kind = NextField(*line);
      const std::size_t at = line->find("total=");
      const auto total = at == std::string_view::npos ? std::nullopt : ParseCount(Trimmed(line->substr(at + 6)));
      if (!total) continue;
      (kind == "some" ? stats_.some : stats_.full)[resource] = *total / kMicrosPerSecond;
    }
  }

  std::string path_;
  CgroupStats& stats_;
};

class CgroupPart final : public HostPart {
 public:
  CgroupPart(HostContext& context, DeviceFilter filter)
      : root_(context.Sys("fs/cgroup")), options_(context.options), filter_(std::move(filter)) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::string root, UnifiedRoot());
    Walk(root);
    WriteCpu(out);
    WriteMemory(out);
    WriteIo(out);
    WriteRest(out);
    out.Single({"node_cgroup_skipped", "Control groups that are not shown because there are too many."},
               static_cast<double>(skipped_));
    return Ok();
  }

 private:
  /// In the hybrid layout the unified hierarchy is a directory among those of version 1.
  Result<std::string> UnifiedRoot() const {
    for (const std::string& root : {root_, root_ + "/unified"}) {
      if (ReadHostFile(root + "/cgroup.controllers")) return root;
    }
    return Fail(Code::kNotFound, "no unified control groups in {}", root_);
  }

  void Walk(const std::string& root) {
    struct Place {
      std::string path;
      int depth = 0;
    };
    groups_.clear();
    skipped_ = 0;
    std::deque<Place> places{{"", 0}};
    std::size_t visited = 0;
    constexpr std::size_t kMaxVisited = 5000;  // of filtered ones: listing costs as well
    for (; !places.empty() && ++visited <= kMaxVisited; places.pop_front()) {
      const Place place = places.front();
      if (place.depth > 0 && filter_.Wanted(place.path)) {
        if (groups_.size() < options_.cgroup_max_groups) {
          groups_.emplace_back().path = place.path;
          CgroupReader(root + place.path, groups_.back()).Read();
        } else {
          ++skipped_;
        }
      }
      if (place.depth >= options_.cgroup_max_depth) continue;
      for (const std::string& name : ListSubdirectories(root + place.path)) {
        places.push_back({place.path + "/" + name, place.depth + 1});
      }
    }
    skipped_ += places.size();
  }

  using Value = std::optional<double> CgroupStats::*;
  void WriteOne(const MetricText& metric, Value value, TextFormat& out) const {
    out.Family(metric);
    for (const CgroupStats& group : groups_) {
      if (group.*value) out.Sample({{"cgroup", group.path}}, *(group.*value));
    }
  }

  void WriteCpu(TextFormat& out) const {
    out.Family("node_cgroup_cpu_seconds_total", "CPU time used by a control group.", FamilyType::kCounter);
    for (const CgroupStats& group : groups_) {
      if (group.user) out.Sample({{"cgroup", group.path}, {"mode", "user"}}, *group.user);
      if (group.system) out.Sample({{"cgroup", group.path}, {"mode", "system"}}, *group.system);
    }
    WriteOne({"node_cgroup_cpu_throttled_seconds_total",
              "Time a control group waited because its CPU quota was used up.", FamilyType::kCounter},
             &CgroupStats::throttled, out);
    WriteOne({"node_cgroup_cpu_throttled_periods_total", "Periods in which a control group used up its CPU quota.",
              FamilyType::kCounter},
             &CgroupStats::periods_throttled, out);
  }

  void WriteMemory(TextFormat& out) const {
    WriteOne({"node_cgroup_memory_bytes", "Memory used by a control group, page cache included."}, &CgroupStats::memory,
             out);
    WriteOne({"node_cgroup_memory_max_bytes", "Limit of the memory of a control group; absent without one."},
             &CgroupStats::memory_max, out);
    WriteOne({"node_cgroup_memory_swap_bytes", "Swap used by a control group."}, &CgroupStats::swap, out);
    out.Family("node_cgroup_memory_events_total", "Times a control group met a limit of its memory.",
               FamilyType::kCounter);
    for (const CgroupStats& group : groups_) {
      for (std::size_t i = 0; i < kMemoryEvents.size(); ++i) {
        if (group.events[i]) out.Sample({{"cgroup", group.path}, {"event", kMemoryEvents[i]}}, *group.events[i]);
      }
    }
  }

  void WriteIo(TextFormat& out) const {
    out.Family("node_cgroup_io_bytes_total", "Bytes read from and written to block devices by a control group.",
               FamilyType::kCounter);
    for (const CgroupStats& group : groups_) {
      if (!group.io) continue;
      out.Sample({{"cgroup", group.path}, {"operation", "read"}}, group.io->read_bytes);
      out.Sample({{"cgroup", group.path}, {"operation", "write"}}, group.io->written_bytes);
    }
    out.Family("node_cgroup_io_operations_total", "Operations on block devices of a control group.",
               FamilyType::kCounter);
    for (const CgroupStats& group : groups_) {
      if (!group.io) continue;
      out.Sample({{"cgroup", group.path}, {"operation", "read"}}, group.io->reads);
      out.Sample({{"cgroup", group.path}, {"operation", "write"}}, group.io->writes);
    }
  }

  void WriteRest(TextFormat& out) const {
    WriteOne({"node_cgroup_pids", "Processes and threads of a control group."}, &CgroupStats::pids, out);
    WriteOne({"node_cgroup_pids_max", "Limit of the processes and threads of a control group; absent without one."},
             &CgroupStats::pids_max, out);
    struct Pressure {
      MetricText metric;
      std::array<std::optional<double>, 3> CgroupStats::*values;
    };
    static constexpr std::array<Pressure, 2> kPressures{{
        {{"node_cgroup_pressure_waiting_seconds_total", "Time in which some process of a control group waited.",
          FamilyType::kCounter},
         &CgroupStats::some},
        {{"node_cgroup_pressure_stalled_seconds_total", "Time in which no process of a control group made progress.",
          FamilyType::kCounter},
         &CgroupStats::full},
    }};
    for (const Pressure& pressure : kPressures) {
      out.Family(pressure.metric);
      for (const CgroupStats& group : groups_) {
        for (std::size_t i = 0; i < kResources.size(); ++i) {
          const auto& value = (group.*pressure.values)[i];
          if (value) out.Sample({{"cgroup", group.path}, {"resource", kResources[i]}}, *value);
        }
      }
    }
  }

  std::string root_;
  const HostOptions& options_;
  DeviceFilter filter_;
  std::vector<CgroupStats> groups_;
  std::size_t skipped_ = 0;
};

}  // namespace

HostPartResult MakeCgroupPart(HostContext& context) {
  const HostOptions& options = context.options;
  VEDETTE_TRY(DeviceFilter filter,
              DeviceFilter::Compile("host.cgroup", options.cgroup_exclude, options.cgroup_include));
  return HostPartResult(std::make_unique<CgroupPart>(context, std::move(filter)));
}

}  // namespace vedette::collector
