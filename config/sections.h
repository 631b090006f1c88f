// One reader for each section of the file; config.cpp puts them together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/fields.h"
#include "core/http_client.h"

namespace vedette::config {

/// What a section has to know besides its own text.
struct SectionContext {
  std::string base_dir;  // relative paths start here
  FileCheck files = FileCheck::kNamedFiles;
};

/// `path` as it is when absolute, else below `base_dir`; empty stays empty.
std::string ResolvePath(std::string_view base_dir, std::string_view path);

/// The files that a glob pattern names now, sorted. Nothing when it matches nothing.
std::vector<std::string> ExpandGlob(const std::string& pattern);

/// `global` speaks to scraping and to rules.
struct GlobalSection {
  collector::GlobalScrapeOptions scrape;
  alerting::RuleOptions rules;
  std::string query_log_file;
};
Status ReadGlobal(const YamlNode& node, const SectionContext& context, GlobalSection& out);
Status ReadScrapeProtocols(const YamlNode& node, std::vector<collector::ScrapeProtocol>& out);
Status ReadNameValidation(const YamlNode& node, collector::NameValidation& out);
Status ReadNameEscaping(const YamlNode& node, collector::NameEscaping& out);

/// Reads the jobs; they inherit from `global` and are checked, so that errors name the place.
Status ReadScrapeConfigs(const YamlNode& node, const collector::GlobalScrapeOptions& global,
                         const SectionContext& context, std::vector<collector::ScrapeConfig>& out);
Status ReadRelabelConfigs(const YamlNode& node, std::string_view what, std::vector<collector::RelabelConfig>& out);
Status ReadOtlp(const YamlNode& section, collector::NameValidation names, collector::OtlpOptions& out);
Status ReadStaticConfigs(const YamlNode& node, std::vector<collector::StaticConfig>& out);
/// An entry `<kind>_sd_configs` of a job. False: it is no kind that runs, and nothing was read.
Result<bool> ReadDiscovery(const YamlNode::Entry& entry, const SectionContext& context, collector::ScrapeConfig& out);
bool IsRunningDiscovery(std::string_view key);

/// Takes the keys of Prometheus' http_config out of a section: true when `key` was one of them and has been read.
/// CheckHttpConfig is called once at the end of the section.
Result<bool> ReadHttpConfigKey(const YamlNode::Entry& entry, HttpConfig& out);
Status CheckHttpConfig(const YamlNode& section, const SectionContext& context, HttpConfig& config);
/// The files that it names, below `base_dir`.
void ResolveFiles(const std::string& base_dir, HttpConfig& config);
/// A section of its own named http_config (receivers).
Status ReadHttpConfig(const YamlNode& node, HttpConfig& out);

/// `scrape_config_files`: the jobs of more files, which inherit from the same `global`. The files that were read are
/// added to `roots`.
Status ReadScrapeConfigFiles(const YamlNode& node, const collector::GlobalScrapeOptions& global,
                             const SectionContext& context, std::vector<collector::ScrapeConfig>& out,
                             std::vector<YamlNode>& roots);

/// Sections as Prometheus checks them; of `tracing` nothing is kept yet.
Status CheckRemoteWrite(const YamlNode& list, const SectionContext& context);
Status CheckRemoteRead(const YamlNode& list, const SectionContext& context);
/// These check as well.
Status ReadRemoteWrite(const YamlNode& list, const SectionContext& context,
                       std::vector<collector::RemoteWriteEnd>& out);
Status ReadRemoteRead(const YamlNode& list, const SectionContext& context, std::vector<collector::RemoteReadEnd>& out);
Status CheckTracing(const YamlNode& section);
/// Adds a sentence, with its place, for everything in a document that this version does not act on.
void ListNotRun(const YamlNode& root, std::vector<std::string>& out);

/// `alerting`: Prometheus' keys, and Alertmanager's `route`, `receivers`, `inhibit_rules`, `templates` and `global`.
Status ReadAlerting(const YamlNode& node, const SectionContext& context, alerting::AlertingOptions& out);

/// Its keys `alertmanagers` and `alert_relabel_configs`, which ReadAlerting() has checked.
Status ReadAlertmanagers(const YamlNode& alerting, const SectionContext& context, collector::AlertmanagersOptions& out);

Status ReadStorage(const YamlNode& node, const SectionContext& context, storage::StorageOptions& out);
Status ReadPush(const YamlNode& node, collector::PushOptions& out);
Status ReadHost(const YamlNode& node, collector::HostOptions& out);
Status ReadProbes(const YamlNode& node, const SectionContext& context, collector::ProbeOptions& out);
/// The modules of a document. Errors: with their place.
Result<collector::ProbeModules> ReadProbeModules(const YamlNode& root, const SectionContext& context);
Status ReadIncidents(const YamlNode& node, alerting::IncidentOptions& out, alerting::DeliveryOptions& delivery);
Status ReadAnalytics(const YamlNode& node, analytics::AnalyticsOptions& out);

/// The document with every secret as <secret>.
std::string MaskedYaml(const YamlNode& root);
/// Of a module of service checks, also without headers, bodies and what is sent in conversations.
std::string MaskedProbeModule(const YamlNode& module);

}  // namespace vedette::config
