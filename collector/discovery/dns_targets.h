// What a DNS server answers, as targets.
#pragma once

#include <string_view>

#include "collector/discovery/discovery.h"
#include "core/result.h"

namespace vedette::collector {

/// The records in the answer section of `message` (RFC 1035), those of `config.type` and of the other kinds that can be
/// asked for; what leads to them (CNAME) and everything else is passed over. Errors: kBadData for a message that is cut
/// short, or whose names run in a circle.
Result<TargetGroup> ParseDnsTargets(std::string_view message, std::string_view name, const DnsSdConfig& config);

}  // namespace vedette::collector
