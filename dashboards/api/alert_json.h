// One alert as JSON, in the lists of alerts and of rules.
#pragma once

#include "alerting/rules/views.h"
#include "dashboards/api/json_writer.h"

namespace vedette::dashboards {

void WriteAlert(JsonWriter& json, const alerting::AlertView& alert);

}  // namespace vedette::dashboards
