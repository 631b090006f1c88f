// Text for Slack: escaped, and unable to ring anybody who was not meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/labels.h"

namespace vedette::alerting {

/// Cleaned, with & < > escaped and "@channel", "@here" and "@everyone" broken; at most `max` characters after escaping,
/// never ending inside an escape.
std::string SlackEscape(std::string_view text, std::size_t max);

/// For values that a template of the user puts into its own mrkdwn: links stay, mentions (<!...>, <@...>, @channel) do
/// not.
std::string SlackDisarmText(std::string_view value);
/// The same for all values of a set.
Labels SlackDisarm(const Labels& labels);

}  // namespace vedette::alerting
