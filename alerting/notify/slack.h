// Slack incoming webhooks: a Block Kit message inside Slack's limits.
//
// Limits (docs.slack.dev, reference/block-kit and messaging/webhooks; the last is what users measured): header 150
// characters, section 3000, 10 fields of 2000, 50 blocks, about 13,200 characters in all.
#pragma once

#include "alerting/notify/notifiers.h"

namespace vedette::alerting {

Result<HttpRequest> BuildSlack(const BuildInput& input);
/// A webhook says "ok"; Slack also answers 200 with the name of an error.
Verdict ClassifySlack(const HttpResponse& response, TimeMs now);

}  // namespace vedette::alerting
