// Prometheus' http_config: credentials, TLS, redirects, proxy, headers.
#include <algorithm>
#include <filesystem>

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

Status ReadHeaders(const YamlNode& node, HttpConfig& out) {
  struct Values {
    std::vector<std::string> values;
    std::vector<std::string> secrets;
  };
  static constexpr Field<Values> kFields[] = {{"values", Set<&Values::values>},
                                              {"secrets", Set<&Values::secrets>},
                                              {"files", Checked<std::vector<std::string>>}};
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    Values values;
    VEDETTE_CHECK(ReadFields<Values>(entry.value, kFields, values, "http_headers"));
    for (std::string& value : values.values) out.headers.emplace_back(entry.key, Secret(std::move(value)));
    for (std::string& value : values.secrets) out.headers.emplace_back(entry.key, Secret(std::move(value)));
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

Status IsHeaderLists(const YamlNode& node) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) VEDETTE_CHECK(Is<Texts>(entry.value));
  return Ok();
}

Status CheckOauth2(const YamlNode& node, HttpConfig&) {
  static constexpr KeyCheck kKeys[] = {{"client_id", Is<std::string>},
                                       {"client_secret", Is<std::string>},
                                       {"client_secret_file", Is<std::string>},
                                       {"client_certificate_key_id", Is<std::string>},
                                       {"client_certificate_key", Is<std::string>},
                                       {"client_certificate_key_file", Is<std::string>},
                                       {"signature_algorithm", Is<std::string>},
                                       {"iss", Is<std::string>},
                                       {"audience", Is<std::string>},
                                       {"claims", Is<TextMap>},
                                       {"grant_type", Is<std::string>},
                                       {"scopes", Is<std::vector<std::string>>},
                                       {"token_url", IsHttpUrl},
                                       {"endpoint_params", Is<TextMap>},
                                       {"tls_config", IsTlsConfig},
                                       {"no_proxy", Is<std::string>},
                                       {"proxy_url", IsHttpUrl},
                                       {"proxy_from_environment", Is<bool>},
                                       {"proxy_connect_header", IsHeaderLists}};
  VEDETTE_CHECK(CheckKeys(node, "oauth2", kKeys));
  VEDETTE_CHECK(NeedTexts(node, {"client_id", "token_url"}, "oauth2 {} must be configured"));
  if (IsSet(node, "client_secret") && IsSet(node, "client_secret_file")) {
    return node.At("at most one of oauth2 client_secret & client_secret_file must be configured");
  }
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
    {"no_proxy", Checked<std::string>},
    {"oauth2", CheckOauth2},
    {"proxy_connect_header", [](const YamlNode& node, HttpConfig&) { return IsHeaderLists(node); }},
    {"proxy_from_environment", Checked<bool>},
    {"proxy_url", [](const YamlNode& node, HttpConfig& out) { return ReadHttpUrl(node, out.proxy_url); }},
    {"tls_config", [](const YamlNode& node,
                      HttpConfig& out) { return ReadFields<TlsOptions>(node, kTlsFields, out.tls, "tls_config"); }},
};

Error AtMostOne(const YamlNode& section, std::string_view names) {
  return section.At(fmt::format("at most one of {} must be configured", names));
}

/// Makes a path absolute and, when files are checked, sure that it can be opened.
Status UseFile(const YamlNode& section, const SectionContext& context, std::string_view what, std::string& path) {
  if (path.empty()) return Ok();
  path = ResolvePath(context.base_dir, path);
  std::error_code ignored;
  if (context.files == FileCheck::kNamedFiles && !std::filesystem::exists(path, ignored)) {
    return section.At(fmt::format("{} file '{}' does not exist", what, path));
  }
  return Ok();
}

}  // namespace

Status IsTlsConfig(const YamlNode& value) {
  TlsOptions tls;
  return ReadFields<TlsOptions>(value, kTlsFields, tls, "tls_config");
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
  if (IsSet(section, "oauth2") && (config.basic_auth || config.authorization)) {
    return AtMostOne(section, "basic_auth, oauth2 & authorization");
  }
  if (IsSet(section, "proxy_url") && TextOf(section, "proxy_from_environment") == "true") {
    return section.At("if proxy_from_environment is configured, proxy_url must not be configured");
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
  TlsOptions& tls = config.tls;
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

Status ReadHttpConfig(const YamlNode& node, HttpConfig& out) {
  return ReadFields<HttpConfig>(node, kHttpFields, out, "http_config");
}

}  // namespace vedette::config
