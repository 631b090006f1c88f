// The `http` section of a module of service checks, and what all kinds of modules read alike.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "config/probe_reader.h"
#include "core/http_head.h"
#include "core/url.h"

namespace vedette::config {

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

namespace {

using collector::HttpProbe;

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
  if (!http::IsToken(probe.method)) return node.At(fmt::format("'{}' is no HTTP method", probe.method));
  for (const auto& [name, value] : probe.headers) {
    if (!http::IsToken(name) || value.find_first_of("\r\n") != std::string::npos) {
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

}  // namespace

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

}  // namespace vedette::config
