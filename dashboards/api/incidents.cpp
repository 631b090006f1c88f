// Incidents: Vedette's own endpoint. The most urgent first, and of these the newest.
#include <algorithm>
#include <optional>
#include <tuple>

#include "alerting/router_views.h"
#include "core/numbers.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards::api {

namespace {

using alerting::DeliveryView;
using alerting::IncidentAlert;
using alerting::IncidentView;

void WriteTimeIfAny(JsonWriter& json, std::string_view key, const std::optional<TimeMs>& time) {
  if (time) json.Key(key).Rfc3339(*time);
}

void WriteIncidentAlert(JsonWriter& json, const IncidentAlert& alert) {
  json.BeginObject().Key("labels").LabelSet(alert.labels).Key("annotations").LabelSet(alert.annotations);
  json.Key("state").String(alert.firing() ? "firing" : "resolved").Key("startsAt").Rfc3339(alert.starts_at);
  WriteTimeIfAny(json, "endsAt", alert.ended_at);
  std::string value;
  AppendExponent(value, alert.value);
  json.Key("value").String(value).Key("kind").String(alerting::AlertKindName(alert.kind));
  json.Key("evidence").BeginObject();
  for (const alerting::Evidence& fact : alert.evidence) json.Key(fact.name).String(fact.value);
  json.End().Key("generatorURL").String(alert.generator_url).End();
}

void WriteDelivery(JsonWriter& json, const DeliveryView& delivery) {
  json.BeginObject().Key("receiver").String(delivery.target.receiver).Key("kind").String(delivery.target.kind);
  json.Key("state").String(alerting::DeliveryStateName(delivery.state));
  WriteTimeIfAny(json, "deliveredAt", delivery.delivered_at);
  WriteTimeIfAny(json, "nextAttempt", delivery.next_attempt);
  json.Key("attempts").Uint(delivery.attempts);
  if (!delivery.last_error.empty()) json.Key("lastError").String(delivery.last_error);
  json.End();
}

/// What was weighed, and what each input did to the priority.
void WriteReasons(JsonWriter& json, const std::vector<alerting::Reason>& reasons) {
  json.BeginArray();
  for (const alerting::Reason& reason : reasons) {
    json.BeginObject().Key("input").String(reason.input).Key("text").String(reason.text);
    json.Key("weight").Int(reason.weight).End();
  }
  json.End();
}

void WriteIncident(JsonWriter& json, const IncidentView& incident) {
  json.BeginObject().Key("number").Uint(incident.number).Key("id").String(incident.id);
  json.Key("title").String(incident.title).Key("priority").String(alerting::PriorityName(incident.priority));
  json.Key("reason").String(incident.why);
  WriteReasons(json.Key("reasons"), incident.reasons);
  json.Key("state").String(incident.state).Key("labels").LabelSet(incident.group_labels);
  json.Key("startedAt").Rfc3339(incident.started_at).Key("updatedAt").Rfc3339(incident.updated_at);
  json.Key("respondBy").Rfc3339(incident.respond_by);
  WriteTimeIfAny(json, "acknowledgedAt", incident.acknowledged_at);
  if (!incident.acknowledged_by.empty()) json.Key("acknowledgedBy").String(incident.acknowledged_by);
  WriteTimeIfAny(json, "resolvedAt", incident.resolved_at);
  json.Key("firing").Uint(incident.firing).Key("alerts").BeginArray();
  for (const IncidentAlert& alert : incident.alerts) WriteIncidentAlert(json, alert);
  json.End().Key("deliveries").BeginArray();
  for (const DeliveryView& delivery : incident.deliveries) WriteDelivery(json, delivery);
  json.End().End();
}

Result<alerting::IncidentFilter> ReadIncidentFilter(const Parameters& parameters) {
  alerting::IncidentFilter filter;
  const std::string_view state = parameters.Get("state");
  if (!state.empty() && state != "any" && state != "open" && state != "resolved") {
    return InvalidParameter("state", fmt::format("\"{}\" is neither open, resolved nor any", state));
  }
  filter.open = state != "resolved";
  filter.resolved = state != "open";
  VEDETTE_TRY(const std::size_t limit, LimitParameter(parameters));
  if (limit > 0) filter.limit = limit;
  return filter;
}

}  // namespace

Response Incidents(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const alerting::IncidentFilter filter, ReadIncidentFilter(request.query));
    std::vector<IncidentView> incidents = Ask(context.incidents, filter);
    const auto rank = [](const IncidentView& incident) {
      return std::tuple(incident.resolved_at.has_value(), incident.priority, -incident.started_at.ms, incident.number);
    };
    std::ranges::sort(incidents, {}, rank);
    Success success;
    success.json().BeginArray();
    for (const IncidentView& incident : incidents) WriteIncident(success.json(), incident);
    success.json().End();
    return std::move(success).Finish();
  });
}

}  // namespace vedette::dashboards::api
