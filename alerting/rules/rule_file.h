// Prometheus rule files: the parsed model, the loader and its checks.
//
// A file is read strictly and every mistake is listed, each as "<file>:<line>:<column>: ...". Expressions and templates
// are parsed here, so that what loads can be evaluated.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analytics/promql/ast.h"
#include "analytics/promql/parser.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

namespace tmpl {
class Template;
}

/// A label or annotation of a rule, as written and ready to render.
struct TemplatedLabel {
  std::string name;
  std::string text;
  std::shared_ptr<const tmpl::Template> rendered;  // null: `text` holds no action
};

struct Rule {
  bool alerting = false;
  std::string name;   // of `alert` or `record`
  std::string query;  // the expression as the API shows it: printed from the tree
  std::shared_ptr<const promql::Expr> expr;
  Millis hold{0};         // for
  Millis keep_firing{0};  // keep_firing_for
  /// The group's labels, overridden by the rule's; sorted by name. Of a recording rule never templates.
  std::vector<TemplatedLabel> labels;
  std::vector<TemplatedLabel> annotations;  // sorted by name
  int line = 0, column = 0;
};

struct RuleGroupSpec {
  std::string name;
  std::optional<Millis> interval;  // nothing: RuleOptions::evaluation_interval
  std::optional<Millis> query_offset;
  std::size_t limit = 0;  // series or alerts per rule; 0 = none
  std::vector<Rule> rules;
  int line = 0;
};

struct RuleFile {
  std::string path;
  std::vector<RuleGroupSpec> groups;
};

struct RuleFileOptions {
  bool ignore_unknown_fields = false;
  promql::ParserOptions parser;
};

/// What a check found. `errors` empty: the file can be used.
struct RuleFileCheck {
  RuleFile file;
  std::vector<Error> errors;
  std::vector<std::string> warnings;
  std::size_t rules = 0;
};

/// Reads a rule file and lists everything wrong with it; `vedette check rules` prints this.
RuleFileCheck CheckRuleFile(const std::string& path, const RuleFileOptions& options = {});
/// The same for text in memory; `path` is only named.
RuleFileCheck CheckRuleText(std::string_view text, const std::string& path, const RuleFileOptions& options = {});

struct RuleFiles {
  std::vector<RuleFile> files;
  std::vector<std::string> warnings;
};

/// All files that the patterns match (glob: * ? [...]), each once, sorted within a pattern. A pattern that matches
/// nothing gives nothing; a path without wildcards that does not exist is an error.
/// Errors: kBadData with every mistake of every file, one per line; nothing is loaded then.
Result<RuleFiles> LoadRuleFiles(std::span<const std::string> patterns, const RuleFileOptions& options = {});

}  // namespace vedette::alerting
