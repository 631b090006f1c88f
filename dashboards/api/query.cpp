// /api/v1/query and /api/v1/query_range.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>

#include "core/json_log.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"
#include "dashboards/api/query_result.h"
#include "dashboards/api/query_stream.h"

namespace vedette::dashboards::api {

namespace {

using std::chrono::nanoseconds;

/// What both endpoints understand.
struct QueryRequest {
  Parameters parameters;
  std::size_t limit = 0;
  promql::QueryOptions options;
  std::string origin;
  bool no_time = false;  // the time-out is over before it begins
};

/// Whole milliseconds, at least one.
Millis AtLeastOneMs(nanoseconds span) { return std::max(std::chrono::duration_cast<Millis>(span), Millis(1)); }

Status CheckTime(const QueryRequest& query) {
  if (query.no_time) return Fail(Code::kTimeout, "query timed out in query execution");
  return Ok();
}

/// As VictoriaMetrics reads it; Prometheus knows no such parameter, so that no value of it is an error.
bool NoCache(std::string_view text) {
  constexpr std::string_view kNo[] = {"", "0", "f", "false", "no"};
  return std::ranges::find(kNo, text) == std::end(kNo);
}

Result<QueryRequest> ReadRequest(const Request& request) {
  QueryRequest query;
  VEDETTE_TRY(query.parameters, FormParameters(request));
  VEDETTE_TRY(query.limit, LimitParameter(query.parameters));
  VEDETTE_TRY(const std::optional<nanoseconds> timeout, DurationParameter(query.parameters, "timeout"));
  query.no_time = timeout && *timeout < Millis(1);
  if (timeout) query.options.timeout = AtLeastOneMs(*timeout);
  const std::string_view lookback_text = query.parameters.Get("lookback_delta");
  if (!lookback_text.empty()) {
    auto lookback = ParseDurationText(lookback_text);
    if (!lookback) return Annotate("error parsing lookback delta duration", std::move(lookback).error());
    if (lookback->count() > 0) query.options.lookback = AtLeastOneMs(*lookback);
  }
  VEDETTE_TRY(query.options.explain, BoolParameter(query.parameters, "explain", false));
  // Statistics say what an evaluation as a whole reads.
  query.options.use_cache = !NoCache(query.parameters.Get("nocache")) && query.parameters.Get("stats").empty();
  query.options.stop = request.stop;
  const std::string_view remote = request.remote;
  std::string_view client = remote.substr(0, remote.rfind(':'));
  if (client.starts_with('[') && client.ends_with(']')) client = client.substr(1, client.size() - 2);
  query.origin = fmt::format(R"("httpRequest":{{"clientIP":{},"method":"{}","path":{}}})", JsonText(client),
                             request.method == kPost ? "POST" : "GET", JsonText(request.path));
  return query;
}

/// The options of the query, with what the query log says of it. They point into `query`.
promql::QueryOptions OptionsOf(const QueryRequest& query) {
  promql::QueryOptions options = query.options;
  options.text = query.parameters.Get("query");
  options.origin = query.origin;
  return options;
}

/// Prometheus takes any other word for "true", and says that it will not for ever.
void AddStatsWarning(std::string_view stats, promql::Annotations& notes) {
  if (stats.empty() || stats == "true" || stats == "all") return;
  notes.warnings.push_back(
      fmt::format("value \"{}\" for parameter \"stats\" is deprecated and will be rejected in the next major release, "
                  "use \"true\" or "
                  "\"all\"",
                  stats));
}

Response Write(promql::QueryOutcome outcome, const QueryRequest& query, TimeMs time) {
  if (Truncate(outcome.value, query.limit)) outcome.notes.warnings.push_back("results truncated due to limit");
  const std::string_view stats = query.parameters.Get("stats");
  AddStatsWarning(stats, outcome.notes);
  Success success;
  success.json().BeginObject();
  WriteQueryValue(success.json(), outcome.value, time);
  if (!stats.empty()) WriteQueryStats(success.json().Key("stats"), outcome.stats);
  if (outcome.plan) WriteQueryPlan(success.json().Key("explain"), outcome);
  success.json().End();
  return std::move(success).Finish(outcome.notes);
}

struct RangeTimes {
  TimeMs start, end;
  Millis step{0};
};

/// Prometheus' limit, and that of streams: what one series takes in memory.
constexpr std::uint64_t kMaxSteps = 11'000, kMaxStreamedSteps = 1'000'000;

Result<RangeTimes> ReadRange(const Parameters& parameters, bool streamed) {
  RangeTimes range;
  VEDETTE_TRY(range.start, NeedTime(parameters, "start"));
  VEDETTE_TRY(range.end, NeedTime(parameters, "end"));
  if (range.end < range.start) return InvalidParameter("end", "end timestamp must not be before start time");
  VEDETTE_TRY(const std::optional<nanoseconds> step, DurationParameter(parameters, "step"));
  if (!step) return InvalidParameter("step", "cannot parse \"\" to a valid duration");
  if (step->count() <= 0) {
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  range.step = AtLeastOneMs(*step);
  // As unsigned numbers, because the two times may be further apart than a signed one holds.
  const auto span = static_cast<std::uint64_t>(range.end.ms) - static_cast<std::uint64_t>(range.start.ms);
  if (span / static_cast<std::uint64_t>(range.step.count()) > (streamed ? kMaxStreamedSteps : kMaxSteps)) {
    return Fail(Code::kBadData,
                "exceeded maximum resolution of {} points per timeseries. Try decreasing the query resolution "
                "(?step=XX)",
                streamed ? "1,000,000" : "11,000");
  }
  return range;
}

}  // namespace

Response Query(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(QueryRequest query, ReadRequest(request));
    query.options.text = query.parameters.Get("query");
    VEDETTE_TRY(const std::optional<TimeMs> given, TimeParameter(query.parameters, "time"));
    const TimeMs time = given.value_or(context.clock.Now());
    VEDETTE_TRY(const promql::ExprPtr expr, ExpressionParameter(query.parameters, context.engine.options().parser));
    VEDETTE_CHECK(CheckTime(query));
    VEDETTE_TRY(promql::QueryOutcome outcome, context.engine.Instant(*expr, time, OptionsOf(query)));
    return Write(std::move(outcome), query, time);
  });
}

Response QueryRange(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(QueryRequest query, ReadRequest(request));
    query.options.text = query.parameters.Get("query");
    const StreamFormat* const format = StreamFormatOf(request.headers.Get("Accept"));
    VEDETTE_TRY(const RangeTimes range, ReadRange(query.parameters, format != nullptr));
    VEDETTE_TRY(const promql::ExprPtr expr, ExpressionParameter(query.parameters, context.engine.options().parser));
    const bool plottable = expr->type == promql::ValueType::kScalar || expr->type == promql::ValueType::kVector;
    if (!plottable) {
      return InvalidParameter("query", fmt::format("invalid expression type \"{}\" for range query, must be Scalar or "
                                                   "instant Vector",
                                                   promql::ValueTypeName(expr->type)));
    }
    VEDETTE_CHECK(CheckTime(query));
    if (format != nullptr) {
      VEDETTE_TRY(auto stream, context.engine.Stream(*expr, range.start, range.end, range.step, OptionsOf(query)));
      return StreamResponse(*format, std::move(stream), query.limit);
    }
    VEDETTE_TRY(promql::QueryOutcome outcome,
                context.engine.Range(*expr, range.start, range.end, range.step, OptionsOf(query)));
    return Write(std::move(outcome), query, range.end);
  });
}

}  // namespace vedette::dashboards::api
