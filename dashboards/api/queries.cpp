// Which queries are under way, and which were the latest and the slowest; canceling one.
#include <algorithm>
#include <charconv>

#include "analytics/promql/query_registry.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards::api {

namespace {

/// What a sample takes in the memory of a query.
constexpr std::uint64_t kSampleBytes = 16;

std::string IdText(std::uint64_t id) { return fmt::format("{:016x}", id); }

std::optional<std::uint64_t> ReadId(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

/// What is known of every query, into the object that is open.
void WriteFacts(JsonWriter& json, std::uint64_t id, const promql::QueryFacts& facts) {
  json.Key("id").String(IdText(id)).Key("query").String(facts.text).Key("since").Rfc3339(facts.begun);
  json.Key("type").String(facts.instant ? "instant" : "range");
  if (facts.instant) {
    json.Key("time").UnixSeconds(facts.start);
  } else {
    json.Key("start").UnixSeconds(facts.start).Key("end").UnixSeconds(facts.end);
    json.Key("step").Seconds(facts.step);
  }
  // A rule or a client: the members that the query log has, too.
  json.Key("origin").Raw("{" + facts.origin + "}");
}

void WriteFinished(JsonWriter& json, std::string_view key, const std::vector<promql::FinishedQuery>& queries) {
  json.Key(key).BeginArray();
  for (const promql::FinishedQuery& query : queries) {
    json.BeginObject();
    WriteFacts(json, query.id, query.facts);
    json.Key("duration").Seconds(query.duration).Key("queued").Seconds(query.queued);
    json.Key("samplesRead").Uint(query.samples_read).Key("peakSamples").Uint(query.peak_samples);
    json.Key("series").Uint(query.series);
    if (!query.error.empty()) json.Key("error").String(query.error);
    json.End();
  }
  json.End();
}

}  // namespace

Response ActiveQueries(const ApiContext& context, const Request&) {
  Success success;
  JsonWriter& json = success.json();
  json.BeginArray();
  for (const promql::ActiveQuery& query : context.engine.queries().Active()) {
    json.BeginObject();
    WriteFacts(json, query.id, query.facts);
    json.Key("phase").String(promql::QueryPhaseName(query.phase)).Key("duration").Seconds(query.age);
    json.Key("samples").Uint(query.samples).Key("peakSamples").Uint(query.peak_samples);
    json.Key("bytes").Uint(query.samples * kSampleBytes).End();
  }
  json.End();
  return std::move(success).Finish();
}

Response CancelQuery(const ApiContext& context, const Request& request) {
  if (!context.options.cancel_queries) {
    return ErrorResponse({Code::kUnavailable, "canceling queries needs the admin API"});
  }
  return Answer([&]() -> Result<Response> {
    const auto id = ReadId(request.path_parameter);
    if (!id) return InvalidParameter("id", fmt::format("{} is not the id of a query", Quote(request.path_parameter)));
    if (context.engine.queries().Cancel(*id)) return NoContent();
    return Fail(Code::kNotFound, "no query under way has the id {}", Quote(request.path_parameter));
  });
}

Response SlowQueries(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    constexpr std::size_t kUsual = 20;
    VEDETTE_TRY(std::size_t limit, LimitParameter(request.query));
    if (!request.query.Has("limit")) limit = kUsual;
    if (limit == 0) limit = promql::QueryRegistry::kLatest;
    Success success;
    success.json().BeginObject();
    WriteFinished(success.json(), "slowest", context.engine.queries().Slowest(limit));
    WriteFinished(success.json(), "latest", context.engine.queries().Latest(limit));
    success.json().End();
    return std::move(success).Finish();
  });
}

}  // namespace vedette::dashboards::api
