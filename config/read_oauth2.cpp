// The oauth2 section of http_config.
#include <cmath>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "config/http_section.h"
#include "config/section_check.h"

namespace vedette::config {
namespace {

/// An unquoted scalar is a number or a boolean if it reads as one.
nlohmann::json ScalarAsJson(const YamlNode& node) {
  if (node.quoted()) return node.text();
  if (const auto flag = node.As<bool>()) return *flag;
  if (const auto number = node.As<std::int64_t>()) return *number;
  if (const auto number = node.As<double>(); number && std::isfinite(*number)) return *number;
  return node.text();
}

nlohmann::json AsJson(const YamlNode& node) {
  if (node.IsScalar()) return ScalarAsJson(node);
  nlohmann::json out;
  if (node.IsSequence()) {
    out = nlohmann::json::array();
    for (const YamlNode& item : *node.Sequence()) out.push_back(AsJson(item));
  } else if (node.IsMap()) {
    out = nlohmann::json::object();
    for (const YamlNode::Entry& entry : *node.Map()) out[entry.key] = AsJson(entry.value);
  }
  return out;
}

Status ReadClaims(const YamlNode& node, OAuth2& out) {
  VEDETTE_CHECK(node.Map());
  out.claims_json = AsJson(node).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return Ok();
}

constexpr Field<OAuth2> kOauth2Fields[] = {
    {"client_id", Set<&OAuth2::client_id>},
    {"client_secret", Set<&OAuth2::client_secret>},
    {"client_secret_file", Set<&OAuth2::client_secret_file>},
    {"client_certificate_key_id", Set<&OAuth2::client_certificate_key_id>},
    {"client_certificate_key", Set<&OAuth2::client_certificate_key>},
    {"client_certificate_key_file", Set<&OAuth2::client_certificate_key_file>},
    {"signature_algorithm", Set<&OAuth2::signature_algorithm>},
    {"iss", Set<&OAuth2::iss>},
    {"audience", Set<&OAuth2::audience>},
    {"claims", ReadClaims},
    {"grant_type", Set<&OAuth2::grant_type>},
    {"scopes", Set<&OAuth2::scopes>},
    {"token_url", [](const YamlNode& node, OAuth2& out) { return ReadHttpUrl(node, out.token_url); }},
    {"endpoint_params", Set<&OAuth2::endpoint_params>},
    {"tls_config", [](const YamlNode& node, OAuth2& out) { return ReadTls(node, out.tls); }},
    {"no_proxy", OfProxy<OAuth2, &ProxyOptions::no_proxy>},
    {"proxy_connect_header", ConnectHeader<OAuth2>},
    {"proxy_from_environment", OfProxy<OAuth2, &ProxyOptions::proxy_from_environment>},
    {"proxy_url", ProxyUrl<OAuth2>},
};

}  // namespace

Status ReadOauth2(const YamlNode& node, OAuth2& out) { return ReadFields<OAuth2>(node, kOauth2Fields, out, "oauth2"); }

Status CheckOauth2(const YamlNode& section, const SectionContext& context, OAuth2& oauth2) {
  VEDETTE_CHECK(NeedTexts(section, {"client_id", "token_url"}, "oauth2 {} must be configured"));
  if (oauth2.grant_type == OAuth2::kJwtBearer) {
    if (!oauth2.client_certificate_key.empty() && !oauth2.client_certificate_key_file.empty()) {
      return section.At(
          "at most one of oauth2 client_certificate_key & client_certificate_key_file must be configured using "
          "grant-type=urn:ietf:params:oauth:grant-type:jwt-bearer");
    }
    VEDETTE_CHECK(NeedOneOf(section, "signature_algorithm", "RS256", {"RS256", "RS384", "RS512"}));
  } else if (!oauth2.client_secret.empty() && !oauth2.client_secret_file.empty()) {
    return section.At(
        "at most one of oauth2 client_secret & client_secret_file must be configured using "
        "grant-type=client_credentials");
  }
  VEDETTE_CHECK(UseFile(section, context, "client secret", oauth2.client_secret_file));
  VEDETTE_CHECK(UseFile(section, context, "client certificate key", oauth2.client_certificate_key_file));
  VEDETTE_CHECK(CheckProxy(section, oauth2));
  return CheckTls(section, context, oauth2.tls);
}

}  // namespace vedette::config
