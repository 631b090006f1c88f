// Pending and firing alerts; whom they would be sent to.
#include "core/numbers.h"
#include "dashboards/api/alert_json.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards {

void WriteAlert(JsonWriter& json, const alerting::AlertView& alert) {
  json.BeginObject().Key("labels").LabelSet(alert.labels).Key("annotations").LabelSet(alert.annotations);
  json.Key("state").String(alerting::AlertStateName(alert.state)).Key("activeAt").Rfc3339(alert.active_at);
  if (alert.keep_firing_since) json.Key("keepFiringSince").Rfc3339(*alert.keep_firing_since);
  std::string value;
  AppendExponent(value, alert.value);
  json.Key("value").String(value).End();
}

namespace api {

Response Alerts(const ApiContext& context, const Request&) {
  Success success;
  success.json().BeginObject().Key("alerts").BeginArray();
  for (const alerting::AlertView& alert : Ask(context.alerts)) WriteAlert(success.json(), alert);
  success.json().End().End();
  return std::move(success).Finish();
}

Response Alertmanagers(const ApiContext&, const Request&) {
  // Vedette delivers itself; there is no Alertmanager to list.
  Success success;
  success.json().BeginObject().Key("activeAlertmanagers").BeginArray().End();
  success.json().Key("droppedAlertmanagers").BeginArray().End().End();
  return std::move(success).Finish();
}

}  // namespace api

}  // namespace vedette::dashboards
