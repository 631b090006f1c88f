#include "alerting/notify/webhook.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace vedette::alerting {
namespace {

using nlohmann::ordered_json;

/// What Alertmanager writes for an alert that has not ended.
constexpr std::string_view kNoTime = "0001-01-01T00:00:00Z";

ordered_json LabelsAsJson(const Labels& labels) {
  ordered_json out = ordered_json::object();
  for (const LabelView label : labels) out[std::string(label.name)] = label.value;
  return out;
}

ordered_json AlertObject(const IncidentAlert& alert) {
  return {{"status", alert.firing() ? "firing" : "resolved"},
          {"labels", LabelsAsJson(alert.labels)},
          {"annotations", LabelsAsJson(alert.annotations)},
          {"startsAt", FormatRfc3339(alert.starts_at)},
          {"endsAt", alert.firing() ? std::string(kNoTime) : FormatRfc3339(*alert.ended_at)},
          {"generatorURL", alert.generator_url},
          {"fingerprint", fmt::format("{:016x}", alert.Fingerprint())}};
}

ordered_json IncidentObject(const Notification& n) {
  ordered_json reasons = ordered_json::array();
  for (const Reason& r : n.reasons) reasons.push_back({{"input", r.input}, {"text", r.text}, {"weight", r.weight}});
  ordered_json out = {{"id", n.incident_id},
                      {"number", n.number},
                      {"event", DeliveryEventName(n.event)},
                      {"priority", PriorityName(n.priority)},
                      {"why", WhyText(n)},
                      {"reasons", std::move(reasons)},
                      {"startedAt", FormatRfc3339(n.started_at)}};
  if (n.resolved_at) out["resolvedAt"] = FormatRfc3339(*n.resolved_at);
  return out;
}

}  // namespace

Result<HttpRequest> BuildWebhook(const BuildInput& input) {
  const Notification& n = input.notification;
  const auto& config = std::get<WebhookConfig>(input.config);
  const std::size_t count = config.max_alerts == 0 ? n.alerts.size() : std::min(config.max_alerts, n.alerts.size());
  ordered_json alerts = ordered_json::array();
  for (std::size_t i = 0; i < count; ++i) alerts.push_back(AlertObject(n.alerts[i]));
  const ordered_json body = {{"receiver", n.receiver},
                             {"status", StatusText(n)},
                             {"alerts", std::move(alerts)},
                             {"groupLabels", LabelsAsJson(n.group_labels)},
                             {"commonLabels", LabelsAsJson(n.common_labels)},
                             {"commonAnnotations", LabelsAsJson(n.common_annotations)},
                             {"externalURL", n.external_url},
                             {"version", "4"},
                             {"groupKey", n.group_labels.ToString()},
                             {"truncatedAlerts", n.alerts.size() - count + n.omitted},
                             {"incident", IncidentObject(n)}};
  HttpRequest request;
  request.method = "POST";
  request.url = input.secret.Reveal();
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = body.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return request;
}

}  // namespace vedette::alerting
