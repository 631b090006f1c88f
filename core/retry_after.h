// The header with which a server says when it wants to be asked again.
#pragma once

#include <optional>
#include <string_view>

#include "core/time.h"

namespace vedette {

/// Retry-After as delta seconds (also fractional) or as an HTTP date of any of the three formats; at most a week.
std::optional<Millis> ParseRetryAfter(std::string_view text, TimeMs now);

}  // namespace vedette
