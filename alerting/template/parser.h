// Tokens to tree. Functions, variables and their number of arguments are checked here, so that a typing error shows
// when the rule file loads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "alerting/template/ast.h"
#include "core/result.h"

namespace vedette::alerting::tmpl {

/// Nesting of parentheses and blocks beyond this is refused: parser and evaluator recurse.
inline constexpr int kMaxTemplateNesting = 100;

/// `variables`: those that the caller will set, "$labels" for instance; `$` is always there.
/// Errors: kBadData, "template: <name>:<line>: <reason>" as Go words it.
Result<std::shared_ptr<const Tree>> ParseTree(std::string_view text, std::string_view name,
                                              std::span<const std::string_view> variables);

}  // namespace vedette::alerting::tmpl
