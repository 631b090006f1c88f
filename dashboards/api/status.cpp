// The agent itself: build, configuration, flags, run time, store.
#include <fmt/format.h>

#include "core/version.h"
#include "dashboards/api/build_info.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards {

void WriteBuildInfo(JsonWriter& json) {
  // Clients choose what they ask for by this version, so it names the Prometheus whose API this is; which Vedette it
  // is stands behind the plus sign, where semantic versions keep what does not count in comparisons. Grafana takes a
  // server that sends "features" for something else: that key must never appear.
  constexpr std::string_view kPrometheusVersion = "3.14.0";
  json.BeginObject().Key("version").String(fmt::format("{}+vedette.{}", kPrometheusVersion, kVersion));
  json.Key("revision").String(kRevision).Key("branch").String("").Key("buildUser").String("");
  json.Key("buildDate").String("").Key("goVersion").String("").End();
}

namespace api {

namespace {

void WriteTop(JsonWriter& json, std::string_view key, const storage::StoreStats::Top& top) {
  json.Key(key).BeginArray();
  for (const auto& [name, count] : top) json.BeginObject().Key("name").String(name).Key("value").Uint(count).End();
  json.End();
}

Result<std::size_t> TopLimit(const Parameters& parameters, std::string_view name) {
  constexpr std::int64_t kDefault = 10, kMost = 10'000;
  const auto limit = IntParameter(parameters, name, kDefault);
  if (!limit || *limit < 1) return Fail(Code::kBadData, "{} must be a positive number", name);
  if (*limit > kMost) return Fail(Code::kBadData, "{} must not exceed {}", name, kMost);
  return static_cast<std::size_t>(*limit);
}

/// What VictoriaMetrics' parameters ask for beyond Prometheus' `limit`.
struct CardinalityRequest {
  std::vector<Matcher> matchers;
  std::string focus_label;
  storage::CardinalityQuery query;
  bool extended = false;
};

Status ReadCardinalityRequest(const Parameters& parameters, CardinalityRequest& out) {
  VEDETTE_TRY(out.query.top, TopLimit(parameters, parameters.Has("topN") ? "topN" : "limit"));
  for (const char* name : {"topN", "date", "match[]", "focusLabel"}) out.extended |= parameters.Has(name);
  if (const std::string_view date = parameters.Get("date"); !date.empty()) {
    const Result<TimeMs> day = ParseTime(std::string(date) + "T00:00:00Z");
    if (!day || date.size() != 10) return Fail(Code::kBadData, "date {} is not YYYY-MM-DD", Quote(date));
    out.query.day = *day;
  }
  VEDETTE_TRY(const MatcherSets sets, MatchParameters(parameters));
  if (sets.size() > 1) return Fail(Code::kBadData, "only one match[] is supported here");
  if (!sets.empty()) out.matchers = sets.front();
  out.focus_label = parameters.Get("focusLabel");
  out.query.matchers = out.matchers;
  out.query.focus_label = out.focus_label;
  return Ok();
}

}  // namespace

Response BuildInfo(const ApiContext&, const Request&) {
  Success success;
  WriteBuildInfo(success.json());
  return std::move(success).Finish();
}

Response Config(const ApiContext& context, const Request&) {
  Success success;
  success.json().BeginObject().Key("yaml").String(Ask(context.config_text)).End();
  return std::move(success).Finish();
}

Response Flags(const ApiContext& context, const Request&) {
  Success success;
  success.json().BeginObject();
  for (const auto& [flag, value] : context.options.flags) success.json().Key(flag).String(value);
  success.json().End();
  return std::move(success).Finish();
}

Response RuntimeInfo(const ApiContext& context, const Request&) {
  const dashboards::RuntimeInfo info = Ask(context.runtime_info);
  Success success;
  JsonWriter& json = success.json();
  json.BeginObject().Key("startTime").Rfc3339(info.start_time).Key("CWD").String(info.working_directory);
  json.Key("hostname").String(info.host_name).Key("serverTime").Rfc3339(context.clock.Now());
  json.Key("reloadConfigSuccess").Bool(info.reload_succeeded).Key("lastConfigTime").Rfc3339(info.last_config_time);
  json.Key("corruptionCount").Int(0);
  // Go's words for what is here the number of threads; pages show them.
  json.Key("goroutineCount").Uint(info.threads).Key("GOMAXPROCS").Uint(info.threads).Key("GOMEMLIMIT").Int(0);
  json.Key("GOGC").String("").Key("GODEBUG").String("").Key("storageRetention").String(info.storage_retention).End();
  return std::move(success).Finish();
}

Response TsdbStatus(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    CardinalityRequest asked;
    VEDETTE_CHECK(ReadCardinalityRequest(request.query, asked));
    storage::StoreStats stats;
    if (asked.extended) {
      VEDETTE_TRY(stats, context.storage.Cardinality(asked.query));
    } else {
      stats = context.storage.Stats(asked.query.top);
    }
    // Of an empty head Prometheus sends the ends of time, the wrong way round.
    const TimeRange range = stats.head_range.value_or(TimeRange{TimeMs::Max(), TimeMs::Min()});
    Success success;
    JsonWriter& json = success.json();
    json.BeginObject().Key("headStats").BeginObject().Key("numSeries").Uint(stats.head_series);
    json.Key("numLabelPairs").Uint(stats.label_pairs).Key("chunkCount").Uint(stats.head_chunks);
    json.Key("minTime").Int(range.min.ms).Key("maxTime").Int(range.max.ms).End();
    WriteTop(json, "seriesCountByMetricName", stats.series_by_metric);
    WriteTop(json, "labelValueCountByLabelName", stats.values_by_label);
    WriteTop(json, "memoryInBytesByLabelName", stats.bytes_by_label);
    WriteTop(json, "seriesCountByLabelValuePair", stats.series_by_pair);
    if (asked.extended) {
      json.Key("totalSeries").Uint(stats.head_series).Key("totalLabelValuePairs").Uint(stats.label_pairs);
      WriteTop(json, "seriesCountByLabelName", stats.series_by_label);
      WriteTop(json, "seriesCountByFocusLabelValue", stats.series_by_focus_value);
    }
    json.End();
    return std::move(success).Finish();
  });
}

Response TsdbBlocks(const ApiContext&, const Request&) {
  // There are none: samples lie in a RocksDB, partitioned by days.
  Success success;
  success.json().BeginObject().Key("blocks").BeginArray().End().End();
  return std::move(success).Finish();
}

Response WalReplay(const ApiContext&, const Request&) {
  // The journal is replayed before the server listens: there is never anything left to do.
  Success success;
  success.json().BeginObject().Key("min").Int(0).Key("max").Int(0).Key("current").Int(0).End();
  return std::move(success).Finish();
}

}  // namespace api

}  // namespace vedette::dashboards
