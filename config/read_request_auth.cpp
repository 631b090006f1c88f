// `sigv4`, `azuread` and `google_iam` of a section: who sends, shown to a cloud provider.
#include <algorithm>
#include <cstdlib>

#include "config/http_section.h"
#include "config/section_check.h"

namespace vedette::config {
namespace {

using collector::AzureOptions;
using collector::RequestAuth;
using collector::Sigv4Options;

constexpr Field<Sigv4Options> kSigv4Fields[] = {
    {"region", Set<&Sigv4Options::region>},
    {"access_key", Set<&Sigv4Options::access_key>},
    {"secret_key", Set<&Sigv4Options::secret_key>},
    {"profile", Set<&Sigv4Options::profile>},
    {"role_arn", Set<&Sigv4Options::role_arn>},
    {"external_id", Set<&Sigv4Options::external_id>},
    {"service_name", Set<&Sigv4Options::service_name>},
    {"use_fips_sts_endpoint", Set<&Sigv4Options::use_fips_sts_endpoint>},
};

/// A cloud, where its tokens come from, and what they are to be good for.
struct AzureCloud {
  std::string_view name, login, scope;
};
constexpr AzureCloud kAzureClouds[] = {
    {"AzurePublic", "https://login.microsoftonline.com", "https://monitor.azure.com//.default"},
    {"AzureChina", "https://login.chinacloudapi.cn", "https://monitor.azure.cn//.default"},
    {"AzureGovernment", "https://login.microsoftonline.us", "https://monitor.azure.us//.default"},
};
constexpr std::string_view kAzureTokenFile = "/var/run/secrets/azure/tokens/azure-identity-token";

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

/// "client_id" and the like are there; the first is a UUID.
Status CheckIdentity(const YamlNode& section, std::string_view what, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (TextOf(section, key).empty()) {
      return section.At(fmt::format("must provide an Azure {} {} in the Azure AD config", what, key));
    }
  }
  if (!IsUuid(TextOf(section, "client_id"))) {
    return section.At(fmt::format("the provided Azure {} client_id is invalid", what));
  }
  // It becomes a part of the URL.
  const std::string tenant = TextOf(section, "tenant_id");
  const bool good =
      std::ranges::all_of(tenant, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.'; });
  return good ? Ok() : Status(section.At(fmt::format("the provided Azure {} tenant_id is invalid", what)));
}

Status ReadAzure(const YamlNode& section, const SectionContext& context, HttpConfig& http, RequestAuth& out) {
  const std::string named = TextOf(section, "cloud");
  const auto cloud = std::ranges::find(kAzureClouds, named.empty() ? "AzurePublic" : named, &AzureCloud::name);
  if (cloud == std::end(kAzureClouds)) return section.At("must provide a cloud in the Azure AD config");
  std::string scope = TextOf(section, "scope");
  if (scope.empty()) scope = cloud->scope;
  const auto token_url = [&](const YamlNode& way) {
    return fmt::format("{}/{}/oauth2/v2.0/token", cloud->login, TextOf(way, "tenant_id"));
  };
  if (const auto way = section.Get("oauth"); way && !way->IsNull()) {
    VEDETTE_CHECK(CheckIdentity(*way, "OAuth", {"client_id", "client_secret", "tenant_id"}));
    OAuth2& oauth2 = http.oauth2.emplace();
    static_cast<ProxyOptions&>(oauth2) = http;
    oauth2.client_id = TextOf(*way, "client_id");
    oauth2.client_secret = Secret(TextOf(*way, "client_secret"));
    oauth2.token_url = token_url(*way);
    oauth2.scopes = {scope};
  } else if (const auto identity = section.Get("workload_identity"); identity && !identity->IsNull()) {
    VEDETTE_CHECK(CheckIdentity(*identity, "Workload Identity", {"client_id", "tenant_id"}));
    if (!IsUuid(TextOf(*identity, "tenant_id"))) {
      return identity->At("the provided Azure Workload Identity tenant_id is invalid");
    }
    std::string file = TextOf(*identity, "token_file_path");
    const char* const usual = std::getenv("AZURE_FEDERATED_TOKEN_FILE");  // NOLINT(concurrency-mt-unsafe)
    if (file.empty()) file = usual != nullptr ? usual : kAzureTokenFile;
    out.azure =
        AzureOptions{TextOf(*identity, "client_id"), scope, token_url(*identity), ResolvePath(context.base_dir, file)};
  } else if (const auto machine = section.Get("managed_identity"); machine && !machine->IsNull()) {
    const std::string id = TextOf(*machine, "client_id");
    if (!id.empty() && !IsUuid(id)) return machine->At("the provided Azure Managed Identity client_id is invalid");
    out.azure = AzureOptions{id, scope, {}, {}};
  }
  return Ok();
}

}  // namespace

Status ReadSigv4(const YamlNode& node, Sigv4Options& out) {
  return ReadFields<Sigv4Options>(node, kSigv4Fields, out, "sigv4");
}

Status ReadRequestAuth(const YamlNode& section, const SectionContext& context, HttpConfig& http, RequestAuth& out) {
  if (const auto node = section.Get("sigv4"); node && !node->IsNull()) {
    VEDETTE_CHECK(ReadSigv4(*node, out.sigv4.emplace()));
  }
  if (const auto node = section.Get("google_iam"); node && !node->IsNull()) {
    std::string& file = out.google.emplace().credentials_file;
    file = TextOf(*node, "credentials_file");
    VEDETTE_CHECK(UseFile(*node, context, "credentials", file));
  }
  const auto node = section.Get("azuread");
  return node && !node->IsNull() ? ReadAzure(*node, context, http, out) : Ok();
}

}  // namespace vedette::config
