// Reads everything a start or a reload depends on: the configuration file or the built-in default, the flags on top of
// it, and all rule files. What it returns can be used as a whole; nothing of it has been applied.
#pragma once

#include <string>
#include <vector>

#include "alerting/rules/rule_file.h"
#include "app/command_line.h"
#include "config/config.h"

namespace vedette::app {

struct Loaded {
  config::Config config;
  std::vector<alerting::RuleFile> rule_files;
};

class Loader {
 public:
  Loader(const ServeCommand& command, const promql::ParserOptions& parser) : command_(command), parser_(parser) {}

  /// Errors: every mistake of the configuration and the rule files, with its place.
  Result<Loaded> Load() const;

  /// Where people reach this agent, without a slash at the end.
  std::string ExternalUrl() const;

 private:
  void ApplyFlags(config::Config& config) const;

  const ServeCommand& command_;
  promql::ParserOptions parser_;
};

}  // namespace vedette::app
