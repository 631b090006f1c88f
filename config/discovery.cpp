// `*_sd_configs`: the kinds of service discovery that do not run, and what each takes. read_discovery.cpp has the
// others.
#include <algorithm>

#include "config/section_check.h"

namespace vedette::config {
namespace {

constexpr KeyCheck kAws[] = {
    {"role", Is<Text>},        {"endpoint", Is<Text>},
    {"region", Is<Text>},      {"access_key", Is<Text>},
    {"secret_key", Is<Text>},  {"profile", Is<Text>},
    {"role_arn", Is<Text>},    {"external_id", Is<Text>},
    {"port", IsPort},          {"refresh_interval", Is<Millis>},
    {"filters", IsAwsFilters}, {"clusters", Is<Texts>},
};
constexpr KeyCheck kAzure[] = {
    {"environment", Is<Text>},
    {"port", IsPort},
    {"subscription_id", Is<Text>},
    {"tenant_id", Is<Text>},
    {"client_id", Is<Text>},
    {"client_secret", Is<Text>},
    {"resource_group", Is<Text>},
    {"refresh_interval", Is<Millis>},
    {"authentication_method", Is<Text>},
};
constexpr KeyCheck kSwarm[] = {
    {"host", Is<Text>}, {"role", Is<Text>}, {"port", IsPort}, {"filters", IsFilters}, {"refresh_interval", Is<Millis>},
};
constexpr KeyCheck kEureka[] = {{"server", IsHttpUrl}, {"refresh_interval", Is<Millis>}};
constexpr KeyCheck kGce[] = {
    {"project", Is<Text>}, {"zone", Is<Text>},          {"filter", Is<Text>}, {"refresh_interval", Is<Millis>},
    {"port", IsPort},      {"tag_separator", Is<Text>},
};
constexpr KeyCheck kHetzner[] = {
    {"role", Is<Text>}, {"port", IsPort}, {"refresh_interval", Is<Millis>}, {"label_selector", Is<Text>}};
constexpr KeyCheck kIonos[] = {{"datacenter_id", Is<Text>}, {"port", IsPort}, {"refresh_interval", Is<Millis>}};
constexpr KeyCheck kKuma[] = {
    {"server", IsHttpUrl}, {"client_id", Is<Text>}, {"refresh_interval", Is<Millis>}, {"fetch_timeout", Is<Millis>}};
constexpr KeyCheck kLinode[] = {
    {"port", IsPort}, {"refresh_interval", Is<Millis>}, {"tag_separator", Is<Text>}, {"region", Is<Text>}};
constexpr KeyCheck kMarathon[] = {
    {"servers", Is<Texts>}, {"refresh_interval", Is<Millis>}, {"auth_token", Is<Text>}, {"auth_token_file", Is<Text>}};
constexpr KeyCheck kZookeeper[] = {{"servers", Is<Texts>}, {"paths", Is<Texts>}, {"timeout", Is<Millis>}};
constexpr KeyCheck kNomad[] = {
    {"server", IsHttpUrl}, {"allow_stale", Is<bool>},   {"namespace", Is<Text>},
    {"region", Is<Text>},  {"tag_separator", Is<Text>}, {"refresh_interval", Is<Millis>},
};
constexpr KeyCheck kOci[] = {
    {"auth", Is<Text>},
    {"region", Is<Text>},
    {"tenancy", Is<Text>},
    {"user", Is<Text>},
    {"fingerprint", Is<Text>},
    {"key_file", Is<Text>},
    {"key_passphrase", Is<Text>},
    {"compartments", Is<Texts>},
    {"port", IsPort},
    {"refresh_interval", Is<Millis>},
};
constexpr KeyCheck kOpenstack[] = {
    {"identity_endpoint", Is<Text>},
    {"username", Is<Text>},
    {"userid", Is<Text>},
    {"password", Is<Text>},
    {"project_name", Is<Text>},
    {"project_id", Is<Text>},
    {"domain_name", Is<Text>},
    {"domain_id", Is<Text>},
    {"application_credential_name", Is<Text>},
    {"application_credential_id", Is<Text>},
    {"application_credential_secret", Is<Text>},
    {"role", Is<Text>},
    {"region", Is<Text>},
    {"refresh_interval", Is<Millis>},
    {"port", IsPort},
    {"all_tenants", Is<bool>},
    {"tls_config", IsTlsConfig},
    {"availability", Is<Text>},
};
constexpr KeyCheck kOutscale[] = {
    {"region", Is<Text>},          {"endpoint", Is<Text>}, {"access_key", Is<Text>},         {"secret_key", Is<Text>},
    {"secret_key_file", Is<Text>}, {"port", IsPort},       {"refresh_interval", Is<Millis>},
};
constexpr KeyCheck kOvhcloud[] = {
    {"endpoint", Is<Text>},     {"application_key", Is<Text>},    {"application_secret", Is<Text>},
    {"consumer_key", Is<Text>}, {"refresh_interval", Is<Millis>}, {"service", Is<Text>},
};
constexpr KeyCheck kPuppetdb[] = {
    {"url", IsHttpUrl}, {"query", Is<Text>}, {"include_parameters", Is<bool>}, {"refresh_interval", Is<Millis>},
    {"port", IsPort},
};
constexpr KeyCheck kScaleway[] = {
    {"project_id", Is<Text>},  {"api_url", Is<Text>},      {"zone", Is<Text>},
    {"access_key", Is<Text>},  {"secret_key", Is<Text>},   {"secret_key_file", Is<Text>},
    {"name_filter", Is<Text>}, {"tags_filter", Is<Texts>}, {"refresh_interval", Is<Millis>},
    {"port", IsPort},          {"role", Is<Text>},
};
constexpr KeyCheck kStackit[] = {
    {"project", Is<Text>},
    {"region", Is<Text>},
    {"endpoint", Is<Text>},
    {"port", IsPort},
    {"refresh_interval", Is<Millis>},
    {"service_account_key", Is<Text>},
    {"service_account_key_path", Is<Text>},
    {"private_key", Is<Text>},
    {"private_key_path", Is<Text>},
    {"credentials_file_path", Is<Text>},
};
constexpr KeyCheck kTriton[] = {
    {"account", Is<Text>}, {"role", Is<Text>}, {"dns_suffix", Is<Text>},         {"endpoint", Is<Text>},
    {"groups", Is<Texts>}, {"port", IsPort},   {"refresh_interval", Is<Millis>}, {"tls_config", IsTlsConfig},
    {"version", Is<int>},
};
constexpr KeyCheck kUyuni[] = {
    {"server", Is<Text>},      {"username", Is<Text>},  {"password", Is<Text>},
    {"entitlement", Is<Text>}, {"separator", Is<Text>}, {"refresh_interval", Is<Millis>},
};
constexpr KeyCheck kVultr[] = {{"port", IsPort}, {"refresh_interval", Is<Millis>}};

Status IsNamespaces(const YamlNode& value) {
  static constexpr KeyCheck kKeys[] = {{"own_namespace", Is<bool>}, {"names", Is<Texts>}};
  return CheckKeys(value, "namespaces", kKeys);
}
Status IsSelectors(const YamlNode& value) {
  static constexpr KeyCheck kKeys[] = {{"role", Is<Text>}, {"label", Is<Text>}, {"field", Is<Text>}};
  VEDETTE_TRY(const std::vector<YamlNode> selectors, value.Sequence());
  for (const YamlNode& selector : selectors) VEDETTE_CHECK(CheckKeys(selector, "selectors", kKeys));
  return Ok();
}
Status IsAttachedMetadata(const YamlNode& value) {
  static constexpr KeyCheck kKeys[] = {
      {"node", Is<bool>}, {"namespace", Is<bool>}, {"deployment", Is<bool>}, {"job", Is<bool>}, {"cronjob", Is<bool>}};
  return CheckKeys(value, "attach_metadata", kKeys);
}
constexpr KeyCheck kKubernetes[] = {
    {"api_server", Is<Text>},     {"role", Is<Text>},         {"kubeconfig_file", Is<Text>},
    {"namespaces", IsNamespaces}, {"selectors", IsSelectors}, {"attach_metadata", IsAttachedMetadata},
};

Status CheckAzure(const YamlNode& section, const HttpConfig&) {
  VEDETTE_CHECK(
      NeedOneOf(section, "authentication_method", "OAuth", {"OAuth", "ManagedIdentity", "SDK", "WorkloadIdentity"}));
  constexpr std::string_view kMissing = "azure SD configuration requires a {}";
  VEDETTE_CHECK(NeedTexts(section, {"subscription_id"}, kMissing));
  const std::string method = TextOf(section, "authentication_method");
  if (!method.empty() && method != "OAuth") return Ok();
  return NeedTexts(section, {"tenant_id", "client_id", "client_secret"}, kMissing);
}

Status CheckSwarm(const YamlNode& section, const HttpConfig&) {
  VEDETTE_CHECK(NeedTexts(section, {"host"}, "{} missing"));
  return NeedOneOf(section, "role", "", {"services", "tasks", "nodes"});
}

Status CheckHetzner(const YamlNode& section, const HttpConfig&) {
  return NeedOneOf(section, "role", "", {"robot", "hcloud"});
}

Status CheckMarathon(const YamlNode& section, const HttpConfig& http) {
  VEDETTE_TRY(const std::vector<std::string> servers,
              IsSet(section, "servers") ? section.Get("servers")->As<Texts>() : Result<Texts>(Texts()));
  if (servers.empty()) return section.At("marathon_sd: must contain at least one Marathon server");
  const bool token = IsSet(section, "auth_token"), file = IsSet(section, "auth_token_file");
  if (token && file) return section.At("marathon_sd: at most one of auth_token & auth_token_file must be configured");
  if (!token && !file) return Ok();
  if (http.basic_auth) {
    return section.At("marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be configured");
  }
  if (http.authorization) {
    return section.At(
        "marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured");
  }
  return Ok();
}

Status CheckZookeeper(const YamlNode& section, const HttpConfig&) {
  for (const std::string_view key : {"servers", "paths"}) {
    VEDETTE_TRY(const Texts texts, IsSet(section, key) ? section.Get(key)->As<Texts>() : Result<Texts>(Texts()));
    if (texts.empty()) return section.At(fmt::format("SD config must contain at least one of {}", key));
    for (const std::string& text : texts) {
      if (key == "paths" && !text.starts_with('/'))
        return section.At(fmt::format("SD config paths must begin with '/': {}", text));
    }
  }
  return Ok();
}

Status CheckOpenstack(const YamlNode& section, const HttpConfig&) {
  VEDETTE_CHECK(NeedOneOf(section, "role", "", {"hypervisor", "instance", "loadbalancer"}));
  VEDETTE_CHECK(NeedOneOf(section, "availability", "public", {"public", "internal", "admin"}));
  return NeedTexts(section, {"region"}, "openstack SD configuration requires a {}");
}

Status CheckOci(const YamlNode& section, const HttpConfig&) {
  VEDETTE_CHECK(NeedOneOf(section, "auth", "api_key", {"api_key", "instance_principal"}));
  if (TextOf(section, "auth") == "instance_principal") return Ok();
  return NeedTexts(section, {"region", "tenancy", "user", "fingerprint", "key_file"}, "oci_sd: {} missing");
}

Status CheckOutscale(const YamlNode& section, const HttpConfig&) {
  VEDETTE_CHECK(NeedTexts(section, {"region", "access_key"}, "outscale SD configuration requires a {}"));
  if (IsSet(section, "secret_key") == IsSet(section, "secret_key_file")) {
    return section.At("exactly one of secret_key & secret_key_file must be configured");
  }
  return Ok();
}

Status CheckOvhcloud(const YamlNode& section, const HttpConfig&) {
  VEDETTE_CHECK(NeedTexts(section, {"application_key", "application_secret", "consumer_key"}, "{} can not be empty"));
  return NeedOneOf(section, "service", "", {"dedicated_server", "vps"});
}

Status CheckScaleway(const YamlNode& section, const HttpConfig&) {
  VEDETTE_CHECK(NeedOneOf(section, "role", "", {"instance", "baremetal"}));
  if (IsSet(section, "secret_key") && IsSet(section, "secret_key_file")) {
    return section.At("at most one of secret_key & secret_key_file must be configured");
  }
  if (!IsSet(section, "secret_key") && !IsSet(section, "secret_key_file")) {
    return section.At("one of secret_key & secret_key_file must be configured");
  }
  return NeedTexts(section, {"project_id", "access_key"}, "{} must be configured");
}

Status CheckStackit(const YamlNode& section, const HttpConfig&) {
  const std::string endpoint = TextOf(section, "endpoint");
  if (!endpoint.empty()) {
    const std::size_t scheme = endpoint.find("://");
    if (scheme == 0 || (scheme != std::string::npos && scheme + 3 == endpoint.size())) {
      return section.Get("endpoint")->At(fmt::format("invalid endpoint {}", Quote(endpoint)));
    }
  }
  return NeedTexts(section, {"project"}, "stackit SD configuration requires a {}");
}

Status CheckTriton(const YamlNode& section, const HttpConfig&) {
  VEDETTE_CHECK(NeedTexts(section, {"account", "dns_suffix", "endpoint"}, "triton SD configuration requires an {}"));
  VEDETTE_CHECK(NeedOneOf(section, "role", "container", {"container", "cn"}));
  return NeedOneOf(section, "version", "1", {"1"});
}

Status CheckEureka(const YamlNode& s, const HttpConfig&) {
  return NeedTexts(s, {"server"}, "eureka_sd: empty or null eureka {}");
}
Status CheckGce(const YamlNode& s, const HttpConfig&) {
  return NeedTexts(s, {"project", "zone"}, "GCE SD configuration requires a {}");
}
Status CheckIonos(const YamlNode& s, const HttpConfig&) { return NeedTexts(s, {"datacenter_id"}, "{} can't be empty"); }
Status CheckServer(const YamlNode& s, const HttpConfig&) {
  return NeedTexts(s, {"server"}, "SD configuration requires {}");
}
Status CheckPuppetdb(const YamlNode& s, const HttpConfig&) { return NeedTexts(s, {"url", "query"}, "{} missing"); }
Status CheckUyuni(const YamlNode& s, const HttpConfig&) {
  return NeedTexts(s, {"server", "username", "password"}, "Uyuni SD configuration requires {}");
}
Status CheckNothing(const YamlNode&, const HttpConfig&) { return Ok(); }

struct Kind {
  std::string_view key;
  std::span<const KeyCheck> keys;
  bool http;  // it takes http_config's keys too
  Status (*check)(const YamlNode& section, const HttpConfig& http);
};

constexpr Kind kKinds[] = {
    {"aws_sd_configs", kAws, true, CheckNothing},
    {"azure_sd_configs", kAzure, true, CheckAzure},
    {"digitalocean_sd_configs", kVultr, true, CheckNothing},
    {"dockerswarm_sd_configs", kSwarm, true, CheckSwarm},
    {"ecs_sd_configs", kAws, true, CheckNothing},
    {"elasticache_sd_configs", kAws, true, CheckNothing},
    {"eureka_sd_configs", kEureka, true, CheckEureka},
    {"gce_sd_configs", kGce, false, CheckGce},
    {"hetzner_sd_configs", kHetzner, true, CheckHetzner},
    {"ionos_sd_configs", kIonos, true, CheckIonos},
    {"kubernetes_sd_configs", kKubernetes, true, CheckKubernetes},
    {"kuma_sd_configs", kKuma, true, CheckServer},
    {"lightsail_sd_configs", kAws, true, CheckNothing},
    {"linode_sd_configs", kLinode, true, CheckNothing},
    {"marathon_sd_configs", kMarathon, true, CheckMarathon},
    {"msk_sd_configs", kAws, true, CheckNothing},
    {"nerve_sd_configs", kZookeeper, false, CheckZookeeper},
    {"nomad_sd_configs", kNomad, true, CheckNothing},
    {"oci_sd_configs", kOci, true, CheckOci},
    {"openstack_sd_configs", kOpenstack, false, CheckOpenstack},
    {"outscale_sd_configs", kOutscale, true, CheckOutscale},
    {"ovhcloud_sd_configs", kOvhcloud, false, CheckOvhcloud},
    {"puppetdb_sd_configs", kPuppetdb, true, CheckPuppetdb},
    {"rds_sd_configs", kAws, true, CheckNothing},
    {"scaleway_sd_configs", kScaleway, true, CheckScaleway},
    {"serverset_sd_configs", kZookeeper, false, CheckZookeeper},
    {"stackit_sd_configs", kStackit, true, CheckStackit},
    {"triton_sd_configs", kTriton, false, CheckTriton},
    {"uyuni_sd_configs", kUyuni, true, CheckUyuni},
    {"vultr_sd_configs", kVultr, true, CheckNothing},
};

}  // namespace

Status CheckDiscovery(const YamlNode& parent, const YamlNode::Entry& entry, const SectionContext& context) {
  collector::ScrapeConfig scratch;
  VEDETTE_TRY(const bool runs, ReadDiscovery(entry, context, scratch));
  if (runs) return Ok();
  const auto kind = std::ranges::find(kKinds, entry.key, &Kind::key);
  if (kind == std::end(kKinds)) {
    return Fail(Code::kBadData, "{}:{}:{}: field {} not found in scrape_configs", parent.file(), entry.line,
                entry.column, entry.key);
  }
  VEDETTE_TRY(const std::vector<YamlNode> sections, entry.value.Sequence());
  for (const YamlNode& section : sections) {
    if (section.IsNull()) return section.At(fmt::format("empty or null section in {}", entry.key));
    HttpConfig http;
    if (kind->http) {
      VEDETTE_CHECK(CheckHttpSection(section, kind->key, kind->keys, context, http));
    } else {
      VEDETTE_CHECK(CheckKeys(section, kind->key, kind->keys));
    }
    VEDETTE_CHECK(kind->check(section, http));
  }
  return Ok();
}

}  // namespace vedette::config
