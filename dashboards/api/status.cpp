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

Result<std::size_t> TopLimit(const Parameters& parameters) {
  constexpr std::int64_t kDefault = 10, kMost = 10'000;
  const auto limit = IntParameter(parameters, "limit", kDefault);
  if (!limit || *limit < 1) return Fail(Code::kBadData, "limit must be a positive number");
  if (*limit > kMost) return Fail(Code::kBadData, "limit must not exceed {}", kMost);
  return static_cast<std::size_t>(*limit);
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
    VEDETTE_TRY(const std::size_t limit, TopLimit(request.query));
    const storage::StoreStats stats = context.storage.Stats(limit);
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
    json.End();
    return std::move(success).Finish();
  });
}

Response WalReplay(const ApiContext&, const Request&) {
  // The journal is replayed before the server listens: there is never anything left to do.
  Success success;
  success.json().BeginObject().Key("min").Int(0).Key("max").Int(0).Key("current").Int(0).End();
  return std::move(success).Finish();
}

}  // namespace api

}  // namespace vedette::dashboards
