// Text to tree: lexer, grammar and type check of PromQL.
#pragma once

#include <string_view>

#include "analytics/promql/ast.h"
#include "core/result.h"

namespace vedette::promql {

/// What is switched on besides the stable language; flags of --enable-feature carry Prometheus' names.
struct ParserOptions {
  bool experimental_functions = false;    // promql-experimental-functions: also limitk, limit_ratio
  bool extended_range_selectors = false;  // promql-extended-range-selectors: anchored, smoothed
  bool binop_fill_modifiers = false;      // promql-binop-fill-modifiers
  bool duration_expressions = true;       // default since 3.14
};

/// Nesting of parentheses, calls and operators beyond this is refused: the parser and the engine recurse.
inline constexpr int kMaxNesting = 500;

/// Parses and checks one expression.
/// Errors: kBadData, message `<line>:<column>: parse error: <what>` as Prometheus words it.
Result<ExprPtr> ParseExpr(std::string_view text, const ParserOptions& options = {});

/// A series selector alone, as match[] takes it: `up{job="x"}`, `{__name__=~"a.*"}`. At least one matcher must refuse
/// the empty value.
Result<std::vector<Matcher>> ParseMetricSelector(std::string_view text);

/// Line and column (both from 1) of a byte offset, "1:7".
std::string LineColumn(std::string_view text, std::uint32_t offset);

}  // namespace vedette::promql
