// /api/v1/notifications: what whoever looks at the page should know of the agent itself.
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

Response Notifications(const ApiContext& context, const Request&) {
  const dashboards::RuntimeInfo info = Ask(context.runtime_info);
  Success success;
  JsonWriter& json = success.json().BeginArray();
  const auto add = [&](std::string_view text, TimeMs since) {
    json.BeginObject().Key("text").String(text).Key("date").Rfc3339(since).Key("active").Bool(true).End();
  };
  if (!info.reload_succeeded) add("Configuration reload has failed.", info.last_reload_attempt);
  const Readiness readiness = context.readiness ? context.readiness() : Readiness::kReady;
  if (readiness == Readiness::kStarting) add("Vedette is starting.", info.start_time);
  if (readiness == Readiness::kStopping)
    add("Vedette is shutting down and gracefully stopping all operations.", context.clock.Now());
  json.End();
  return std::move(success).Finish();
}

// 204 is what Prometheus says when it takes no more subscribers: a page then asks for the list now and then.
Response NotificationStream(const ApiContext&, const Request&) { return NoContent(); }

}  // namespace vedette::dashboards::api
