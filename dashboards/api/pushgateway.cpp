// What clients of a Pushgateway ask for: its paths and its answers, over collector/push/gateway.
#include <algorithm>

#include "collector/exposition/protobuf_parser.h"
#include "collector/push/gateway/gateway.h"
#include "core/numbers.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/json_writer.h"

namespace vedette::dashboards::api {

namespace {

constexpr const char* kGatewayOff = "the push gateway needs to be enabled with push.pushgateway\n";
constexpr std::string_view kGatewayRoot = "/metrics/";

std::string GoNumber(double value) {
  std::string out;
  AppendGeneral(out, value);
  return out;
}

void WriteLabels(JsonWriter& json, const collector::RawLabels& labels) {
  json.Key("labels").BeginObject();
  for (const auto& [name, value] : labels) json.Key(name).String(value);
  json.End();
}

/// A summary's quantiles or a histogram's buckets.
void WritePoints(JsonWriter& json, std::string_view key, const collector::ProtobufMetric& metric) {
  json.Key("count").String(GoNumber(metric.count)).Key("sum").String(GoNumber(metric.sum));
  json.Key(key).BeginObject();
  for (const auto& point : metric.points) json.Key(GoNumber(point.bound)).String(GoNumber(point.value));
  json.End();
}

void WriteFamily(JsonWriter& json, const collector::GatewayStored& stored) {
  const collector::GatewayFamily& family = stored.family;
  json.Key(family.name).BeginObject();
  json.Key("time_stamp").Rfc3339(stored.time);
  json.Key("type").String(collector::GatewayTypeName(family.type));
  if (!family.help.empty()) json.Key("help").String(family.help);
  json.Key("metrics").BeginArray();
  std::string message;
  collector::AppendFamilyMessage(message, family.name, family.help, family.type, family.metrics);
  collector::ProtobufParser parser(message);
  for (auto event = parser.Next(); event != collector::ProtobufParser::Event::kEnd; event = parser.Next()) {
    if (event == collector::ProtobufParser::Event::kError) break;  // it was read when it was pushed
    if (event != collector::ProtobufParser::Event::kMetric) continue;
    const collector::ProtobufMetric& metric = parser.metric();
    collector::RawLabels labels;
    if (!collector::AppendProtobufLabels(metric.labels, labels)) continue;
    json.BeginObject();
    WriteLabels(json, labels);
    switch (parser.family().type) {
      case collector::MetricType::kSummary:
        WritePoints(json, "quantiles", metric);
        break;
      case collector::MetricType::kHistogram:
      case collector::MetricType::kGaugeHistogram:
        WritePoints(json, "buckets", metric);
        break;
      default:
        json.Key("value").String(GoNumber(metric.value));
    }
    json.End();
  }
  json.End().End();
}

}  // namespace

/// PUT replaces the group, POST the families that it has, DELETE takes the group away.
Response PushGroup(const ApiContext& context, const Request& request) {
  if (context.pushgateway == nullptr) return TextResponse(404, kGatewayOff);
  std::string_view path = request.path;
  path.remove_prefix(std::min(kGatewayRoot.size(), path.size()));
  const bool removes = request.method == kDelete;
  const Status status = removes ? context.pushgateway->Delete(path)
                                : context.pushgateway->Push({.path = path,
                                                             .body = request.body,
                                                             .content_type = request.headers.Get("Content-Type"),
                                                             .encoding = request.headers.Get("Content-Encoding"),
                                                             .replace = request.method == kPut});
  const int code = collector::PushHttpStatus(status, removes ? 202 : 200);
  Response response = TextResponse(code, status ? "" : status.error().message + "\n");
  if (code == 503) response.headers.Set("Retry-After", "5");
  return response;
}

Response PushedGroups(const ApiContext& context, const Request&) {
  if (context.pushgateway == nullptr) return TextResponse(404, kGatewayOff);
  Success success;
  JsonWriter& json = success.json();
  json.BeginArray();
  for (const collector::GatewayGroupView& group : context.pushgateway->Groups()) {
    json.BeginObject();
    WriteLabels(json, group.labels);
    json.Key("last_push_successful").Bool(group.pushed > group.failed);
    for (const auto& stored : group.families) WriteFamily(json, *stored);
    json.End();
  }
  json.End();
  return std::move(success).Finish();
}

Response WipeGroups(const ApiContext& context, const Request&) {
  if (context.pushgateway == nullptr) return TextResponse(404, kGatewayOff);
  if (!context.options.admin_api) return ErrorResponse({Code::kUnavailable, "admin APIs disabled"});
  const Status status = context.pushgateway->Wipe();
  return status ? TextResponse(202, "") : ErrorResponse(status.error());
}

}  // namespace vedette::dashboards::api
