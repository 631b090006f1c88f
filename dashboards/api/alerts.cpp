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

/// External ones only: that Vedette delivers itself is not listed.
Response Alertmanagers(const ApiContext& context, const Request&) {
  const collector::Notifier::View view = context.alertmanagers ? context.alertmanagers() : collector::Notifier::View();
  Success success;
  JsonWriter& json = success.json();
  const auto write = [&](const std::vector<std::string>& urls) {
    json.BeginArray();
    for (const std::string& url : urls) json.BeginObject().Key("url").String(url).End();
    json.End();
  };
  json.BeginObject().Key("activeAlertmanagers");
  write(view.active);
  json.Key("droppedAlertmanagers");
  write(view.dropped);
  json.End();
  return std::move(success).Finish();
}

}  // namespace api

}  // namespace vedette::dashboards
