// process_top: which programs use the CPUs, the memory and the disks.
//
// Processes are added up by name of the program (comm), so that a label value means the same after a restart, and only
// the first few names of each ranking are shown. A name that was shown stays for ten minutes, so that rate() has
// something to work with; at most four times process_top_groups names are there at once. Counters are sums of what was
// seen of each process between two readings: they never go back when a process ends, and what a process does between
// the last reading and its end is missed.
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <unordered_map>
#include <vector>

#include <unistd.h>

#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

constexpr double kClockTicks = 100;  // USER_HZ
constexpr auto kShownFor = std::chrono::minutes(10);
constexpr std::size_t kMaxProcesses = 50'000;
/// Names that are remembered; processes of further ones are counted as "other".
constexpr std::size_t kMaxNames = 5000;

struct ProcessStat {
  std::string comm;
  double ticks = 0, start = 0, rss_pages = 0, threads = 0;
};

/// "kworker/u8:3-ext4-rsv-conversion" is "kworker/ext4-rsv-conversion": the kernel's workers are numbered, and named
/// after what they do at the moment. Idle ones are "kworker".
std::string_view ProgramName(std::string_view comm, std::string& room) {
  constexpr std::string_view kWorker = "kworker/";
  if (!comm.starts_with(kWorker)) return comm;
  room = "kworker";
  const std::size_t work = comm.find_first_of("-+", kWorker.size());
  if (work != std::string_view::npos && work + 1 < comm.size()) room.append("/").append(comm.substr(work + 1));
  return room;
}

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  const std::size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  std::string room;
  ProcessStat stat{.comm = std::string(ProgramName(text.substr(open + 1, close - open - 1), room))};
  std::string_view rest = text.substr(close + 1);
  constexpr int kUtime = 11, kStime = 12, kThreads = 17, kStart = 19, kRss = 21;  // counted from the state
  for (int i = 0; i <= kRss; ++i) {
    const std::string_view field = NextField(rest);
    if (i != kUtime && i != kStime && i != kThreads && i != kStart && i != kRss) continue;
    const auto value = ParseCount(Trimmed(field));
    if (!value) return std::nullopt;
    if (i == kUtime || i == kStime) stat.ticks += *value;
    if (i == kThreads) stat.threads = *value;
    if (i == kStart) stat.start = *value;
    if (i == kRss) stat.rss_pages = *value;
  }
  return stat;
}

class ProcessTopPart final : public HostPart {
 public:
  explicit ProcessTopPart(HostContext& context)
      : root_(context.Proc("")), clock_(context.clock), wanted_(context.options.process_top_groups) {}

  Status Collect(TextFormat& out) override {
    const std::vector<std::string> pids = ListNumbered(root_, "");
    if (pids.empty()) return Fail(Code::kNotFound, "no processes in {}", root_);
    ++reading_;
    for (auto& [name, group] : groups_) group.Restart();
    for (std::size_t i = 0; i < std::min(pids.size(), kMaxProcesses); ++i) ReadProcess(pids[i]);
    std::erase_if(known_, [&](const auto& entry) { return entry.second.reading != reading_; });
    Choose();
    Write(out);
    first_ = false;
    return Ok();
  }

 private:
  struct Known {  // of one process, since the last reading
    double start = 0, ticks = 0, read = 0, written = 0;
    std::uint64_t reading = 0;
  };
  struct Group {
    double cpu = 0, read = 0, written = 0;  // counters
    double rss = 0, processes = 0, threads = 0;
    double cpu_now = 0, io_now = 0;  // since the last reading
    std::chrono::nanoseconds shown_until{0};
    void Restart() { rss = processes = threads = cpu_now = io_now = 0; }
  };

  void ReadProcess(const std::string& pid) {
    const auto text = ReadHostFile(root_ + pid + "/stat");
    const auto stat = text ? ParseProcessStat(*text) : std::nullopt;
    if (!stat) return;  // it has ended
    Known& known = known_[pid];
    const bool fresh = known.reading == 0 || known.start != stat->start;
    Group& group = GroupOf(stat->comm);
    static const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    group.rss += stat->rss_pages * page;
    group.threads += stat->threads;
    ++group.processes;
    const double ticks = stat->ticks - (fresh ? 0 : known.ticks);
    double read = known.read, written = known.written;
    // Who does I/O uses the CPU; the others' counters need not be read.
    if (fresh || ticks > 0) ReadIo(pid, read, written);
    // What a process did before this collector first looked is no news; what a new one did is.
    if (!(fresh && first_)) {
      group.cpu_now += std::max(ticks, 0.0) / kClockTicks;
      const double more_read = std::max(read - (fresh ? 0 : known.read), 0.0);
      const double more_written = std::max(written - (fresh ? 0 : known.written), 0.0);
      group.io_now += more_read + more_written;
      group.read += more_read;
      group.written += more_written;
      group.cpu += std::max(ticks, 0.0) / kClockTicks;
    }
    known = {stat->start, stat->ticks, read, written, reading_};
  }

  /// Only root may look at other users' processes: without, their numbers stay 0.
  void ReadIo(const std::string& pid, double& read, double& written) const {
    const auto text = ReadHostFile(root_ + pid + "/io");
    if (!text) return;
    std::string_view rest = *text;
    while (auto line = NextLine(rest)) {
      const std::string_view key = NextField(*line);
      const auto value = ParseCount(NextField(*line));
      if (value && key == "read_bytes:") read = *value;
      if (value && key == "write_bytes:") written = *value;
    }
  }

  Group& GroupOf(const std::string& comm) {
    const auto at = groups_.find(comm);
    if (at != groups_.end()) return at->second;
    return groups_.size() < kMaxNames ? groups_[comm] : groups_["other"];
  }

  void Choose() {
    const auto now = clock_.Monotonic();
    std::erase_if(groups_,
                  [&](const auto& entry) { return entry.second.processes == 0 && entry.second.shown_until < now; });
    for (double Group::*key : {&Group::cpu_now, &Group::rss, &Group::io_now}) {
      std::vector<Group*> ranked;
      for (auto& [name, group] : groups_) {
        if (group.*key > 0) ranked.push_back(&group);
      }
      const std::size_t top = std::min(wanted_, ranked.size());
      std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(top), ranked.end(),
                        [&](const Group* a, const Group* b) { return a->*key > b->*key; });
      for (std::size_t i = 0; i < top; ++i) ranked[i]->shown_until = now + kShownFor;
    }
    shown_.clear();
    for (const auto& [name, group] : groups_) {
      if (group.shown_until >= now && group.shown_until.count() > 0) shown_.emplace_back(name, &group);
    }
    // Those that were in a ranking last come first.
    std::sort(shown_.begin(), shown_.end(), [](const auto& a, const auto& b) {
      return a.second->shown_until != b.second->shown_until ? a.second->shown_until > b.second->shown_until
                                                            : a.first < b.first;
    });
    constexpr std::size_t kRoom = 4;
    if (shown_.size() > kRoom * wanted_) shown_.resize(kRoom * wanted_);
    std::sort(shown_.begin(), shown_.end());
  }

  void Write(TextFormat& out) const {
    struct Column {
      MetricText metric;
      double Group::*value;
    };
    static constexpr auto kColumns = std::to_array<Column>({
        {{"node_process_top_cpu_seconds_total", "CPU time used by the processes of a name since they were first seen.",
          FamilyType::kCounter},
         &Group::cpu},
        {{"node_process_top_processes", "Processes of a name."}, &Group::processes},
        {{"node_process_top_read_bytes_total", "Bytes that processes of a name had read from storage.",
          FamilyType::kCounter},
         &Group::read},
        {{"node_process_top_resident_memory_bytes",
          "Resident memory of the processes of a name; what they share is counted for each."},
         &Group::rss},
        {{"node_process_top_threads", "Threads of the processes of a name."}, &Group::threads},
        {{"node_process_top_written_bytes_total", "Bytes that processes of a name had written to storage.",
          FamilyType::kCounter},
         &Group::written},
    });
    for (const Column& column : kColumns) {
      out.Family(column.metric);
      for (const auto& [name, group] : shown_) out.Sample({{"comm", name}}, group->*column.value);
    }
    out.Single({"node_process_top_names", "Names of programs that run."}, static_cast<double>(groups_.size()));
  }

  std::string root_;
  const Clock& clock_;
  std::size_t wanted_;
  bool first_ = true;
  std::uint64_t reading_ = 0;
  std::unordered_map<std::string, Known> known_;
  std::unordered_map<std::string, Group> groups_;
  std::vector<std::pair<std::string, const Group*>> shown_;
};

}  // namespace

HostPartResult MakeProcessTopPart(HostContext& context) {
  return HostPartResult(std::make_unique<ProcessTopPart>(context));
}

}  // namespace vedette::collector
