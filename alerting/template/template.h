// Go's text/template as rule files and notification templates use it: parse once, execute often.
//
// Supported: actions with trim markers and comments, pipelines, variables, fields, parentheses, if / else if / else,
// with, range with break and continue, define, template, block, and the functions of functions.h. A missing map key is
// empty text. Immutable and thread-safe after parsing.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "alerting/template/functions.h"
#include "alerting/template/value.h"
#include "core/result.h"

namespace vedette::alerting::tmpl {

struct Tree;

struct TemplateLimits {
  std::size_t max_output_bytes = 256 << 10;
  /// Texts that functions return and variables hold, added up over the whole run.
  std::size_t max_text_bytes = 8 << 20;
  /// Statements and operands evaluated, rounds of loops.
  std::size_t max_steps = 200'000;
  int max_template_depth = 50;  // of templates that call templates
};

class Template {
 public:
  using Variable = std::pair<std::string_view, Value>;

  /// `variables` names what Execute will set besides `$`; each with its dollar sign.
  /// Errors: kBadData, "template: <name>:<line>: <reason>".
  static Result<std::shared_ptr<const Template>> Parse(std::string_view text, std::string_view name,
                                                       std::span<const std::string_view> variables);

  /// Errors: kExecution with place and reason, kLimit; whatever a query of the environment gives.
  Result<std::string> Execute(Environment& environment, const Value& dot, std::span<const Variable> variables,
                              const TemplateLimits& limits = {}) const;

 private:
  explicit Template(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<const Tree> tree_;
};

}  // namespace vedette::alerting::tmpl
