// ipvs: the kernel's load balancer: connections and traffic, and the backends of each virtual service.
#include <array>
#include <map>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

struct IpvsAddress {
  std::string address, port;
};

/// "C0A80016:0CEA", or "[2620:0000:...]:0050".
Result<IpvsAddress> ParseIpvsAddress(std::string_view text) {
  const auto bad = [&] { return Fail(Code::kBadData, "'{}' in ip_vs is no address", text.substr(0, 64)); };
  constexpr std::size_t kV4 = 13, kV6 = 46, kPortDigits = 4;
  if (text.size() != kV4 && text.size() != kV6) return bad();
  const auto port = ParseHex(text.substr(text.size() - kPortDigits));
  if (!port) return bad();
  IpvsAddress out{.address = {}, .port = std::to_string(*port)};
  if (text.size() == kV4) {
    const auto raw = ParseHex(text.substr(0, 8));
    if (!raw) return bad();
    out.address = fmt::format("{}.{}.{}.{}", *raw >> 24, *raw >> 16 & 255, *raw >> 8 & 255, *raw & 255);
    return out;
  }
  in6_addr raw{};
  std::array<char, INET6_ADDRSTRLEN> printed{};
  if (::inet_pton(AF_INET6, std::string(text.substr(1, 39)).c_str(), &raw) != 1) return bad();
  ::inet_ntop(AF_INET6, &raw, printed.data(), printed.size());
  out.address = printed.data();
  return out;
}

class IpvsPart final : public HostPart {
 public:
  explicit IpvsPart(HostContext& context)
      : stats_(context.Proc("net/ip_vs_stats")), table_(context.Proc("net/ip_vs")), labels_(context.options) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_CHECK(WriteTotals(out));
    VEDETTE_TRY(const std::string_view text, table_.Read());
    VEDETTE_CHECK(ReadBackends(text));
    struct Column {
      MetricText metric;
      double Backend::*value;
    };
    static constexpr std::array<Column, 3> kColumns{{
        {{"node_ipvs_backend_connections_active", "The current active connections by local and remote address."},
         &Backend::active},
        {{"node_ipvs_backend_connections_inactive", "The current inactive connections by local and remote address."},
         &Backend::inactive},
        {{"node_ipvs_backend_weight", "The current backend weight by local and remote address."}, &Backend::weight},
    }};
    for (const Column& column : kColumns) {
      out.Family(column.metric);
      for (const auto& [values, backend] : backends_) {
        std::vector<LabelView> labels;
        for (std::size_t i = 0; i < kLabels.size(); ++i) {
          if (labels_.wanted[i]) labels.push_back({kLabels[i], values[i]});
        }
        out.Sample(labels, backend.*column.value);
      }
    }
    return Ok();
  }

 private:
  /// Sorted, as they are written.
  static constexpr std::array<std::string_view, 6> kLabels{"local_address", "local_mark",     "local_port",
                                                           "proto",         "remote_address", "remote_port"};
  using Values = std::array<std::string, kLabels.size()>;

  struct WantedLabels {
    explicit WantedLabels(const HostOptions& options) {
      for (std::size_t i = 0; i < kLabels.size(); ++i) {
        for (const std::string& name : options.ipvs_backend_labels) wanted[i] |= name == kLabels[i];
      }
    }
    std::array<bool, kLabels.size()> wanted{};
  };

  struct Backend {
    double active = 0, inactive = 0, weight = 0;
  };

  Status WriteTotals(TextFormat& out) {
    static constexpr std::array<MetricText, 5> kTotals{{
        {"node_ipvs_connections_total", "The total number of connections made.", FamilyType::kCounter},
        {"node_ipvs_incoming_packets_total", "The total number of incoming packets.", FamilyType::kCounter},
        {"node_ipvs_outgoing_packets_total", "The total number of outgoing packets.", FamilyType::kCounter},
        {"node_ipvs_incoming_bytes_total", "The total amount of incoming data.", FamilyType::kCounter},
        {"node_ipvs_outgoing_bytes_total", "The total amount of outgoing data.", FamilyType::kCounter},
    }};
    VEDETTE_TRY(std::string_view text, stats_.Read());
    NextLine(text);
    NextLine(text);
    std::string_view line = NextLine(text).value_or("");
    for (const MetricText& total : kTotals) {
      const std::string_view field = NextField(line);
      const auto value = ParseHex(field);
      if (!value) return Fail(Code::kBadData, "'{}' in {} is not a number", field.substr(0, 64), stats_.path());
      out.Single(total, static_cast<double>(*value));
    }
    return Ok();
  }

  Status ReadBackends(std::string_view text) {
    backends_.clear();
    Values service{"", "", "0", "", "", ""};
    std::vector<std::string_view> fields;
    while (const auto line = NextLine(text)) {
      SplitFields(*line, fields);
      if (fields.size() < 2) continue;
      if (fields[0] == "TCP" || fields[0] == "UDP") {
        VEDETTE_TRY(const IpvsAddress local, ParseIpvsAddress(fields[1]));
        service = {local.address, "", local.port, std::string(fields[0]), "", ""};
      } else if (fields[0] == "FWM") {
        service = {"", std::string(fields[1]), "0", "FWM", "", ""};
      } else if (fields[0] == "->" && fields.size() >= 6 && fields[1] != "RemoteAddress:Port") {
        VEDETTE_CHECK(AddBackend(service, fields));
      }
    }
    return Ok();
  }

  Status AddBackend(Values values, const std::vector<std::string_view>& fields) {
    VEDETTE_TRY(IpvsAddress remote, ParseIpvsAddress(fields[1]));
    values[4] = std::move(remote.address);
    values[5] = std::move(remote.port);
    // What is told apart only by labels that are not wanted is summed.
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!labels_.wanted[i]) values[i].clear();
    }
    VEDETTE_TRY(const double weight, NeedCount(fields[3], table_.path()));
    VEDETTE_TRY(const double active, NeedCount(fields[4], table_.path()));
    VEDETTE_TRY(const double inactive, NeedCount(fields[5], table_.path()));
    Backend& backend = backends_[std::move(values)];
    backend.weight += weight;
    backend.active += active;
    backend.inactive += inactive;
    return Ok();
  }

  HostFile stats_, table_;
  WantedLabels labels_;
  std::map<Values, Backend> backends_;
};

}  // namespace

HostPartResult MakeIpvsPart(HostContext& context) { return HostPartResult(std::make_unique<IpvsPart>(context)); }

}  // namespace vedette::collector
