// Bodies of HTTP replies as they were before they were compressed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace vedette::collector {

/// `algorithm`: gzip, deflate (without a frame, as Go reads it), identity or empty. Errors: kBadData for damaged bytes,
/// kLimit when the text would be larger than `max_bytes`.
Result<std::string> DecompressedBody(std::string_view algorithm, const std::string& body, std::size_t max_bytes);

}  // namespace vedette::collector
