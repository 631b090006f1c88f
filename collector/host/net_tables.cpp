// arp, conntrack, softnet and udp_queues: tables of the network stack, counted or summed.
#include <array>
#include <map>
#include <vector>

#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

class ArpPart final : public HostPart {
 public:
  ArpPart(HostContext& context, DeviceFilter devices) : file_(context.Proc("net/arp")), devices_(std::move(devices)) {}

  Status Collect(TextFormat& out) override {
    constexpr std::size_t kColumns = 6;  // the device is the last one
    VEDETTE_TRY(std::string_view text, file_.Read());
    std::map<std::string_view, int> entries;
    if (!NextLine(text)) return Fail(Code::kBadData, "{} is empty", file_.path());
    while (const auto line = NextLine(text)) {
      SplitFields(*line, fields_);
      if (fields_.size() < kColumns) return Fail(Code::kBadData, "short line '{}' in {}", *line, file_.path());
      if (devices_.Wanted(fields_[kColumns - 1])) ++entries[fields_[kColumns - 1]];
    }
    out.Family("node_arp_entries", "ARP entries by device", FamilyType::kGauge);
    for (const auto& [device, count] : entries) out.Sample({{"device", device}}, count);
    return Ok();
  }

 private:
  HostFile file_;
  DeviceFilter devices_;
  std::vector<std::string_view> fields_;
};

struct ConntrackColumn {
  std::string_view column;  // in the head line of /proc/net/stat/nf_conntrack
  MetricText metric;
};
constexpr auto kConntrackColumns = std::to_array<ConntrackColumn>({
    {"drop", {"node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure."}},
    {"early_drop",
     {"node_nf_conntrack_stat_early_drop",
      "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached."}},
    {"found", {"node_nf_conntrack_stat_found", "Number of searched entries which were successful."}},
    {"ignore",
     {"node_nf_conntrack_stat_ignore", "Number of packets seen which are already connected to a conntrack entry."}},
    {"insert", {"node_nf_conntrack_stat_insert", "Number of entries inserted into the list."}},
    {"insert_failed",
     {"node_nf_conntrack_stat_insert_failed", "Number of entries for which list insertion was attempted but failed."}},
    {"invalid", {"node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked."}},
    {"search_restart",
     {"node_nf_conntrack_stat_search_restart",
      "Number of conntrack table lookups which had to be restarted due to hashtable resizes."}},
});

class ConntrackPart final : public HostPart {
 public:
  explicit ConntrackPart(HostContext& context)
      : count_(context.Proc("sys/net/netfilter/nf_conntrack_count")),
        max_(context.Proc("sys/net/netfilter/nf_conntrack_max")),
        stat_(context.Proc("net/stat/nf_conntrack")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_CHECK(WriteNumber(
        count_, {"node_nf_conntrack_entries", "Number of currently allocated flow entries for connection tracking."},
        out));
    VEDETTE_CHECK(
        WriteNumber(max_, {"node_nf_conntrack_entries_limit", "Maximum size of connection tracking table."}, out));
    VEDETTE_TRY(std::string_view text, stat_.Read());
    const auto head = NextLine(text);
    if (!head) return Fail(Code::kBadData, "{} is empty", stat_.path());
    SplitFields(*head, names_);
    std::vector<double> sums(names_.size());
    while (const auto line = NextLine(text)) VEDETTE_CHECK(AddCpu(*line, sums));
    for (const ConntrackColumn& column : kConntrackColumns) {
      const auto at = std::find(names_.begin(), names_.end(), column.column);
      if (at != names_.end()) out.Single(column.metric, sums[static_cast<std::size_t>(at - names_.begin())]);
    }
    return Ok();
  }

 private:
  static Status WriteNumber(HostFile& file, const MetricText& metric, TextFormat& out) {
    VEDETTE_TRY(const std::string_view text, file.Read());
    VEDETTE_TRY(const double value, NeedCount(Trimmed(text), file.path()));
    out.Single(metric, value);
    return Ok();
  }

  Status AddCpu(std::string_view line, std::vector<double>& sums) const {
    for (double& sum : sums) {
      const std::string_view field = NextField(line);
      const auto value = ParseHex(field);
      if (!value) return Fail(Code::kBadData, "'{}' in {} is not a number", field.substr(0, 64), stat_.path());
      sum += static_cast<double>(*value);
    }
    return Ok();
  }

  HostFile count_, max_, stat_;
  std::vector<std::string_view> names_;
};

class SoftnetPart final : public HostPart {
 public:
  explicit SoftnetPart(HostContext& context) : file_(context.Proc("net/softnet_stat")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    rows_.clear();
    while (const auto line = NextLine(text)) VEDETTE_CHECK(AddCpu(*line));
    struct Column {
      MetricText metric;
      double Row::*value;
    };
    static constexpr std::array<Column, 3> kColumns{{
        {{"node_softnet_dropped_total", "Number of dropped packets", FamilyType::kCounter}, &Row::dropped},
        {{"node_softnet_processed_total", "Number of processed packets", FamilyType::kCounter}, &Row::processed},
        {{"node_softnet_times_squeezed_total", "Number of times processing packets ran out of quota",
          FamilyType::kCounter},
         &Row::squeezed},
    }};
    for (const Column& column : kColumns) {
      out.Family(column.metric);
      for (const Row& row : rows_) out.Sample({{"cpu", row.cpu}}, row.*column.value);
    }
    return Ok();
  }

 private:
  struct Row {
    std::string cpu;
    double processed = 0, dropped = 0, squeezed = 0;
  };

  Status AddCpu(std::string_view line) {
    constexpr std::size_t kOldestKernelColumns = 9;
    constexpr std::size_t kCpuColumn = 12;  // since 5.10; before that the line number is the CPU
    std::vector<std::uint64_t> values;
    for (std::string_view field = NextField(line); !field.empty(); field = NextField(line)) {
      const auto value = ParseHex(field);
      if (!value) return Fail(Code::kBadData, "'{}' in {} is not a number", field.substr(0, 64), file_.path());
      values.push_back(*value);
    }
    if (values.size() < kOldestKernelColumns) return Fail(Code::kBadData, "short line in {}", file_.path());
    const std::uint64_t cpu = values.size() > kCpuColumn ? values[kCpuColumn] : rows_.size();
    rows_.push_back({std::to_string(cpu), static_cast<double>(values[0]), static_cast<double>(values[1]),
                     static_cast<double>(values[2])});
    return Ok();
  }

  HostFile file_;
  std::vector<Row> rows_;
};

class UdpQueuesPart final : public HostPart {
 public:
  explicit UdpQueuesPart(HostContext& context) : v4_(context.Proc("net/udp")), v6_(context.Proc("net/udp6")) {}

  Status Collect(TextFormat& out) override {
    out.Family("node_udp_queues", "Number of allocated memory in the kernel for UDP datagrams in bytes.",
               FamilyType::kGauge);
    VEDETTE_CHECK(Write(v4_, "v4", out));
    const Status v6 = Write(v6_, "v6", out);
    if (!v6 && v6.error().code == Code::kNotFound) return Ok();
    return v6;
  }

 private:
  static Status Write(HostFile& file, std::string_view ip, TextFormat& out) {
    constexpr std::size_t kQueuesColumn = 4;  // "tx_queue:rx_queue", hexadecimal
    VEDETTE_TRY(std::string_view text, file.Read());
    const auto head = NextLine(text);
    if (!head || head->find("tx_queue") == std::string_view::npos) {
      return Fail(Code::kBadData, "{} has an unknown format", file.path());
    }
    double transmit = 0, receive = 0;
    while (auto line = NextLine(text)) {
      std::string_view field;
      for (std::size_t i = 0; i <= kQueuesColumn; ++i) field = NextField(*line);
      const std::size_t colon = std::min(field.find(':'), field.size());
      const auto tx = ParseHex(field.substr(0, colon));
      const auto rx = ParseHex(field.substr(std::min(colon + 1, field.size())));
      if (!tx || !rx) return Fail(Code::kBadData, "queues '{}' in {}", field.substr(0, 64), file.path());
      transmit += static_cast<double>(*tx);
      receive += static_cast<double>(*rx);
    }
    out.Sample({{"ip", ip}, {"queue", "rx"}}, receive);
    out.Sample({{"ip", ip}, {"queue", "tx"}}, transmit);
    return Ok();
  }

  HostFile v4_, v6_;
};

}  // namespace

HostPartResult MakeArpPart(HostContext& context) {
  const HostOptions& options = context.options;
  VEDETTE_TRY(DeviceFilter devices,
              DeviceFilter::Compile("host.arp_device", options.arp_device_exclude, options.arp_device_include));
  return HostPartResult(std::make_unique<ArpPart>(context, std::move(devices)));
}
HostPartResult MakeConntrackPart(HostContext& context) {
  return HostPartResult(std::make_unique<ConntrackPart>(context));
}
HostPartResult MakeSoftnetPart(HostContext& context) { return HostPartResult(std::make_unique<SoftnetPart>(context)); }
HostPartResult MakeUdpQueuesPart(HostContext& context) {
  return HostPartResult(std::make_unique<UdpQueuesPart>(context));
}

}  // namespace vedette::collector
