// Alertmanager's matcher notation: foo="bar", foo!=bar, foo=~"a|b", {foo=bar, "dotted.name"!~x}.
//
// Both grammars of Alertmanager are read: the classic one (unquoted values up to the next comma) and the UTF-8 one
// (quoted names and values with Go's escapes). Used for routes, inhibition rules, silences and API filters.
#pragma once

#include <string_view>
#include <vector>

#include "core/matcher.h"
#include "core/result.h"

namespace vedette::alerting {

/// A comma-separated list, with or without braces; a trailing comma is fine, an empty text gives no matchers.
/// Errors: kBadData names the text, the place and what was expected.
Result<std::vector<Matcher>> ParseMatchers(std::string_view text);

/// Exactly one matcher.
Result<Matcher> ParseMatcher(std::string_view text);

}  // namespace vedette::alerting
