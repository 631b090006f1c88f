// Generic webhooks: Alertmanager's JSON, version 4, with the incident added.
#pragma once

#include "alerting/notify/notifiers.h"

namespace vedette::alerting {

Result<HttpRequest> BuildWebhook(const BuildInput& input);

}  // namespace vedette::alerting
