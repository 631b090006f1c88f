// The second half of parsing: types, argument counts and what Prometheus forbids between well-formed parts.
#pragma once

#include <cstdint>
#include <string_view>

#include "analytics/promql/ast.h"
#include "core/result.h"

namespace vedette::promql {

/// Checks a tree that came out of the grammar and completes it: vector matching is dropped where an operand is a
/// scalar, set operators become many-to-many, info()'s second argument may match everything. `text` is what was parsed.
Status CheckExpr(Expr& expr, std::string_view text);

/// "<line>:<column>: parse error: <message>", code kBadData. `start` is a byte offset into `text`.
Error ParseError(std::string_view text, std::uint32_t start, std::string_view message);

}  // namespace vedette::promql
