#include "dashboards/api/query_result.h"

#include <limits>
#include <optional>
#include <vector>

#include "core/histogram_buckets.h"
#include "core/numbers.h"

namespace vedette::dashboards {

namespace {

using promql::HistogramPoint;
using promql::Point;
using promql::ResultSeries;

void WritePoint(JsonWriter& json, const Point& point) {
  json.BeginArray().UnixSeconds(TimeMs(point.time_ms)).SampleValue(point.value).End();
}

/// How a bucket's ends belong to it: the upper one only, the lower one only, none, both.
int EndsRule(const HistogramBucket& bucket) {
  if (bucket.lower_inclusive) return bucket.upper_inclusive ? 3 : 1;
  return bucket.upper_inclusive ? 0 : 2;
}

void WriteHistogram(JsonWriter& json, const HistogramPoint& point) {
  json.BeginArray().UnixSeconds(TimeMs(point.time_ms)).BeginObject();
  json.Key("count").SampleValue(point.histogram->count).Key("sum").SampleValue(point.histogram->sum);
  std::vector<HistogramBucket> buckets;
  AppendFilledBuckets(*point.histogram, buckets);
  if (!buckets.empty()) json.Key("buckets").BeginArray();
  for (const HistogramBucket& bucket : buckets) {
    json.BeginArray().Int(EndsRule(bucket)).SampleValue(bucket.lower).SampleValue(bucket.upper);
    json.SampleValue(bucket.count).End();
  }
  if (!buckets.empty()) json.End();
  json.End().End();
}

void WriteVector(JsonWriter& json, const std::vector<ResultSeries>& series) {
  json.BeginArray();
  for (const ResultSeries& one : series) {
    if (one.points.empty() && one.histograms.empty()) continue;
    json.BeginObject().Key("metric").LabelSet(one.labels);
    if (!one.points.empty()) {
      WritePoint(json.Key("value"), one.points.front());
    } else {
      WriteHistogram(json.Key("histogram"), one.histograms.front());
    }
    json.End();
  }
  json.End();
}

void WriteMatrix(JsonWriter& json, const std::vector<ResultSeries>& series) {
  json.BeginArray();
  for (const ResultSeries& one : series) WriteSeries(json, one);
  json.End();
}

/// Scalars never have an exponent.
void WriteScalar(JsonWriter& json, const std::vector<ResultSeries>& series, TimeMs time) {
  const bool any = !series.empty() && !series.front().points.empty();
  const Point point = any ? series.front().points.front() : Point{time.ms, NormalNan()};
  json.BeginArray().UnixSeconds(TimeMs(point.time_ms)).String(FormatFixed(point.value)).End();
}

std::string_view TypeName(promql::ValueType type) {
  switch (type) {
    case promql::ValueType::kVector:
      return "vector";
    case promql::ValueType::kMatrix:
      return "matrix";
    case promql::ValueType::kString:
      return "string";
    default:
      return "scalar";
  }
}

void WritePlanMembers(JsonWriter& json, const promql::ExplainNode& plan) {
  json.Key("node").String(plan.kind).Key("expression").String(plan.text);
  json.Key("evaluations").Uint(plan.evaluations).Key("sameAtEveryStep").Bool(plan.same_at_every_step);
  json.Key("series").Uint(plan.series).Key("samplesRead").Uint(plan.samples).Key("bytes").Uint(plan.bytes);
  json.Key("time").Seconds(plan.time).Key("ownTime").Seconds(plan.own_time);
  if (plan.workers != 0) json.Key("workers").Uint(plan.workers);
  json.Key("children").BeginArray();
  for (const promql::ExplainNode& child : plan.children) {
    json.BeginObject();
    WritePlanMembers(json, child);
    json.End();
  }
  json.End();
}

void WriteCacheUse(JsonWriter& json, const std::optional<promql::CacheUse>& use) {
  json.BeginObject().Key("used").Bool(use && use->kept_steps > 0);
  if (use) json.Key("steps").Uint(use->steps).Key("keptSteps").Uint(use->kept_steps);
  if (use && !use->passed_by.empty()) json.Key("reason").String(use->passed_by);
  json.End();
}

}  // namespace

bool Truncate(promql::QueryValue& value, std::size_t limit) {
  const bool cuttable = value.type == promql::ValueType::kVector || value.type == promql::ValueType::kMatrix;
  if (!cuttable || limit == 0 || value.series.size() <= limit) return false;
  value.series.resize(limit);
  return true;
}

void WriteSeries(JsonWriter& json, const promql::ResultSeries& series) {
  std::size_t next = 0;
  WriteSomeOfSeries(json, series, next, std::numeric_limits<std::size_t>::max());
}

bool WriteSomeOfSeries(JsonWriter& json, const promql::ResultSeries& series, std::size_t& next, std::size_t max_bytes) {
  const std::size_t points = series.points.size(), all = points + series.histograms.size();
  if (next == 0) json.BeginObject().Key("metric").LabelSet(series.labels);
  for (; next < all; ++next) {
    // Not before the first: 0 is what says that nothing is written.
    if (next > 0 && json.text().size() >= max_bytes) return false;
    if (next == 0 && points > 0) json.Key("values").BeginArray();
    if (next == points) json.Key("histograms").BeginArray();
    if (next < points) {
      WritePoint(json, series.points[next]);
    } else {
      WriteHistogram(json, series.histograms[next - points]);
    }
    if (next + 1 == points || next + 1 == all) json.End();
  }
  json.End();
  return true;
}

void WriteQueryValue(JsonWriter& json, const promql::QueryValue& value, TimeMs time) {
  json.Key("resultType").String(TypeName(value.type)).Key("result");
  switch (value.type) {
    case promql::ValueType::kVector:
      return WriteVector(json, value.series);
    case promql::ValueType::kMatrix:
      return WriteMatrix(json, value.series);
    case promql::ValueType::kString:
      json.BeginArray().UnixSeconds(time).String(value.text).End();
      return;
    default:
      return WriteScalar(json, value.series, time);
  }
}

void WriteQueryPlan(JsonWriter& json, const promql::QueryOutcome& outcome) {
  json.BeginObject();
  WriteCacheUse(json.Key("cache"), outcome.cache);
  WritePlanMembers(json, *outcome.plan);
  json.End();
}

void WriteQueryStats(JsonWriter& json, const promql::QueryStats& stats) {
  json.BeginObject().Key("timings").BeginObject();
  json.Key("evalTotalTime").Seconds(stats.prepare_time + stats.eval_time);
  json.Key("resultSortTime").Double(0);
  json.Key("queryPreparationTime").Seconds(stats.prepare_time);
  json.Key("innerEvalTime").Seconds(stats.eval_time);
  json.Key("execQueueTime").Seconds(stats.queue_time);
  json.Key("execTotalTime").Seconds(stats.total_time).End();
  json.Key("samples").BeginObject().Key("totalQueryableSamples").Uint(stats.samples_read);
  json.Key("samplesRead").Uint(stats.samples_read).Key("peakSamples").Uint(stats.peak_samples).End().End();
}

}  // namespace vedette::dashboards
