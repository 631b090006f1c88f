// loadavg, stat, pressure, filefd and entropy: single numbers of the whole machine.
#include <array>
#include <vector>

#include "collector/host/fields.h"
#include "collector/host/parts.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

class LoadavgPart final : public HostPart {
 public:
  explicit LoadavgPart(HostContext& context) : file_(context.Proc("loadavg")) {}

  Status Collect(TextFormat& out) override {
    static constexpr std::array<MetricText, 3> kLoads{
        {{"node_load1", "1m load average."}, {"node_load5", "5m load average."}, {"node_load15", "15m load average."}}};
    VEDETTE_TRY(std::string_view text, file_.Read());
    for (const MetricText& load : kLoads) {
      const std::string_view field = NextField(text);
      const std::optional<double> value = ParseFloat(field);
      if (!value) return Fail(Code::kBadData, "'{}' in {} is not a number", field.substr(0, 64), file_.path());
      out.Single(load, *value);
    }
    return Ok();
  }

 private:
  HostFile file_;
};

class StatPart final : public HostPart {
 public:
  explicit StatPart(HostContext& context) : context_(context) {}

  Status Collect(TextFormat& out) override {
    struct Row {
      std::string_view key;
      MetricText metric;
    };
    static constexpr std::array<Row, 6> kRows{{
        {"btime", {"node_boot_time_seconds", "Node boot time, in unixtime."}},
        {"ctxt", {"node_context_switches_total", "Total number of context switches.", FamilyType::kCounter}},
        {"intr", {"node_intr_total", "Total number of interrupts serviced.", FamilyType::kCounter}},
        {"processes", {"node_forks_total", "Total number of forks.", FamilyType::kCounter}},
        {"procs_blocked", {"node_procs_blocked", "Number of processes blocked waiting for I/O to complete."}},
        {"procs_running", {"node_procs_running", "Number of processes in runnable state."}},
    }};
    VEDETTE_TRY(std::string_view text, context_.ProcStat());
    std::size_t found = 0;
    while (auto line = NextLine(text)) {
      const std::string_view key = NextField(*line);
      if (key == "softirq" && context_.options.stat_softirq) VEDETTE_CHECK(WriteSoftirqs(*line, out));
      const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.key == key; });
      if (row == kRows.end()) continue;
      VEDETTE_TRY(const double value, NeedCount(NextField(*line), context_.Proc("stat")));
      out.Single(row->metric, value);
      ++found;
    }
    if (found != kRows.size()) {
      return Fail(Code::kBadData, "{} has {} of {} lines", context_.Proc("stat"), found, kRows.size());
    }
    return Ok();
  }

 private:
  /// The sum, then one number for each vector in the order of the kernel's enum.
  Status WriteSoftirqs(std::string_view line, TextFormat& out) const {
    static constexpr std::array<std::string_view, 10> kVectors{"hi",           "timer",   "net_tx", "net_rx",  "block",
                                                               "block_iopoll", "tasklet", "sched",  "hrtimer", "rcu"};
    NextField(line);
    out.Family("node_softirqs_total", "Number of softirq calls.", FamilyType::kCounter);
    for (const std::string_view vector : kVectors) {
      VEDETTE_TRY(const double value, NeedCount(NextField(line), context_.Proc("stat")));
      out.Sample({{"vector", vector}}, value);
    }
    return Ok();
  }

  HostContext& context_;
};

class PressurePart final : public HostPart {
 public:
  explicit PressurePart(HostContext& context)
      : cpu_(context.Proc("pressure/cpu")),
        io_(context.Proc("pressure/io")),
        memory_(context.Proc("pressure/memory")) {}

  Status Collect(TextFormat& out) override {
    static constexpr MetricText kCpu{"node_pressure_cpu_waiting_seconds_total",
                                     "Total time in seconds that processes have waited for CPU time",
                                     FamilyType::kCounter};
    static constexpr MetricText kIoSome{"node_pressure_io_waiting_seconds_total",
                                        "Total time in seconds that processes have waited due to IO congestion",
                                        FamilyType::kCounter};
    static constexpr MetricText kIoFull{"node_pressure_io_stalled_seconds_total",
                                        "Total time in seconds no process could make progress due to IO congestion",
                                        FamilyType::kCounter};
    static constexpr MetricText kMemorySome{"node_pressure_memory_waiting_seconds_total",
                                            "Total time in seconds that processes have waited for memory",
                                            FamilyType::kCounter};
    static constexpr MetricText kMemoryFull{
        "node_pressure_memory_stalled_seconds_total",
        "Total time in seconds no process could make progress due to memory congestion", FamilyType::kCounter};
    VEDETTE_CHECK(Write(cpu_, &kCpu, nullptr, out));
    VEDETTE_CHECK(Write(io_, &kIoSome, &kIoFull, out));
    return Write(memory_, &kMemorySome, &kMemoryFull, out);
  }

 private:
  static Status Write(HostFile& file, const MetricText* some, const MetricText* full, TextFormat& out) {
    constexpr double kMicros = 1e6;
    VEDETTE_TRY(std::string_view text, file.Read());
    for (const auto& [kind, metric] : {std::pair("some", some), std::pair("full", full)}) {
      if (metric == nullptr) continue;
      VEDETTE_TRY(const double total, Total(text, kind, file.path()));
      out.Single(*metric, total / kMicros);
    }
    return Ok();
  }

  static Result<double> Total(std::string_view text, std::string_view kind, std::string_view file) {
    constexpr std::string_view kKey = "total=";
    while (auto line = NextLine(text)) {
      if (NextField(*line) != kind) continue;
      for (std::string_view field = NextField(*line); !field.empty(); field = NextField(*line)) {
        if (field.starts_with(kKey)) return NeedCount(field.substr(kKey.size()), file);
      }
    }
    return Fail(Code::kBadData, "no total of '{}' in {}", kind, file);
  }

  HostFile cpu_, io_, memory_;
};

class FilefdPart final : public HostPart {
 public:
  explicit FilefdPart(HostContext& context) : file_(context.Proc("sys/fs/file-nr")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::string_view text, file_.Read());
    std::string_view line = Trimmed(text);
    VEDETTE_TRY(const double allocated, NeedCount(NextField(line), file_.path()));
    NextField(line);  // free: always 0 since 2.6
    VEDETTE_TRY(const double maximum, NeedCount(NextField(line), file_.path()));
    out.Single({"node_filefd_allocated", "File descriptor statistics: allocated."}, allocated);
    out.Single({"node_filefd_maximum", "File descriptor statistics: maximum."}, maximum);
    return Ok();
  }

 private:
  HostFile file_;
};

class EntropyPart final : public HostPart {
 public:
  explicit EntropyPart(HostContext& context)
      : available_(context.Proc("sys/kernel/random/entropy_avail")),
        pool_(context.Proc("sys/kernel/random/poolsize")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_CHECK(Write(available_, {"node_entropy_available_bits", "Bits of available entropy."}, out));
    return Write(pool_, {"node_entropy_pool_size_bits", "Bits of entropy pool."}, out);
  }

 private:
  static Status Write(HostFile& file, const MetricText& metric, TextFormat& out) {
    VEDETTE_TRY(const std::string_view text, file.Read());
    VEDETTE_TRY(const double value, NeedCount(Trimmed(text), file.path()));
    out.Single(metric, value);
    return Ok();
  }

  HostFile available_, pool_;
};

}  // namespace

HostPartResult MakeLoadavgPart(HostContext& context) { return HostPartResult(std::make_unique<LoadavgPart>(context)); }
HostPartResult MakeStatPart(HostContext& context) { return HostPartResult(std::make_unique<StatPart>(context)); }
HostPartResult MakePressurePart(HostContext& context) {
  return HostPartResult(std::make_unique<PressurePart>(context));
}
HostPartResult MakeFilefdPart(HostContext& context) { return HostPartResult(std::make_unique<FilefdPart>(context)); }
HostPartResult MakeEntropyPart(HostContext& context) { return HostPartResult(std::make_unique<EntropyPart>(context)); }

}  // namespace vedette::collector
