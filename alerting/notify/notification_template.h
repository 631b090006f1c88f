// The configured texts of receivers: Go templates over Alertmanager's notification data, with the incident added.
//
// Data: .Receiver .Status .Alerts .GroupLabels .CommonLabels .CommonAnnotations .ExternalURL, and ours: .Priority .Why
// .IncidentID .IncidentNumber. An alert: .Status .Labels .Annotations .StartsAt .EndsAt .GeneratorURL .Fingerprint
// .Value.
#pragma once

#include <string>

#include "alerting/notify/notification.h"

namespace vedette::alerting {

/// Renders over `notification`, which outlives the renderer, with the {{ define }} blocks of `definitions` at hand.
/// `disarm`, when given, goes over every label set and annotation first.
RenderText NotificationRenderer(const Notification& notification, const std::string& definitions,
                                Labels (*disarm)(const Labels&));

}  // namespace vedette::alerting
