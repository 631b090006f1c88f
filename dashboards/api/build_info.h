// What this binary is, as /version and /api/v1/status/buildinfo say it.
#pragma once

#include "dashboards/api/json_writer.h"

namespace vedette::dashboards {

/// {"version":"3.14.0+vedette.0.1.0","revision":...}: strings only.
void WriteBuildInfo(JsonWriter& json);

}  // namespace vedette::dashboards
