// The value of a query as JSON: `"resultType":...,"result":...` and, where asked for, `"stats"`.
#pragma once

#include <cstddef>

#include "analytics/promql/engine.h"
#include "analytics/promql/query_profile.h"
#include "dashboards/api/json_writer.h"

namespace vedette::dashboards {

/// Cuts the series of vectors and matrices to `limit` (0: none). True when something was cut.
bool Truncate(promql::QueryValue& value, std::size_t limit);

/// Writes both keys; `time` is that of an instant query, which strings carry.
void WriteQueryValue(JsonWriter& json, const promql::QueryValue& value, TimeMs time);

/// Writes one series of a matrix.
void WriteSeries(JsonWriter& json, const promql::ResultSeries& series);

/// The same in steps. `next`: how many of its points are written, 0 to begin with. False: the text has `max_bytes`, and
/// the series is not over. What is in json.text() may be taken out between two calls.
bool WriteSomeOfSeries(JsonWriter& json, const promql::ResultSeries& series, std::size_t& next, std::size_t max_bytes);

/// Writes the object of "explain": the outcome's plan, and what kept results did.
void WriteQueryPlan(JsonWriter& json, const promql::QueryOutcome& outcome);

/// Writes the object of "stats".
void WriteQueryStats(JsonWriter& json, const promql::QueryStats& stats);

}  // namespace vedette::dashboards
