#include "app/loader.h"

#include "app/features.h"
#include "core/log.h"

namespace vedette::app {
namespace {

/// Where this agent reaches itself: "0.0.0.0:9090" and ":9090" are not addresses to connect to.
std::string SelfAddress(const std::string& listen_address) {
  const std::size_t colon = listen_address.rfind(':');
  const std::string host = listen_address.substr(0, colon);
  if (!host.empty() && host != "0.0.0.0" && host != "[::]") return listen_address;
  return "127.0.0.1" + (colon == std::string::npos ? "" : listen_address.substr(colon));
}

}  // namespace

Result<Loaded> Loader::Load() const {
  Loaded out;
  promql::EngineOptions engine;  // the agent's business
  collector::GlobalScrapeOptions scrape;
  VEDETTE_CHECK(EnableFeatures(command_.features, {engine, scrape}));
  VEDETTE_TRY(out.config, command_.config_file.empty()
                              ? config::DefaultConfig(SelfAddress(command_.listen_address))
                              : config::LoadConfig(command_.config_file, config::FileCheck::kNamedFiles, scrape));
  if (!out.config.not_run.empty()) {
    return Fail(Code::kBadData, "{}", fmt::join(out.config.not_run, "\n"));
  }
  ApplyFlags(out.config);
  if (command_.probe_modules_file) {
    out.config.probes.enabled = !out.config.probes.forbidden;
    out.config.probes.modules_file = *command_.probe_modules_file;
    VEDETTE_TRY(out.config.probes.modules, config::LoadProbeModules(*command_.probe_modules_file));
  }
  alerting::RuleFileOptions options;
  options.parser = parser_;
  if (out.config.builtin_rules) {
    alerting::RuleFileCheck check = alerting::CheckRuleText(config::BuiltinRules(), "built-in", options);
    if (!check.errors.empty()) return check.errors.front();
    out.rule_files.push_back(std::move(check.file));
  }
  VEDETTE_TRY(alerting::RuleFiles files, alerting::LoadRuleFiles(out.config.rule_files, options));
  for (const std::string& warning : files.warnings) LogWarn("app", "rule file", {{"warning", warning}});
  for (alerting::RuleFile& file : files.files) out.rule_files.push_back(std::move(file));
  return out;
}

std::string Loader::ExternalUrl() const {
  std::string url =
      command_.external_url.empty() ? "http://" + SelfAddress(command_.listen_address) : command_.external_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

void Loader::ApplyFlags(config::Config& config) const {
  if (command_.storage_path) config.storage.path = *command_.storage_path;
  if (command_.retention) config.storage.retention = *command_.retention;
  if (command_.retention_bytes) config.storage.retention_bytes = *command_.retention_bytes;
  if (command_.wal_sync_interval) config.storage.wal_sync_interval = *command_.wal_sync_interval;
  config.rules.external_url = ExternalUrl();
  config.rules.parser = parser_;
  config.alerting.external_url = ExternalUrl();
}

}  // namespace vedette::app
