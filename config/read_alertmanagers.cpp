// `alerting.alertmanagers` and `alert_relabel_configs`: where alerts go besides this agent's own receivers.
#include <algorithm>

#include "config/section_check.h"

namespace vedette::config {
namespace {

using collector::AlertmanagerConfig;

constexpr Field<AlertmanagerConfig> kAlertmanagerFields[] = {
    {"timeout", Set<&AlertmanagerConfig::timeout>},
    {"path_prefix", Set<&AlertmanagerConfig::path_prefix>},
    {"scheme", Set<&AlertmanagerConfig::scheme>},
    {"static_configs",
     [](const YamlNode& node, AlertmanagerConfig& out) { return ReadStaticConfigs(node, out.found.static_configs); }},
    {"relabel_configs",
     [](const YamlNode& node, AlertmanagerConfig& out) {
       return ReadRelabelConfigs(node, "Alertmanager target relabeling rule", out.relabel_configs);
     }},
    {"alert_relabel_configs",
     [](const YamlNode& node, AlertmanagerConfig& out) {
       return ReadRelabelConfigs(node, "Alertmanager alert relabeling rule", out.alert_relabel_configs);
     }},
};

/// Of a section that CheckAlertmanagers() let pass.
Status ReadAlertmanager(const YamlNode& section, const SectionContext& context, AlertmanagerConfig& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, section.Map());
  for (const YamlNode::Entry& entry : entries) {
    if (entry.value.IsNull()) continue;
    VEDETTE_TRY(const bool taken, ReadHttpConfigKey(entry, out.http));
    if (taken) continue;
    if (entry.key == "kubernetes_sd_configs") {
      VEDETTE_CHECK(ReadList(
          entry.value, out.found.kubernetes_sd_configs, "section in kubernetes_sd_configs",
          [&](const YamlNode& item, collector::KubernetesSdConfig& sd) { return ReadKubernetes(item, context, sd); }));
    } else if (entry.key.ends_with("_sd_configs")) {
      VEDETTE_TRY([[maybe_unused]] const bool runs, ReadDiscovery(entry, context, out.found));
    } else if (const auto row = std::ranges::find(kAlertmanagerFields, entry.key, &Field<AlertmanagerConfig>::key);
               row != std::end(kAlertmanagerFields)) {
      VEDETTE_CHECK(row->read(entry.value, out));
    }
  }
  VEDETTE_CHECK(CheckHttpConfig(section, context, out.http));
  if (out.timeout <= Millis(0)) return section.At("timeout must be positive");
  return ReadRequestAuth(section, context, out.http, out.auth);
}

}  // namespace

Status ReadAlertmanagers(const YamlNode& alerting, const SectionContext& context,
                         collector::AlertmanagersOptions& out) {
  if (const auto rules = alerting.Get("alert_relabel_configs"); rules && !rules->IsNull()) {
    VEDETTE_CHECK(ReadRelabelConfigs(*rules, "alert relabeling rule", out.alert_relabel_configs));
  }
  const auto list = alerting.Get("alertmanagers");
  if (!list || list->IsNull()) return Ok();
  return ReadList(*list, out.alertmanagers, "Alertmanager", [&](const YamlNode& section, AlertmanagerConfig& config) {
    return ReadAlertmanager(section, context, config);
  });
}

}  // namespace vedette::config
