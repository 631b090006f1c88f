// Constants of templates in Go's notation.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "alerting/template/value.h"

namespace vedette::alerting::tmpl {

/// "text" with escapes, or `text` without; nothing when an escape is wrong.
std::optional<std::string> Unquote(std::string_view quoted);
/// 'x': the code point.
std::optional<std::int64_t> UnquoteCharacter(std::string_view quoted);
/// 12, -3, 0x1f, 0b1, 0o7, 017, 1_000: a whole number; 1.5, 1e3, .5: a float64; nothing for anything else.
std::optional<Value> ParseNumber(std::string_view text);

}  // namespace vedette::alerting::tmpl
