// PagerDuty: Events API v2 (and v1 for integrations that have a service key).
//
// The incident's id is the dedup_key, so that a repeat updates the incident there and the resolve closes it. Limits
// (developer.pagerduty.com, Events API v2): summary 1024 characters, dedup_key 255, body 512 KB.
#pragma once

#include "alerting/notify/notifiers.h"

namespace vedette::alerting {

Result<HttpRequest> BuildPagerduty(const BuildInput& input);

}  // namespace vedette::alerting
