// What an http_sd endpoint answers.
#pragma once

#include <string_view>
#include <vector>

#include "collector/discovery/discovery.h"
#include "core/result.h"

namespace vedette::collector {

/// `[{"targets": ["host:port", ...], "labels": {"name": "value", ...}}, ...]`; every group gets __meta_url. Errors:
/// kBadData that names the place in `body`.
Result<std::vector<TargetGroup>> ParseHttpTargets(std::string_view body, std::string_view url);

}  // namespace vedette::collector
