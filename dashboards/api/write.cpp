// The receivers of what is pushed: headers here, the rest in collector/push.
#include "collector/push/remote_write.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/json_writer.h"

namespace vedette::dashboards::api {

namespace {

/// Senders that are put off come back after this.
constexpr const char* kRetryAfterSeconds = "5";

Response PushResponse(const collector::PushOutcome& outcome, int good) {
  const int status = collector::PushHttpStatus(outcome.status, good);
  Response response = outcome.status ? NoContent() : TextResponse(status, outcome.status.error().message + "\n");
  response.status = status;
  if (status == 503) response.headers.Set("Retry-After", kRetryAfterSeconds);
  return response;
}

}  // namespace

Response Write(const ApiContext& context, const Request& request) {
  if (!context.remote_write) {
    return TextResponse(404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");
  }
  collector::WriteFormat format;
  const collector::PushRefusal refusal =
      collector::CheckRemoteWriteHeaders(request.headers.Get("Content-Type"), request.headers.Get("Content-Encoding"),
                                         context.options.write_messages, format);
  if (refusal.status != 0) return TextResponse(refusal.status, refusal.text + "\n");
  const collector::PushOutcome outcome = context.remote_write(request.body, format);
  Response response = PushResponse(outcome, 204);
  // Of 1.0 senders take numbers that are missing for a receiver that does not count.
  if (format.message == collector::WriteMessage::kVersion2) {
    response.headers.Set("X-Prometheus-Remote-Write-Samples-Written", std::to_string(outcome.samples));
    response.headers.Set("X-Prometheus-Remote-Write-Histograms-Written", std::to_string(outcome.histograms));
    response.headers.Set("X-Prometheus-Remote-Write-Exemplars-Written", std::to_string(outcome.exemplars));
  }
  return response;
}

Response OtlpMetrics(const ApiContext& context, const Request& request) {
  if (!context.otlp) {
    return TextResponse(404, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n");
  }
  const collector::OtlpReceiver::Answer answer =
      context.otlp(request.body, request.headers.Get("Content-Type"), request.headers.Get("Content-Encoding"));
  Response response = TextResponse(answer.status, answer.body);
  response.headers.Set("Content-Type", answer.content_type);
  if (answer.status == 503) response.headers.Set("Retry-After", kRetryAfterSeconds);
  return response;
}

Response InfluxWrite(const ApiContext& context, const Request& request) {
  if (!context.influx) return TextResponse(404, "the line protocol needs to be enabled with push.influx\n");
  // Version 1 names a database, version 2 a bucket.
  const std::string_view database = request.query.Has("db") ? request.query.Get("db") : request.query.Get("bucket");
  const collector::PushOutcome outcome = context.influx({.body = request.body,
                                                         .encoding = request.headers.Get("Content-Encoding"),
                                                         .precision = request.query.Get("precision"),
                                                         .database = database});
  Response response = PushResponse(outcome, 204);
  if (outcome.status) return response;
  // Version 1 reads `error`, version 2 the other two.
  const bool some = outcome.samples > 0;
  JsonWriter json;
  json.BeginObject()
      .Key("code")
      .String(response.status == 400 ? "invalid" : "unavailable")
      .Key("message")
      .String(outcome.status.error().message)
      .Key("error")
      .String((some ? "partial write: " : "") + outcome.status.error().message)
      .End();
  const std::string retry(response.headers.Get("Retry-After"));
  response = JsonResponse(response.status, std::move(json).Take());
  if (!retry.empty()) response.headers.Set("Retry-After", retry);
  return response;
}

}  // namespace vedette::dashboards::api
