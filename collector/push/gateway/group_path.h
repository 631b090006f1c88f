// The grouping key of a push, as a Pushgateway's paths spell it: /metrics/job/<job>{/<label>/<value>}.
#pragma once

#include <string>
#include <string_view>

#include "collector/exposition/series_labels.h"
#include "core/result.h"

namespace vedette::collector {

/// `path`: what stands behind "/metrics/", decoded: "job/backup/dc/x" or "job@base64/Zm9v/path@base64/L3Zhcg". A value
/// behind a name with "@base64" is in the alphabet for URLs, padded or not, so that it may hold slashes or be empty.
/// Result: sorted by name, each name once (the last counts, and `job` is always the first part); values may be empty.
/// Errors: kBadData in a Pushgateway's words.
Result<RawLabels> ParseGroupPath(std::string_view path);

}  // namespace vedette::collector
