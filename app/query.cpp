// `vedette query`: one PromQL query against a running agent.
#include <cstdio>

#include "app/api_client.h"
#include "app/commands.h"
#include "core/clock.h"
#include "core/numbers.h"

namespace vedette::app {
namespace {

void PrintSeries(const promql::ResultSeries& series, bool one_line) {
  if (one_line && series.points.size() == 1) {
    const promql::Point& point = series.points.front();
    fmt::print("{} => {} @[{}]\n", series.labels.ToString(), FormatSampleValue(point.value), TimeMs(point.time_ms));
    return;
  }
  fmt::print("{}\n", series.labels.ToString());
  for (const promql::Point& point : series.points) {
    fmt::print("  {} @[{}]\n", FormatSampleValue(point.value), TimeMs(point.time_ms));
  }
}

Result<std::string> Ask(const QueryCommand& command) {
  ApiClient client(command.server);
  if (command.start.empty()) return client.Post("query", {{"query", command.expression}, {"time", command.time}});
  const std::string end = command.end.empty() ? FormatRfc3339(SystemClock().Now()) : command.end;
  return client.Post("query_range", {{"query", command.expression},
                                     {"start", command.start},
                                     {"end", end},
                                     {"step", command.step.empty() ? "1m" : command.step}});
}

}  // namespace

int Query(const QueryCommand& command) {
  const auto reply = Ask(command);
  if (!reply) {
    fmt::print(stderr, "vedette query: {}\n", reply.error().message);
    return 1;
  }
  if (command.json) {
    fmt::print("{}\n", *reply);
    return 0;
  }
  const auto value = ParseQueryData(*reply);
  if (!value) {
    fmt::print(stderr, "vedette query: {}\n", value.error().message);
    return 1;
  }
  if (value->type == promql::ValueType::kString) fmt::print("{}\n", value->text);
  for (const promql::ResultSeries& series : value->series) {
    PrintSeries(series, value->type != promql::ValueType::kMatrix);
  }
  return 0;
}

}  // namespace vedette::app
