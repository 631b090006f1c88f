// A reload, part by part: all of them get the new configuration or, on an error, the old one again.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "config/config.h"
#include "core/result.h"

namespace vedette::app {

/// A part of the agent that can be given another configuration.
struct ReloadPart {
  std::string_view name;
  std::function<Status(const config::Config&)> apply;
};

/// Gives `next` to each. The first error is returned, after GoBack() for those that were done and for the one that
/// failed: it may have done a part of it.
Status ApplyOrGoBack(std::span<const ReloadPart> parts, const config::Config& old, const config::Config& next);

/// Gives `old` to each again, backwards. What fails is logged, and the others go on.
void GoBack(std::span<const ReloadPart> parts, const config::Config& old);

}  // namespace vedette::app
