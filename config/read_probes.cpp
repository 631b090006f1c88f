// `probes:` and the file of modules it names: blackbox_exporter's blackbox.yml, read as it is.
//
// Every key is checked. A module that needs what is not there (gRPC, HTTP/3, CEL ...) is kept with the reason and its
// place: the agent starts, warns, and refuses to run that module, so that a stock blackbox.yml does not have to be cut.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "collector/probe/dns_message.h"
#include "config/probe_reader.h"

namespace vedette::config {
namespace {

using collector::DnsProbe;
using collector::DnsValidator;
using collector::IcmpProbe;
using collector::ProbeKind;
using collector::ProbeLabel;
using collector::ProbeModule;
using collector::ProbeModules;
using collector::ProbeOptions;
using collector::QueryResponse;
using collector::TcpProbe;

/// Go's durations: "1h30m", "1.5s", "500ms".
Status ReadGoDuration(const YamlNode& node, Millis& out) {
  struct Unit {
    std::string_view name;
    double millis;
  };
  static constexpr Unit kUnits[] = {{"ns", 1e-6}, {"us", 1e-3}, {"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}};
  VEDETTE_TRY(const std::string text, node.As<std::string>());
  const auto bad = [&] { return node.At(fmt::format("'{}' is no duration", text)); };
  double millis = 0;
  std::string_view rest = text;
  if (rest == "0") rest = "0s";
  if (rest.empty()) return bad();
  while (!rest.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) return bad();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::string_view name = rest.substr(0, std::min(rest.find_first_of("0123456789."), rest.size()));
    const auto unit = std::ranges::find(kUnits, name, &Unit::name);
    if (unit == std::end(kUnits)) return bad();
    millis += number * unit->millis;
    rest.remove_prefix(name.size());
  }
  constexpr double kMaxMillis = 1e15;
  if (millis > kMaxMillis) return bad();
  out = Millis(static_cast<std::int64_t>(millis));
  return Ok();
}

Status ReadTls(const YamlNode& node, TlsOptions& out, const SectionContext& context) {
  // As a section of an http_config, which knows how to read and check it.
  HttpConfig http;
  VEDETTE_CHECK(
      ReadHttpConfigKey({.key = "tls_config", .line = node.line(), .column = node.column(), .value = node}, http));
  VEDETTE_CHECK(CheckHttpConfig(node, context, http));
  out = std::move(http.tls);
  return Ok();
}

Status ReadQueryResponse(const YamlNode& node, QueryResponse& out) {
  static constexpr Field<ProbeLabel> kLabelFields[] = {{"name", Set<&ProbeLabel::name>},
                                                       {"value", Set<&ProbeLabel::value>}};
  static constexpr Field<QueryResponse> kFields[] = {
      {"expect",
       [](const YamlNode& value, QueryResponse& step) { return ReadSearchRegex(value, step.expect.emplace()); }},
      {"expect_bytes", Set<&QueryResponse::expect_bytes>},
      {"labels",
       [](const YamlNode& value, QueryResponse& step) {
         return ReadList(value, step.labels, "label", [](const YamlNode& item, ProbeLabel& label) -> Status {
           VEDETTE_CHECK(ReadFields<ProbeLabel>(item, kLabelFields, label, "config.Label"));
           return IsLegacyLabelName(label.name) ? Ok()
                                                : Status(item.At(fmt::format("'{}' is no label name", label.name)));
         });
       }},
      {"send", Set<&QueryResponse::send>},
      {"starttls", Set<&QueryResponse::starttls>},
  };
  VEDETTE_CHECK(ReadFields<QueryResponse>(node, kFields, out, "type config.plain"));
  if (out.expect && !out.expect_bytes.empty()) return node.At("expect and expect_bytes are mutually exclusive");
  return Ok();
}

Status ReadTcpProbe(const YamlNode& node, ModuleReader& out) {
  struct Reader {
    TcpProbe probe;
    const SectionContext* context = nullptr;
  };
  static constexpr Field<Reader> kFields[] = {
      {"preferred_ip_protocol", [](const YamlNode& value, Reader& in) { return PreferredIp(value, in.probe); }},
      {"ip_protocol_fallback", [](const YamlNode& value, Reader& in) { return IpFallback(value, in.probe); }},
      {"source_ip_address",
       [](const YamlNode& value, Reader& in) { return ReadValue(value, in.probe.source_ip_address); }},
      {"query_response",
       [](const YamlNode& value, Reader& in) {
         return ReadList(value, in.probe.query_response, "query_response", ReadQueryResponse);
       }},
      {"tls", [](const YamlNode& value, Reader& in) { return ReadValue(value, in.probe.tls); }},
      {"tls_config",
       [](const YamlNode& value, Reader& in) { return ReadTls(value, in.probe.tls_config, *in.context); }},
  };
  Reader reader{.probe = {}, .context = out.context};
  VEDETTE_CHECK(ReadFields<Reader>(node, kFields, reader, "type config.plain"));
  out.module.tcp = std::move(reader.probe);
  return Ok();
}

Status ReadDnsValidator(const YamlNode& node, DnsValidator& out) {
  static constexpr Field<DnsValidator> kFields[] = {
      {"fail_if_matches_regexp",
       [](const YamlNode& value, DnsValidator& in) { return ReadSearchRegexes(value, in.fail_if_matches); }},
      {"fail_if_all_match_regexp",
       [](const YamlNode& value, DnsValidator& in) { return ReadSearchRegexes(value, in.fail_if_all_match); }},
      {"fail_if_not_matches_regexp",
       [](const YamlNode& value, DnsValidator& in) { return ReadSearchRegexes(value, in.fail_if_not_matches); }},
      {"fail_if_none_matches_regexp",
       [](const YamlNode& value, DnsValidator& in) { return ReadSearchRegexes(value, in.fail_if_none_matches); }},
  };
  return ReadFields<DnsValidator>(node, kFields, out, "type config.plain");
}

Status ReadRcodes(const YamlNode& node, DnsProbe& out) {
  VEDETTE_TRY(const std::vector<YamlNode> items, node.Sequence());
  out.valid_rcodes.clear();
  for (const YamlNode& item : items) {
    VEDETTE_TRY(const std::string name, item.As<std::string>());
    const auto rcode = collector::DnsRcodeByName(name);
    if (!rcode) return item.At(fmt::format("rcode '{}' is not valid", name));
    out.valid_rcodes.push_back(*rcode);
  }
  return Ok();
}

struct DnsReader {
  DnsProbe probe;
  const SectionContext* context = nullptr;
};
constexpr Field<DnsReader> kDnsProbeFields[] = {
    {"preferred_ip_protocol", [](const YamlNode& value, DnsReader& in) { return PreferredIp(value, in.probe); }},
    {"ip_protocol_fallback", [](const YamlNode& value, DnsReader& in) { return IpFallback(value, in.probe); }},
    {"dns_over_tls", [](const YamlNode& value, DnsReader& in) { return ReadValue(value, in.probe.over_tls); }},
    {"tls_config",
     [](const YamlNode& value, DnsReader& in) { return ReadTls(value, in.probe.tls_config, *in.context); }},
    {"source_ip_address",
     [](const YamlNode& value, DnsReader& in) { return ReadValue(value, in.probe.source_ip_address); }},
    {"transport_protocol",
     [](const YamlNode& value, DnsReader& in) -> Status {
       VEDETTE_TRY(const std::string text, value.As<std::string>());
       if (!text.empty() && text != "udp" && text != "tcp") {
         return value.At(fmt::format("Expected transport protocol udp or tcp, not '{}'", text));
       }
       in.probe.tcp = text == "tcp";
       return Ok();
     }},
    {"query_class",
     [](const YamlNode& value, DnsReader& in) -> Status {
       VEDETTE_TRY(const std::string text, value.As<std::string>());
       const auto number = collector::DnsClassByName(text);
       if (!text.empty() && !number) return value.At(fmt::format("query class '{}' is not valid", text));
       if (number) in.probe.query_class = *number;
       return Ok();
     }},
    {"query_name", [](const YamlNode& value, DnsReader& in) { return ReadValue(value, in.probe.query_name); }},
    {"query_type",
     [](const YamlNode& value, DnsReader& in) -> Status {
       VEDETTE_TRY(const std::string text, value.As<std::string>());
       const auto number = collector::DnsTypeByName(text);
       if (!text.empty() && !number) return value.At(fmt::format("query type '{}' is not valid", text));
       if (number) in.probe.query_type = *number;
       return Ok();
     }},
    {"recursion_desired", [](const YamlNode& value, DnsReader& in) { return ReadValue(value, in.probe.recursion); }},
    {"valid_rcodes", [](const YamlNode& value, DnsReader& in) { return ReadRcodes(value, in.probe); }},
    {"validate_answer_rrs",
     [](const YamlNode& value, DnsReader& in) { return ReadDnsValidator(value, in.probe.answer); }},
    {"validate_authority_rrs",
     [](const YamlNode& value, DnsReader& in) { return ReadDnsValidator(value, in.probe.authority); }},
    {"validate_additional_rrs",
     [](const YamlNode& value, DnsReader& in) { return ReadDnsValidator(value, in.probe.additional); }},
};

Status ReadDnsProbe(const YamlNode& node, ModuleReader& out) {
  DnsReader reader{.probe = {}, .context = out.context};
  VEDETTE_CHECK(ReadFields<DnsReader>(node, kDnsProbeFields, reader, "type config.plain"));
  if (reader.probe.query_name.empty()) return node.At("query name must be set for DNS module");
  if (reader.probe.over_tls && !reader.probe.tcp) {
    return node.At("Expected transport protocol tcp for dns_over_tls");
  }
  if (const auto query = collector::EncodeDnsQuery({.name = reader.probe.query_name}); !query) {
    return node.At(query.error().message);
  }
  out.module.dns = std::move(reader.probe);
  return Ok();
}

Status ReadIcmpProbe(const YamlNode& node, ModuleReader& out) {
  static constexpr Field<IcmpProbe> kFields[] = {
      {"preferred_ip_protocol", PreferredIp<IcmpProbe>},         {"ip_protocol_fallback", IpFallback<IcmpProbe>},
      {"source_ip_address", Set<&IcmpProbe::source_ip_address>}, {"payload_size", Set<&IcmpProbe::payload_size>},
      {"dont_fragment", Set<&IcmpProbe::dont_fragment>},         {"ttl", Set<&IcmpProbe::ttl>},
  };
  VEDETTE_CHECK(ReadFields<IcmpProbe>(node, kFields, out.module.icmp, "type config.plain"));
  constexpr std::size_t kMaxPayload = 65'507;  // what fits into a packet
  if (out.module.icmp.ttl < 0) return node.At("\"ttl\" cannot be negative");
  if (out.module.icmp.ttl > 255) return node.At("\"ttl\" cannot exceed 255");
  if (out.module.icmp.payload_size > kMaxPayload)
    return node.At(fmt::format("\"payload_size\" cannot exceed {}", kMaxPayload));
  return Ok();
}

// --- what is only checked

Status IsQueryResponses(const YamlNode& node) {
  std::vector<QueryResponse> ignored;
  return ReadList(node, ignored, "query_response", ReadQueryResponse);
}
Status IsHttpConfigSection(const YamlNode& node) {
  HttpConfig ignored;
  return ReadHttpConfig(node, ignored);
}
Status IsTextLists(const YamlNode& node) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) VEDETTE_CHECK(Is<Texts>(entry.value));
  return Ok();
}
Status IsHeaderMap(const YamlNode& node) {
  VEDETTE_CHECK(node.Map());
  return Ok();
}
Status CheckGrpc(const YamlNode& node, ModuleReader&) {
  static constexpr KeyCheck kKeys[] = {{"service", Is<Text>},
                                       {"tls", Is<bool>},
                                       {"tls_config", IsTlsConfig},
                                       {"ip_protocol_fallback", Is<bool>},
                                       {"preferred_ip_protocol", Is<Text>},
                                       {"metadata", IsTextLists}};
  return CheckKeys(node, "type config.plain", kKeys);
}
Status CheckUnix(const YamlNode& node, ModuleReader&) {
  static constexpr KeyCheck kKeys[] = {
      {"query_response", IsQueryResponses}, {"tls", Is<bool>}, {"tls_config", IsTlsConfig}};
  return CheckKeys(node, "type config.plain", kKeys);
}
Status CheckWebsocket(const YamlNode& node, ModuleReader&) {
  static constexpr KeyCheck kKeys[] = {{"http_config", IsHttpConfigSection},
                                       {"headers", IsHeaderMap},
                                       {"query_response", IsQueryResponses},
                                       {"preferred_ip_protocol", Is<Text>},
                                       {"ip_protocol_fallback", Is<bool>}};
  return CheckKeys(node, "type config.plain", kKeys);
}

Status ReadProberName(const YamlNode& node, ModuleReader& out) {
  static constexpr std::pair<std::string_view, ProbeKind> kProbeKinds[] = {
      {"http", ProbeKind::kHttp}, {"tcp", ProbeKind::kTcp}, {"dns", ProbeKind::kDns}, {"icmp", ProbeKind::kIcmp}};
  VEDETTE_TRY(const std::string name, node.As<std::string>());
  for (const auto& [known, kind] : kProbeKinds) {
    if (known != name) continue;
    out.module.kind = kind;
    return Ok();
  }
  if (name != "grpc" && name != "unix" && name != "websocket") {
    return node.At(fmt::format("prober '{}' is not valid", name));
  }
  out.module.unsupported.clear();
  out.NotThere(node, fmt::format("prober {}", name));
  return Ok();
}

constexpr Field<ModuleReader> kModuleFields[] = {
    {"prober", ReadProberName},
    {"timeout", [](const YamlNode& node, ModuleReader& out) { return ReadGoDuration(node, out.module.timeout); }},
    {"http", ReadHttpProbe},
    {"tcp", ReadTcpProbe},
    {"icmp", ReadIcmpProbe},
    {"dns", ReadDnsProbe},
    {"grpc", CheckGrpc},
    {"unix", CheckUnix},
    {"websocket", CheckWebsocket},
};

constexpr std::string_view kBuiltinModules = R"yaml(modules:
  http_2xx:
    prober: http
  http_post_2xx:
    prober: http
    http:
      method: POST
  tcp_connect:
    prober: tcp
  pop3s_banner:
    prober: tcp
    tcp:
      query_response:
        - expect: "^+OK"
      tls: true
  ssh_banner:
    prober: tcp
    tcp:
      query_response:
        - expect: "^SSH-2.0-"
        - send: "SSH-2.0-blackbox-ssh-check"
  irc_banner:
    prober: tcp
    tcp:
      query_response:
        - send: "NICK prober"
        - send: "USER prober prober prober :prober"
        - expect: "PING :([^ ]+)"
          send: "PONG ${1}"
        - expect: "^:[^ ]+ 001"
  icmp:
    prober: icmp
  icmp_ttl5:
    prober: icmp
    timeout: 5s
    icmp:
      ttl: 5
)yaml";

}  // namespace

Result<ProbeModules> ReadProbeModules(const YamlNode& root, const SectionContext& context) {
  ProbeModules modules;
  VEDETTE_CHECK(root.ExpectKeys({"modules"}));
  VEDETTE_TRY(const YamlNode list, root.Need("modules"));
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, list.Map());
  for (const YamlNode::Entry& entry : entries) {
    ModuleReader reader{.module = {}, .context = &context};
    VEDETTE_CHECK(ReadFields<ModuleReader>(entry.value, kModuleFields, reader, "type config.plain"));
    if (!IsSet(entry.value, "prober")) return entry.value.At("prober '' is not valid");
    if (TextOf(entry.value, "prober") == "dns" && !entry.value.Has("dns")) {
      return entry.value.At("query name must be set for DNS module");
    }
    reader.module.text = MaskedProbeModule(entry.value);
    modules.emplace(entry.key, std::move(reader.module));
  }
  return modules;
}

Result<ProbeModules> LoadProbeModules(const std::string& path) {
  YamlDocument document;
  if (path.empty()) {
    VEDETTE_TRY(document, ParseYaml(kBuiltinModules, "built-in modules"));
  } else {
    VEDETTE_TRY(document, LoadYamlFile(path));
  }
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(path.empty() ? "x" : path, ignored).parent_path();
  // As for blackbox_exporter, a certificate that is not there fails the probes that want it, not the start.
  return ReadProbeModules(document.root, {.base_dir = folder.string(), .files = FileCheck::kSyntaxOnly});
}

Status ReadProbes(const YamlNode& node, const SectionContext& context, ProbeOptions& out) {
  static constexpr Field<ProbeOptions> kFields[] = {
      {"enabled", Set<&ProbeOptions::enabled>},
      {"modules_file", Set<&ProbeOptions::modules_file>},
      {"timeout_offset", Set<&ProbeOptions::timeout_offset>},
      {"max_concurrent", Set<&ProbeOptions::max_concurrent>},
  };
  out.enabled = true;  // a `probes:` section without keys switches them on
  VEDETTE_CHECK(ReadFields<ProbeOptions>(node, kFields, out, "probes"));
  out.forbidden = !out.enabled;
  if (out.timeout_offset.count() < 0) return node.At("timeout_offset must not be negative");
  if (out.max_concurrent == 0) return node.At("max_concurrent must be positive");
  out.modules_file = ResolvePath(context.base_dir, out.modules_file);
  if (out.modules_file.empty() || context.files == FileCheck::kSyntaxOnly) return Ok();
  VEDETTE_TRY(out.modules, LoadProbeModules(out.modules_file));
  return Ok();
}

}  // namespace vedette::config
