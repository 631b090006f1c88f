// Which series an expression names.
#pragma once

#include <vector>

#include "analytics/promql/ast.h"
#include "core/matcher.h"

namespace vedette::promql {

/// The matchers of every selector in the tree.
std::vector<std::vector<Matcher>> SelectorsOf(const Expr& expr);

}  // namespace vedette::promql
