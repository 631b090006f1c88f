// What kubernetes_sd_configs may say: roles, selectors of each role, and which ways to the API server exclude each
// other.
#include <algorithm>
#include <array>
#include <set>

#include "config/section_check.h"

namespace vedette::config {
namespace {

/// The objects that a role watches, which are the roles its selectors may have.
struct Role {
  std::string_view name;
  std::array<std::string_view, 5> selectors;
};
constexpr Role kRoles[] = {
    {"pod", {"pod", "node"}},
    {"service", {"service"}},
    {"endpoints", {"endpoints", "pod", "service", "node"}},
    {"endpointslice", {"endpointslice", "pod", "service", "node"}},
    {"node", {"node"}},
    {"ingress", {"ingress"}},
};

/// A field or label selector: "a=b,c!=d" and, for labels, sets and mere names.
Status CheckSelector(const YamlNode& value, bool field) {
  const std::string& text = value.text();
  if (!field) return Ok();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    if (part.find('=') == std::string::npos) {
      return value.At(fmt::format("invalid selector: '{}'; can't understand '{}'", text, part));
    }
    at = end + 1;
  }
  return Ok();
}

Status CheckSelectors(const YamlNode& selectors, const Role& role) {
  VEDETTE_TRY(const std::vector<YamlNode> items, selectors.Sequence());
  std::set<std::string> seen;
  for (const YamlNode& item : items) {
    const std::string name = TextOf(item, "role");
    if (!seen.insert(name).second) return item.At(fmt::format("duplicated selector role: {}", name));
    if (std::ranges::find(role.selectors, name) == role.selectors.end() || name.empty()) {
      return item.At(fmt::format("{} role supports only {} selectors", role.name,
                                 fmt::join(role.selectors.begin(), std::ranges::find(role.selectors, ""), ", ")));
    }
    if (const auto label = item.Get("label")) VEDETTE_CHECK(CheckSelector(*label, false));
    if (const auto field = item.Get("field")) VEDETTE_CHECK(CheckSelector(*field, true));
  }
  return Ok();
}

}  // namespace

Status CheckKubernetes(const YamlNode& section, const HttpConfig& http) {
  const std::string name = TextOf(section, "role");
  const auto role = std::ranges::find(kRoles, name, &Role::name);
  if (role == std::end(kRoles)) {
    return section.At(name.empty() ? "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)"
                                   : fmt::format("unknown Kubernetes SD role {}", Quote(name)));
  }
  const std::string server = TextOf(section, "api_server"), kubeconfig = TextOf(section, "kubeconfig_file");
  const bool own_http = http != HttpConfig{};
  if (!server.empty() && !kubeconfig.empty()) {
    return section.At("cannot use 'kubeconfig_file' and 'api_server' simultaneously");
  }
  if (!kubeconfig.empty() && own_http) {
    return section.At("cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
  }
  if (server.empty() && own_http) {
    return section.At("to use custom HTTP client configuration please provide the 'api_server' URL explicitly");
  }
  if (const auto namespaces = section.Get("namespaces"); namespaces && TextOf(*namespaces, "own_namespace") == "true") {
    if (!server.empty()) {
      return namespaces->At("cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
    }
    if (!kubeconfig.empty()) {
      return namespaces->At("cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
    }
  }
  const auto selectors = section.Get("selectors");
  return selectors ? CheckSelectors(*selectors, *role) : Ok();
}

}  // namespace vedette::config
