// `vedette check config|rules|metrics`: what `serve` would say to a file, and a strict reader to metrics, without
// starting anything.
#include <array>
#include <cstdio>

#include "alerting/rules/rule_file.h"
#include "app/commands.h"
#include "collector/exposition/strict.h"
#include "collector/scrape/target.h"
#include "config/config.h"

namespace vedette::app {
namespace {

/// Checks accept the whole language: what a running agent has switched on is its own matter.
alerting::RuleFileOptions EverythingOn() {
  alerting::RuleFileOptions options;
  options.parser = {.experimental_functions = true,
                    .extended_range_selectors = true,
                    .binop_fill_modifiers = true,
                    .duration_expressions = true};
  return options;
}

bool CheckRuleFileAndPrint(const std::string& file, const alerting::RuleFileOptions& options) {
  const alerting::RuleFileCheck check = alerting::CheckRuleFile(file, options);
  for (const std::string& warning : check.warnings) fmt::print("{}: warning: {}\n", file, warning);
  if (!check.errors.empty()) {
    fmt::print("Checking {}\n  FAILED:\n", file);
    for (const Error& error : check.errors) fmt::print("{}\n", error.message);
    return false;
  }
  fmt::print("Checking {}\n  SUCCESS: {} rules found\n", file, check.rules);
  return true;
}

bool CheckConfigAndPrint(const std::string& file, const CheckConfigCommand& command) {
  const bool syntax_only = command.syntax_only;
  fmt::print("Checking {}\n", file);
  const auto config =
      config::LoadConfig(file, syntax_only ? config::FileCheck::kSyntaxOnly : config::FileCheck::kNamedFiles);
  if (!config) {
    fmt::print("  FAILED: {}\n", config.error().message);
    return false;
  }
  if (command.agent) {
    if (const Status fits = config::CheckAgentMode(file); !fits) {
      fmt::print("  FAILED: {}\n", fits.error().message);
      return false;
    }
  }
  for (const collector::ScrapeConfig& job : config->collector.scrape_configs) {
    const collector::TargetSet targets = collector::MakeTargets(job, collector::StaticGroups(job.static_configs));
    if (targets.errors.empty()) continue;
    fmt::print("  FAILED: {}: {}\n", file, targets.errors.front().message);
    return false;
  }
  for (const auto& [name, module] : config->probes.modules) {
    if (!module.unsupported.empty()) fmt::print("  NOT RUN: probe module {}: {}\n", name, module.unsupported);
  }
  for (const std::string& sentence : config->not_run) fmt::print("  NOT RUN: {}\n", sentence);
  fmt::print("  SUCCESS: {} is valid, with {} scrape jobs and {} rule file patterns\n", file,
             config->collector.scrape_configs.size(), config->rule_files.size());
  if (syntax_only) return true;
  const auto rules = alerting::LoadRuleFiles(config->rule_files, EverythingOn());
  if (!rules) {
    fmt::print("  FAILED: {}\n", rules.error().message);
    return false;
  }
  bool good = true;
  for (const alerting::RuleFile& rule_file : rules->files) {
    good = CheckRuleFileAndPrint(rule_file.path, EverythingOn()) && good;
  }
  return good;
}

}  // namespace

int CheckConfig(const CheckConfigCommand& command) {
  bool good = true;
  for (const std::string& file : command.files) good = CheckConfigAndPrint(file, command) && good;
  return good ? 0 : 1;
}

int CheckMetrics(const CheckMetricsCommand& command) {
  std::string body;
  std::array<char, 64 << 10> buffer;
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), stdin)) > 0;) body.append(buffer.data(), n);
  const auto families =
      command.format == "openmetrics" ? collector::ReadStrictOpenMetrics(body) : collector::ReadStrictText(body);
  if (!families) {
    fmt::print(stderr, "error while linting: {}\n", families.error().message);
    return 1;
  }
  const std::vector<std::string> remarks = collector::LintFamilies(*families);
  for (const std::string& remark : remarks) fmt::print(stderr, "{}\n", remark);
  return remarks.empty() ? 0 : 3;
}

int CheckRules(const CheckRulesCommand& command) {
  alerting::RuleFileOptions options = EverythingOn();
  options.ignore_unknown_fields = command.ignore_unknown_fields;
  bool good = true;
  for (const std::string& file : command.files) good = CheckRuleFileAndPrint(file, options) && good;
  return good ? 0 : 1;
}

}  // namespace vedette::app
