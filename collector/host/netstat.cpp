// netstat and sockstat: counters of the protocol layers, sockets in use.
#include <vector>

#include <unistd.h>

#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

class NetstatPart final : public HostPart {
 public:
  NetstatPart(HostContext& context, NameFilter wanted)
      : netstat_(context.Proc("net/netstat")),
        snmp_(context.Proc("net/snmp")),
        snmp6_(context.Proc("net/snmp6")),
        wanted_(std::move(wanted)) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_CHECK(WritePairs(netstat_, out));
    VEDETTE_CHECK(WritePairs(snmp_, out));
    return WriteList(out);
  }

 private:
  /// "Tcp: InSegs OutSegs" followed by "Tcp: 12 34".
  Status WritePairs(HostFile& file, TextFormat& out) {
    VEDETTE_TRY(std::string_view text, file.Read());
    while (auto names = NextLine(text)) {
      auto values = NextLine(text);
      const std::string_view protocol = NextField(*names);
      if (!values || NextField(*values) != protocol || !protocol.ends_with(':')) {
        return Fail(Code::kBadData, "'{}' without its line of values in {}", protocol.substr(0, 64), file.path());
      }
      for (std::string_view name = NextField(*names); !name.empty(); name = NextField(*names)) {
        const std::string_view value = NextField(*values);
        VEDETTE_CHECK(Write(protocol.substr(0, protocol.size() - 1), name, value, file.path(), out));
      }
    }
    return Ok();
  }

  /// "Ip6InReceives 12": the protocol ends with the 6.
  Status WriteList(TextFormat& out) {
    auto text = snmp6_.Read();
    if (!text && text.error().code == Code::kNotFound) return Ok();  // a kernel without IPv6
    if (!text) return text.error();
    while (auto line = NextLine(*text)) {
      const std::string_view name = NextField(*line);
      const std::size_t six = name.find('6');
      if (six == std::string_view::npos) continue;
      VEDETTE_CHECK(Write(name.substr(0, six + 1), name.substr(six + 1), NextField(*line), snmp6_.path(), out));
    }
    return Ok();
  }

  Status Write(std::string_view protocol, std::string_view name, std::string_view value, std::string_view file,
               TextFormat& out) {
    key_.assign(protocol).append("_").append(name);
    if (!wanted_.Found(key_) || !IsLegacyLabelName(key_)) return Ok();
    VEDETTE_TRY(const double number, NeedCount(value, file));
    out.Family("node_netstat_" + key_, fmt::format("Statistic {}{}.", protocol, name), FamilyType::kUntyped);
    out.Sample(number);
    return Ok();
  }

  HostFile netstat_, snmp_, snmp6_;
  NameFilter wanted_;
  std::string key_;
};

class SockstatPart final : public HostPart {
 public:
  explicit SockstatPart(HostContext& context) : v4_(context.Proc("net/sockstat")), v6_(context.Proc("net/sockstat6")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_CHECK(Write(v4_, out));
    const Status v6 = Write(v6_, out);
    if (!v6 && v6.error().code == Code::kNotFound) return Ok();
    return v6;
  }

 private:
  /// "TCP: inuse 4 orphan 0 tw 0 alloc 4 mem 1".
  static Status Write(HostFile& file, TextFormat& out) {
    VEDETTE_TRY(std::string_view text, file.Read());
    while (auto line = NextLine(text)) {
      std::string_view protocol = NextField(*line);
      if (protocol.empty()) continue;
      if (!protocol.ends_with(':')) return Fail(Code::kBadData, "'{}' in {}", protocol.substr(0, 64), file.path());
      protocol.remove_suffix(1);
      if (!IsLegacyLabelName(protocol)) return Fail(Code::kBadData, "protocol '{}' in {}", protocol, file.path());
      for (std::string_view state = NextField(*line); !state.empty(); state = NextField(*line)) {
        VEDETTE_TRY(const double value, NeedCount(NextField(*line), file.path()));
        if (!IsLegacyLabelName(state)) return Fail(Code::kBadData, "state '{}' in {}", state, file.path());
        Sample(protocol, state, value, out);
      }
    }
    return Ok();
  }

  static void Sample(std::string_view protocol, std::string_view state, double value, TextFormat& out) {
    static const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
    if (protocol == "sockets") {
      out.Single({"node_sockstat_sockets_used", "Number of IPv4 sockets in use."}, value);
      return;
    }
    Family(protocol, state, out);
    out.Sample(value);
    if (state != "mem") return;
    Family(protocol, "mem_bytes", out);
    out.Sample(value * page_bytes);
  }

  static void Family(std::string_view protocol, std::string_view state, TextFormat& out) {
    out.Family(fmt::format("node_sockstat_{}_{}", protocol, state),
               fmt::format("Number of {} sockets in state {}.", protocol, state), FamilyType::kGauge);
  }

  HostFile v4_, v6_;
};

}  // namespace

HostPartResult MakeNetstatPart(HostContext& context) {
  VEDETTE_TRY(NameFilter wanted, NameFilter::Compile(context.options.netstat_fields));
  return HostPartResult(std::make_unique<NetstatPart>(context, std::move(wanted)));
}

HostPartResult MakeSockstatPart(HostContext& context) {
  return HostPartResult(std::make_unique<SockstatPart>(context));
}

}  // namespace vedette::collector
