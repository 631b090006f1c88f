// What kubernetes_sd_configs may say: roles, selectors of each role, and which ways to the API server exclude each
// other. Reading follows checking and finds no mistakes any more.
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
    {"endpoints", {"pod", "service", "endpoints"}},
    {"endpointslice", {"pod", "service", "endpointslice"}},
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

Status ReadKubernetes(const YamlNode& section, const SectionContext& context, collector::KubernetesSdConfig& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, section.Map());
  for (const YamlNode::Entry& entry : entries) VEDETTE_CHECK(ReadHttpConfigKey(entry, out.http));
  VEDETTE_CHECK(CheckHttpConfig(section, context, out.http));
  out.role = collector::ParseKubernetesRole(TextOf(section, "role")).value_or(out.role);
  out.api_server = TextOf(section, "api_server");
  out.kubeconfig_file = ResolvePath(context.base_dir, TextOf(section, "kubeconfig_file"));
  if (const auto namespaces = section.Get("namespaces")) {
    VEDETTE_CHECK(namespaces->Read("names", out.namespaces));
    VEDETTE_CHECK(namespaces->Read("own_namespace", out.own_namespace));
  }
  if (const auto attach = section.Get("attach_metadata")) {
    VEDETTE_CHECK(attach->Read("node", out.attach.node));
    VEDETTE_CHECK(attach->Read("namespace", out.attach.namespace_labels));
    VEDETTE_CHECK(attach->Read("deployment", out.attach.deployment));
    VEDETTE_CHECK(attach->Read("job", out.attach.job));
    VEDETTE_CHECK(attach->Read("cronjob", out.attach.cronjob));
  }
  const auto selectors = section.Get("selectors");
  if (!selectors) return Ok();
  VEDETTE_TRY(const std::vector<YamlNode> items, selectors->Sequence());
  for (const YamlNode& item : items) {
    const auto role = collector::ParseKubernetesRole(TextOf(item, "role"));
    out.selectors.push_back({role.value_or(out.role), TextOf(item, "label"), TextOf(item, "field")});
  }
  return Ok();
}

}  // namespace vedette::config
