// Parser options that the parser's tests share.
#pragma once
#include "analytics/promql/parser.h"

namespace vedette::promql {

// Everything that Prometheus keeps behind a feature flag.
inline constexpr ParserOptions kEverything{true, true, true, true};

}  // namespace vedette::promql
