// /api/v1/status/self_metrics: the agent's own metrics as JSON, in the form that protobuf gives io.prometheus.client.
#include <cmath>
#include <string>
#include <string_view>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "core/matcher.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

namespace {

std::string_view TypeText(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return "COUNTER";
    case prometheus::MetricType::Gauge:
      return "GAUGE";
    case prometheus::MetricType::Summary:
      return "SUMMARY";
    case prometheus::MetricType::Histogram:
      return "HISTOGRAM";
    default:
      return "UNTYPED";
  }
}

/// What JSON has no number for is a text.
void WriteProtoDouble(JsonWriter& json, double value) {
  if (std::isnan(value)) {
    json.String("NaN");
  } else if (std::isinf(value)) {
    json.String(value > 0 ? "Infinity" : "-Infinity");
  } else {
    json.Double(value);
  }
}

/// 64-bit numbers are texts.
void WriteProtoCount(JsonWriter& json, std::uint64_t value) { json.String(std::to_string(value)); }

void WriteMetric(JsonWriter& json, const prometheus::ClientMetric& metric, prometheus::MetricType type) {
  json.BeginObject().Key("label").BeginArray();
  for (const auto& label : metric.label) {
    json.BeginObject().Key("name").String(label.name).Key("value").String(label.value).End();
  }
  json.End();
  switch (type) {
    case prometheus::MetricType::Counter:
      WriteProtoDouble(json.Key("counter").BeginObject().Key("value"), metric.counter.value);
      break;
    case prometheus::MetricType::Gauge:
      WriteProtoDouble(json.Key("gauge").BeginObject().Key("value"), metric.gauge.value);
      break;
    case prometheus::MetricType::Summary:
      json.Key("summary").BeginObject();
      WriteProtoCount(json.Key("sampleCount"), metric.summary.sample_count);
      WriteProtoDouble(json.Key("sampleSum"), metric.summary.sample_sum);
      json.Key("quantile").BeginArray();
      for (const auto& quantile : metric.summary.quantile) {
        WriteProtoDouble(json.BeginObject().Key("quantile"), quantile.quantile);
        WriteProtoDouble(json.Key("value"), quantile.value);
        json.End();
      }
      json.End();
      break;
    case prometheus::MetricType::Histogram:
      json.Key("histogram").BeginObject();
      WriteProtoCount(json.Key("sampleCount"), metric.histogram.sample_count);
      WriteProtoDouble(json.Key("sampleSum"), metric.histogram.sample_sum);
      json.Key("bucket").BeginArray();
      for (const auto& bucket : metric.histogram.bucket) {
        WriteProtoCount(json.BeginObject().Key("cumulativeCount"), bucket.cumulative_count);
        WriteProtoDouble(json.Key("upperBound"), bucket.upper_bound);
        json.End();
      }
      json.End();
      break;
    default:
      WriteProtoDouble(json.Key("untyped").BeginObject().Key("value"), metric.untyped.value);
      break;
  }
  json.End().End();
}

}  // namespace

Response SelfMetrics(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    const std::string_view pattern = request.query.Get("metric_name_pattern");
    auto wanted = Regex::Compile(pattern.empty() ? ".*" : pattern);
    if (!wanted) return Annotate("invalid metric_name_pattern", std::move(wanted).error());
    Success success;
    JsonWriter& json = success.json().BeginArray();
    for (const prometheus::MetricFamily& family : context.metrics.Collect()) {
      if (!wanted->Matches(family.name)) continue;
      json.BeginObject().Key("name").String(family.name).Key("help").String(family.help);
      json.Key("type").String(TypeText(family.type)).Key("metric").BeginArray();
      for (const prometheus::ClientMetric& metric : family.metric) WriteMetric(json, metric, family.type);
      json.End().End();
    }
    json.End();
    return std::move(success).Finish();
  });
}

}  // namespace vedette::dashboards::api
