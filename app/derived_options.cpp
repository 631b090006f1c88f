#include "app/derived_options.h"

#include <cstddef>
#include <iterator>

#include <fmt/format.h>

#include "app/features.h"
#include "core/log.h"
#include "core/time.h"

namespace vedette::app {

bool IsLoopback(const std::string& listen_address) {
  return listen_address.starts_with("127.") || listen_address.starts_with("localhost:") ||
         listen_address.starts_with("[::1]");
}

std::vector<alerting::RuleRef> AlertingRules(std::span<const alerting::RuleFile> files) {
  std::vector<alerting::RuleRef> out;
  for (const alerting::RuleFile& file : files) {
    for (const alerting::RuleGroupSpec& group : file.groups) {
      for (const alerting::Rule& rule : group.rules) {
        if (rule.alerting) out.push_back({.file = file.path, .group = group.name, .name = rule.name});
      }
    }
  }
  return out;
}

collector::AlertmanagersOptions AlertmanagersOf(const config::Config& config) {
  collector::AlertmanagersOptions out = config.alertmanagers;
  out.external_labels = config.rules.external_labels;
  return out;
}

Result<std::shared_ptr<JsonLog>> OpenQueryLog(const config::Config& config) {
  if (config.query_log_file.empty()) return std::shared_ptr<JsonLog>();
  return JsonLog::Open(config.query_log_file);
}

std::string RetentionText(const storage::StorageOptions& options) {
  std::string out = FormatDuration(options.retention);
  if (options.retention_bytes == 0) return out;
  std::size_t size = options.retention_bytes, unit = 0;
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  for (; size % 1024 == 0 && unit < std::size(kUnits) - 1; ++unit) size /= 1024;
  return fmt::format("{} or {}{}", out, size, kUnits[unit]);
}

Result<promql::EngineOptions> EngineOptionsOf(const ServeCommand& command) {
  promql::EngineOptions options;
  options.timeout = command.query_timeout;
  options.lookback = command.query_lookback;
  options.max_samples = command.query_max_samples;
  options.max_concurrency = command.query_max_concurrency;
  options.result_cache_bytes = command.query_result_cache_bytes;
  collector::GlobalScrapeOptions scrape;  // the loader's business
  VEDETTE_TRY(const std::vector<std::string> idle, EnableFeatures(command.features, {options, scrape}));
  for (const std::string& name : idle) LogWarn("app", "feature has no effect", {{"feature", name}});
  VEDETTE_CHECK(options.Validate());
  return options;
}

bool WantsSearch(const ServeCommand& command) {
  promql::EngineOptions engine;  // the others' business
  collector::GlobalScrapeOptions scrape;
  bool search = false;
  (void)EnableFeatures(command.features, {engine, scrape, &search});
  return search;
}

}  // namespace vedette::app
