// The configuration as a whole: what the parts are told, read from one YAML file that is a superset of prometheus.yml.
//
// Loading is all or nothing: a Config exists only when every section was read and checked. Nothing here keeps YAML.
#pragma once

#include <string>
#include <vector>

#include "alerting/options.h"
#include "alerting/rules/options.h"
#include "analytics/options.h"
#include "collector/alertmanagers/options.h"
#include "collector/host/options.h"
#include "collector/options.h"
#include "collector/probe/options.h"
#include "collector/remote/options.h"
#include "core/result.h"
#include "storage/options.h"

namespace vedette::config {

struct Config {
  std::string file;                       // empty: the built-in default
  collector::CollectorOptions collector;  // finished: jobs have inherited from `global` and are checked
  alerting::RuleOptions rules;            // external labels, evaluation interval
  std::vector<std::string> rule_files;    // glob patterns, made absolute
  bool builtin_rules = false;             // also the rules of BuiltinRules()
  std::vector<collector::RemoteWriteEnd> remote_write;
  std::vector<collector::RemoteReadEnd> remote_read;
  std::string query_log_file;  // empty: none
  storage::StorageOptions storage;
  collector::HostOptions host;
  collector::ProbeOptions probes;  // with the modules of the file, or the built-in ones
  analytics::AnalyticsOptions analytics;
  alerting::AlertingOptions alerting;
  collector::AlertmanagersOptions alertmanagers;  // without the external labels, which `rules` has
  /// A sentence with its place for everything that is right in the file and that this version does not do. `serve`
  /// refuses to start with any.
  std::vector<std::string> not_run;
  /// The file with every secret as <secret>, for /api/v1/status/config.
  std::string masked_yaml;
};

/// Whether the files that a configuration names (rules, credentials, certificates) have to be there.
enum class FileCheck { kSyntaxOnly, kNamedFiles };

/// Errors: kBadData, kNotFound or kIo with `<file>:<line>:<column>: <path>: <reason>`.
/// `defaults`: what `global` is where the file says nothing.
Result<Config> LoadConfig(const std::string& path, FileCheck files = FileCheck::kNamedFiles,
                          const collector::GlobalScrapeOptions& defaults = {});
/// Whether a file that loads would also do for an agent that only forwards: no alertmanagers, rules or remote_read, but
/// a remote_write. Errors: kBadData with the place.
Status CheckAgentMode(const std::string& path);
/// `text` as if it stood in `file`; relative paths start at its folder.
Result<Config> ParseConfig(std::string_view text, const std::string& file, FileCheck files = FileCheck::kNamedFiles);

/// The modules of a blackbox.yml, checked; the built-in ones for an empty path. Errors: as LoadConfig().
Result<collector::ProbeModules> LoadProbeModules(const std::string& path);

/// The default alert rules for a host and for Vedette itself, as the text of a rule file.
std::string_view BuiltinRules();

/// What an agent without a configuration file does: watch this host and itself (`self_address`, "127.0.0.1:9090").
Result<Config> DefaultConfig(std::string_view self_address);

/// "15MB", as sizes are written in the configuration and in flags; "0" is no limit. Errors: kBadData.
Result<std::size_t> ParseByteSize(const std::string& text);

}  // namespace vedette::config
