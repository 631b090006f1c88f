// Health, readiness, reload, end, version and own metrics: what stands outside /api/v1.
#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include "dashboards/api/build_info.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

namespace {

Response LifecycleOff() { return TextResponse(403, "Lifecycle API is not enabled."); }

}  // namespace

Response Healthy(const ApiContext&, const Request&) { return TextResponse(200, "Vedette is Healthy.\n"); }

Response Ready(const ApiContext&, const Request&) { return TextResponse(200, "Vedette is Ready.\n"); }

Response Reload(const ApiContext& context, const Request&) {
  if (!context.reload) return LifecycleOff();
  if (const Status done = context.reload(); !done) {
    return TextResponse(500, "failed to reload config: " + done.error().message);
  }
  return TextResponse(200, "");
}

Response Quit(const ApiContext& context, const Request&) {
  if (!context.quit) return LifecycleOff();
  context.quit();
  return TextResponse(200, "Requesting termination... Goodbye!");
}

Response Version(const ApiContext&, const Request&) {
  JsonWriter json;
  WriteBuildInfo(json);
  return JsonResponse(200, std::move(json).Take());
}

Response OwnMetrics(const ApiContext& context, const Request&) {
  Response response = TextResponse(200, prometheus::TextSerializer().Serialize(context.metrics.Collect()));
  response.headers.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

}  // namespace vedette::dashboards::api
