// Prometheus' http_config: credentials, TLS, redirects, proxy, headers.
#include <algorithm>
#include <cctype>
#include <filesystem>

#include "config/http_section.h"
#include "config/section_check.h"

namespace vedette::config {
namespace {

constexpr Field<BasicAuth> kBasicAuthFields[] = {
    {"username", Set<&BasicAuth::username>},
    {"username_file", Set<&BasicAuth::username_file>},
    {"password", Set<&BasicAuth::password>},
    {"password_file", Set<&BasicAuth::password_file>},
};

constexpr Field<Authorization> kAuthorizationFields[] = {
    {"type", Set<&Authorization::type>},
    {"credentials", Set<&Authorization::credentials>},
    {"credentials_file", Set<&Authorization::credentials_file>},
};

Status ReadTlsVersion(const YamlNode& node, std::string& out) {
  VEDETTE_TRY(out, node.As<std::string>());
  for (const std::string_view known : {"TLS10", "TLS11", "TLS12", "TLS13"}) {
    if (out == known) return Ok();
  }
  return node.At(fmt::format("unknown TLS version: {}", out));
}

constexpr Field<TlsOptions> kTlsFields[] = {
    {"ca", Set<&TlsOptions::ca>},
    {"cert", Set<&TlsOptions::cert>},
    {"key", Set<&TlsOptions::key>},
    {"ca_file", Set<&TlsOptions::ca_file>},
    {"cert_file", Set<&TlsOptions::cert_file>},
    {"key_file", Set<&TlsOptions::key_file>},
    {"server_name", Set<&TlsOptions::server_name>},
    {"insecure_skip_verify", Set<&TlsOptions::insecure_skip_verify>},
    {"min_version", [](const YamlNode& node, TlsOptions& out) { return ReadTlsVersion(node, out.min_version); }},
    {"max_version", [](const YamlNode& node, TlsOptions& out) { return ReadTlsVersion(node, out.max_version); }},
};

/// As Go writes it: "x-api-key" is X-Api-Key.
std::string CanonicalHeader(std::string_view name) {
  std::string out(name);
  bool first = true;
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    c = static_cast<char>(first ? std::toupper(byte) : std::tolower(byte));
    first = c == '-';
  }
  return out;
}

/// Headers that belong to the connection, to the request, or to another key of the configuration; sorted.
constexpr std::string_view kNotSettable[] = {
    "Accept-Encoding",
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Host",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "User-Agent",
    "Www-Authenticate",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
};
static_assert(std::ranges::is_sorted(kNotSettable));

Status ReadHeaders(const YamlNode& node, HttpConfig& out) {
  struct Values {
    Texts values, secrets, files;
  };
  static constexpr Field<Values> kFields[] = {
      {"values", Set<&Values::values>}, {"secrets", Set<&Values::secrets>}, {"files", Set<&Values::files>}};
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    if (const std::string name = CanonicalHeader(entry.key); std::ranges::binary_search(kNotSettable, name)) {
      return node.At(fmt::format("setting header {} is not allowed", Quote(name)));
    }
    Values values;
    VEDETTE_CHECK(ReadFields<Values>(entry.value, kFields, values, "http_headers"));
    for (std::string& value : values.values) out.headers.emplace_back(entry.key, Secret(std::move(value)));
    for (std::string& value : values.secrets) out.headers.emplace_back(entry.key, Secret(std::move(value)));
    for (std::string& file : values.files) out.header_files.emplace_back(entry.key, std::move(file));
  }
  return Ok();
}

Status ReadAuthorization(const YamlNode& node, HttpConfig& out) {
  Authorization& authorization = out.authorization.emplace();
  VEDETTE_CHECK(ReadFields<Authorization>(node, kAuthorizationFields, authorization, "authorization"));
  std::string type = authorization.type;
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (type == "basic") return node.At("authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
  return Ok();
}

constexpr Field<HttpConfig> kHttpFields[] = {
    {"authorization", ReadAuthorization},
    {"basic_auth",
     [](const YamlNode& node, HttpConfig& out) {
       return ReadFields<BasicAuth>(node, kBasicAuthFields, out.basic_auth.emplace(), "basic_auth");
     }},
    {"bearer_token",
     [](const YamlNode& node, HttpConfig& out) {
       if (!out.authorization) out.authorization.emplace();
       return ReadValue(node, out.authorization->credentials);
     }},
    {"bearer_token_file",
     [](const YamlNode& node, HttpConfig& out) {
       if (!out.authorization) out.authorization.emplace();
       return ReadValue(node, out.authorization->credentials_file);
     }},
    {"enable_http2",
     [](const YamlNode& node, HttpConfig&) -> Status {
       VEDETTE_TRY([[maybe_unused]] const bool wanted, node.As<bool>());  // HTTP/1.1 serves both
       return Ok();
     }},
    {"follow_redirects", Set<&HttpConfig::follow_redirects>},
    {"http_headers", ReadHeaders},
    {"no_proxy", OfProxy<HttpConfig, &ProxyOptions::no_proxy>},
    {"oauth2", [](const YamlNode& node, HttpConfig& out) { return ReadOauth2(node, out.oauth2.emplace()); }},
    {"proxy_connect_header", ConnectHeader<HttpConfig>},
    {"proxy_from_environment", OfProxy<HttpConfig, &ProxyOptions::proxy_from_environment>},
    {"proxy_url", ProxyUrl<HttpConfig>},
    {"tls_config", [](const YamlNode& node, HttpConfig& out) { return ReadTls(node, out.tls); }},
};

}  // namespace

Error AtMostOne(const YamlNode& section, std::string_view names) {
  return section.At(fmt::format("at most one of {} must be configured", names));
}

Status UseFile(const YamlNode& section, const SectionContext& context, std::string_view what, std::string& path) {
  if (path.empty()) return Ok();
  path = ResolvePath(context.base_dir, path);
  std::error_code ignored;
  if (context.files == FileCheck::kNamedFiles && !std::filesystem::exists(path, ignored)) {
    return section.At(fmt::format("{} file '{}' does not exist", what, path));
  }
  return Ok();
}

Status ReadTls(const YamlNode& node, TlsOptions& out) {
  return ReadFields<TlsOptions>(node, kTlsFields, out, "tls_config");
}

Status IsTlsConfig(const YamlNode& value) {
  TlsOptions tls;
  return ReadTls(value, tls);
}

Status CheckTls(const YamlNode& section, const SectionContext& context, TlsOptions& tls) {
  if (!tls.ca.empty() && !tls.ca_file.empty()) return AtMostOne(section, "ca & ca_file");
  if (!tls.cert.empty() && !tls.cert_file.empty()) return AtMostOne(section, "cert & cert_file");
  if (!tls.key.empty() && !tls.key_file.empty()) return AtMostOne(section, "key & key_file");
  if ((tls.cert.empty() && tls.cert_file.empty()) != (tls.key.empty() && tls.key_file.empty())) {
    return section.At(
        "exactly one of key or key_file must be configured when a client certificate is, and the other way round");
  }
  VEDETTE_CHECK(UseFile(section, context, "CA certificate", tls.ca_file));
  VEDETTE_CHECK(UseFile(section, context, "client certificate", tls.cert_file));
  VEDETTE_CHECK(UseFile(section, context, "client key", tls.key_file));
  return Ok();
}

Status ReadConnectHeader(const YamlNode& node, ProxyOptions& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    Texts values;
    VEDETTE_CHECK(ReadValue(entry.value, values));
    for (std::string& value : values) out.proxy_connect_header.emplace_back(entry.key, Secret(std::move(value)));
  }
  return Ok();
}

Status CheckProxy(const YamlNode& section, const ProxyOptions& proxy) {
  const bool named = !proxy.proxy_url.empty(), from_environment = proxy.proxy_from_environment;
  if (!proxy.proxy_connect_header.empty() && !named && !from_environment) {
    return section.At(
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured");
  }
  if (from_environment && named) {
    return section.At("if proxy_from_environment is configured, proxy_url must not be configured");
  }
  if (from_environment && !proxy.no_proxy.empty()) {
    return section.At("if proxy_from_environment is configured, no_proxy must not be configured");
  }
  if (!named && !proxy.no_proxy.empty()) {
    return section.At("if no_proxy is configured, proxy_url must also be configured");
  }
  return Ok();
}

Result<bool> ReadHttpConfigKey(const YamlNode::Entry& entry, HttpConfig& out) {
  const auto row = std::ranges::find(kHttpFields, entry.key, &Field<HttpConfig>::key);
  if (row == std::end(kHttpFields)) return false;
  if (!entry.value.IsNull()) VEDETTE_CHECK(row->read(entry.value, out));
  return true;
}

Status CheckHttpConfig(const YamlNode& section, const SectionContext& context, HttpConfig& config) {
  const bool bearer = section.Has("bearer_token") || section.Has("bearer_token_file");
  if (section.Has("bearer_token") && section.Has("bearer_token_file")) {
    return AtMostOne(section, "bearer_token & bearer_token_file");
  }
  if (bearer && section.Has("authorization"))
    return AtMostOne(section, "authorization, bearer_token & bearer_token_file");
  if (config.oauth2 && (config.basic_auth || config.authorization)) {
    return AtMostOne(section, bearer ? "basic_auth, oauth2, bearer_token & bearer_token_file"
                                     : "basic_auth, oauth2 & authorization");
  }
  if (config.basic_auth && config.authorization) {
    return AtMostOne(section, "basic_auth, oauth2, bearer_token & bearer_token_file");
  }
  if (auto& auth = config.authorization) {
    if (!auth->credentials.empty() && !auth->credentials_file.empty()) {
      return AtMostOne(section, "authorization credentials & credentials_file");
    }
    VEDETTE_CHECK(UseFile(section, context, "credentials", auth->credentials_file));
  }
  if (auto& auth = config.basic_auth) {
    if (!auth->username.empty() && !auth->username_file.empty()) {
      return AtMostOne(section, "basic_auth username & username_file");
    }
    if (!auth->password.empty() && !auth->password_file.empty()) {
      return AtMostOne(section, "basic_auth password & password_file");
    }
    VEDETTE_CHECK(UseFile(section, context, "username", auth->username_file));
    VEDETTE_CHECK(UseFile(section, context, "password", auth->password_file));
  }
  for (auto& [name, file] : config.header_files) VEDETTE_CHECK(UseFile(section, context, "header", file));
  VEDETTE_CHECK(CheckProxy(section, config));
  if (config.oauth2) VEDETTE_CHECK(CheckOauth2(*section.Get("oauth2"), context, *config.oauth2));
  return CheckTls(section, context, config.tls);
}

void ResolveFiles(const std::string& base_dir, HttpConfig& config) {
  const auto resolve = [&](std::string& path) { path = ResolvePath(base_dir, path); };
  const auto resolve_tls = [&](TlsOptions& tls) {
    for (std::string* path : {&tls.ca_file, &tls.cert_file, &tls.key_file}) resolve(*path);
  };
  if (config.authorization) resolve(config.authorization->credentials_file);
  if (config.basic_auth) {
    resolve(config.basic_auth->username_file);
    resolve(config.basic_auth->password_file);
  }
  if (config.oauth2) {
    resolve(config.oauth2->client_secret_file);
    resolve(config.oauth2->client_certificate_key_file);
    resolve_tls(config.oauth2->tls);
  }
  for (auto& [name, file] : config.header_files) resolve(file);
  resolve_tls(config.tls);
}

Status ReadHttpConfig(const YamlNode& node, HttpConfig& out) {
  return ReadFields<HttpConfig>(node, kHttpFields, out, "http_config");
}

}  // namespace vedette::config
