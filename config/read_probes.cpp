// `probes:` and the file of modules it names: blackbox_exporter's blackbox.yml, read as it is.
//
// Every key is checked. A module that needs what is not there (gRPC, HTTP/3, CEL ...) is kept with the reason and its
// place: the agent starts, warns, and refuses to run that module, so that a stock blackbox.yml does not have to be cut.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "collector/probe/dns_message.h"
#include "config/section_check.h"
#include "core/url.h"

namespace vedette::config {
namespace {

using collector::DnsProbe;
using collector::DnsValidator;
using collector::HttpProbe;
using collector::IcmpProbe;
using collector::ProbeKind;
using collector::ProbeLabel;
using collector::ProbeModule;
using collector::ProbeModules;
using collector::ProbeOptions;
using collector::QueryResponse;
using collector::TcpProbe;

/// Where the tables of keys note what a module needs and is not there: the first of them.
struct ModuleReader {
  ProbeModule module;
  const SectionContext* context = nullptr;
  void NotThere(const YamlNode& node, std::string_view what) {
    if (module.unsupported.empty()) module.unsupported = node.At(fmt::format("{} is not supported", what)).message;
  }
};

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

Status ReadSearchRegex(const YamlNode& node, SearchRegex& out) {
  VEDETTE_TRY(const std::string text, node.As<std::string>());
  auto regex = SearchRegex::Compile(text);
  if (!regex) return node.At(fmt::format("\"Could not compile regular expression\" regexp=\"{}\"", text));
  out = *std::move(regex);
  return Ok();
}

Status ReadSearchRegexes(const YamlNode& node, std::vector<SearchRegex>& out) {
  VEDETTE_TRY(const std::vector<YamlNode> items, node.Sequence());
  for (const YamlNode& item : items) {
    SearchRegex regex;
    VEDETTE_CHECK(ReadSearchRegex(item, regex));
    out.push_back(std::move(regex));
  }
  return Ok();
}

/// Go takes "ip4" for itself and everything else but "ip6" for ip4, too; a wrong word is a mistake here.
Status ReadIpProtocol(const YamlNode& node, collector::IpChoice& out) {
  VEDETTE_TRY(const std::string text, node.As<std::string>());
  if (text != "ip4" && text != "ip6" && !text.empty()) return node.At(fmt::format("'{}' is neither ip4 nor ip6", text));
  out.prefer_ip4 = text == "ip4";
  return Ok();
}

template <class Probe>
Status PreferredIp(const YamlNode& node, Probe& out) {
  return ReadIpProtocol(node, out.ip);
}
template <class Probe>
Status IpFallback(const YamlNode& node, Probe& out) {
  return ReadValue(node, out.ip.fallback);
}

// --- http

struct HttpReader {
  HttpProbe probe;
  ModuleReader* module = nullptr;
  bool http3 = false;
};

Status ReadHeaderMatches(const YamlNode& node, std::vector<collector::HeaderMatch>& out) {
  using collector::HeaderMatch;
  static constexpr Field<HeaderMatch> kFields[] = {
      {"header", Set<&HeaderMatch::header>},
      {"regexp", [](const YamlNode& value, HeaderMatch& match) { return ReadSearchRegex(value, match.regexp); }},
      {"allow_missing", Set<&HeaderMatch::allow_missing>},
  };
  return ReadList(node, out, "header match", [](const YamlNode& item, HeaderMatch& match) -> Status {
    VEDETTE_CHECK(ReadFields<HeaderMatch>(item, kFields, match, "config.plain"));
    if (match.header.empty()) return item.At("header name must be set for HTTP header matchers");
    if (!IsSet(item, "regexp")) return item.At("regexp must be set for HTTP header matchers");
    return Ok();
  });
}

Status ReadStatusCodes(const YamlNode& node, HttpReader& out) {
  VEDETTE_TRY(const std::vector<YamlNode> items, node.Sequence());
  for (const YamlNode& item : items) {
    VEDETTE_TRY(const int code, item.As<int>());
    out.probe.valid_status_codes.push_back(code);
  }
  return Ok();
}

Status ReadCompression(const YamlNode& node, HttpReader& out) {
  VEDETTE_TRY(std::string text, node.As<std::string>());
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text == "br") out.module->NotThere(node, "compression br");
  static constexpr std::string_view kKnown[] = {"", "gzip", "deflate", "identity", "br"};
  if (std::ranges::find(kKnown, text) == std::end(kKnown)) return node.At("unsupported compression algorithm");
  out.probe.compression = text;
  return Ok();
}

Status ReadHttp3(const YamlNode& node, HttpReader& out) {
  VEDETTE_TRY(out.http3, node.As<bool>());
  if (out.http3) out.module->NotThere(node, "HTTP/3");
  return Ok();
}

Status ReadCel(const YamlNode& node, HttpReader& out) {
  VEDETTE_CHECK(node.As<std::string>());
  out.module->NotThere(node, "CEL");
  return Ok();
}

constexpr Field<HttpReader> kHttpProbeFields[] = {
    {"valid_status_codes", ReadStatusCodes},
    {"valid_http_versions",
     [](const YamlNode& node, HttpReader& out) { return ReadValue(node, out.probe.valid_http_versions); }},
    {"preferred_ip_protocol", [](const YamlNode& node, HttpReader& out) { return PreferredIp(node, out.probe); }},
    {"ip_protocol_fallback", [](const YamlNode& node, HttpReader& out) { return IpFallback(node, out.probe); }},
    {"skip_resolve_phase_with_proxy", Checked<bool>},
    {"no_follow_redirects",
     [](const YamlNode& node, HttpReader& out) -> Status {
       VEDETTE_TRY(const bool stay, node.As<bool>());
       out.probe.client.follow_redirects = !stay;
       return Ok();
     }},
    {"fail_if_ssl", [](const YamlNode& node, HttpReader& out) { return ReadValue(node, out.probe.fail_if_ssl); }},
    {"fail_if_not_ssl",
     [](const YamlNode& node, HttpReader& out) { return ReadValue(node, out.probe.fail_if_not_ssl); }},
    {"method", [](const YamlNode& node, HttpReader& out) { return ReadValue(node, out.probe.method); }},
    {"headers", [](const YamlNode& node, HttpReader& out) { return ReadValue(node, out.probe.headers); }},
    {"fail_if_body_matches_regexp",
     [](const YamlNode& node, HttpReader& out) { return ReadSearchRegexes(node, out.probe.fail_if_body_matches); }},
    {"fail_if_body_not_matches_regexp",
     [](const YamlNode& node, HttpReader& out) { return ReadSearchRegexes(node, out.probe.fail_if_body_not_matches); }},
    {"fail_if_body_json_matches_cel", ReadCel},
    {"fail_if_body_json_not_matches_cel", ReadCel},
    {"fail_if_header_matches",
     [](const YamlNode& node, HttpReader& out) { return ReadHeaderMatches(node, out.probe.fail_if_header_matches); }},
    {"fail_if_header_not_matches",
     [](const YamlNode& node, HttpReader& out) {
       return ReadHeaderMatches(node, out.probe.fail_if_header_not_matches);
     }},
    {"body", [](const YamlNode& node, HttpReader& out) { return ReadValue(node, out.probe.body); }},
    {"body_file", [](const YamlNode& node, HttpReader& out) { return ReadValue(node, out.probe.body_file); }},
    {"compression", ReadCompression},
    {"body_size_limit",
     [](const YamlNode& node, HttpReader& out) { return ReadBytes(node, out.probe.body_size_limit); }},
    {"enable_http3", ReadHttp3},
};

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// Whether a server that obeys `accepted` (an Accept-Encoding header) may answer with `compression`: the first of the
/// codings by weight that is it, or any, must not have the weight 0.
bool MayAnswerWith(std::string_view compression, std::string_view accepted) {
  struct Coding {
    std::string_view name;
    double weight = 1;
  };
  const auto trimmed = [](std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
  };
  if (compression.empty() || accepted.empty()) return true;
  std::vector<Coding> codings;
  for (std::size_t at = 0; at <= accepted.size();) {
    const std::size_t end = std::min(accepted.find(',', at), accepted.size());
    const std::string_view part = accepted.substr(at, end - at);
    at = end + 1;
    Coding coding{.name = trimmed(part.substr(0, part.rfind(';')))};
    if (const std::size_t semicolon = part.rfind(';'); semicolon != std::string_view::npos) {
      std::string_view weight = trimmed(part.substr(semicolon + 1));
      if (weight.starts_with("q=")) weight.remove_prefix(2);
      coding.weight = 0;
      std::from_chars(weight.data(), weight.data() + weight.size(), coding.weight);
    }
    codings.push_back(coding);
  }
  std::ranges::stable_sort(codings, std::ranges::greater{}, &Coding::weight);
  for (const Coding& coding : codings) {
    if (coding.name == compression || coding.name == "*") return coding.weight > 0;
  }
  return false;
}

Status CheckHttpProbe(const YamlNode& node, const HttpReader& reader) {
  const HttpProbe& probe = reader.probe;
  if (!probe.body.empty() && !probe.body_file.empty()) {
    return node.At("setting body and body_file both are not allowed");
  }
  if (!IsToken(probe.method)) return node.At(fmt::format("'{}' is no HTTP method", probe.method));
  for (const auto& [name, value] : probe.headers) {
    if (!IsToken(name) || value.find_first_of("\r\n") != std::string::npos) {
      return node.At(fmt::format("header {} cannot be sent", name));
    }
    if (EqualsIgnoreCase(name, "Accept-Encoding") && !MayAnswerWith(probe.compression, value)) {
      return node.At(
          fmt::format("invalid configuration \"{}: {}\", \"compression: {}\"", name, value, probe.compression));
    }
  }
  const auto has = [&](std::string_view version) {
    return std::ranges::find(probe.valid_http_versions, version) != probe.valid_http_versions.end();
  };
  if (!reader.http3 && has("HTTP/3.0")) {
    return node.At("HTTP/3 cannot be used as a valid HTTP version when enable_http3 is false");
  }
  if (reader.http3 && (has("HTTP/2.0") || has("HTTP/1.1"))) {
    return node.At(
        "HTTP/3 and HTTP/2.0/1.1 cannot be used together - only HTTP/3.0 is allowed when enable_http3 is true");
  }
  if (reader.http3 && TextOf(node, "enable_http2") != "false") {
    return node.At("when enable_http3 is true, enable_http2 must be set to false");
  }
  return Ok();
}

Status ReadHttpProbe(const YamlNode& node, ModuleReader& out) {
  HttpReader reader{.probe = {}, .module = &out};
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    VEDETTE_TRY(const bool taken, ReadHttpConfigKey(entry, reader.probe.client));
    if (taken) continue;
    const auto row = std::ranges::find(kHttpProbeFields, entry.key, &Field<HttpReader>::key);
    if (row == std::end(kHttpProbeFields)) {
      return Fail(Code::kBadData, "{}:{}:{}: field {} not found in type config.plain", node.file(), entry.line,
                  entry.column, entry.key);
    }
    if (!entry.value.IsNull()) VEDETTE_CHECK(row->read(entry.value, reader));
  }
  for (const std::string_view key : {"oauth2", "proxy_url", "proxy_connect_header"}) {
    if (IsSet(node, key)) out.NotThere(*node.Get(key), key);
  }
  if (TextOf(node, "proxy_from_environment") == "true") {
    out.NotThere(*node.Get("proxy_from_environment"), "proxy_from_environment");
  }
  VEDETTE_CHECK(CheckHttpConfig(node, *out.context, reader.probe.client));
  VEDETTE_CHECK(CheckHttpProbe(node, reader));
  reader.probe.body_file = ResolvePath(out.context->base_dir, reader.probe.body_file);
  if (reader.probe.method.empty()) reader.probe.method = "GET";
  out.module.http = std::move(reader.probe);
  return Ok();
}

// --- tcp, dns, icmp

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
