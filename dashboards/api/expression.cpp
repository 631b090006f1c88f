// Endpoints that look at an expression without evaluating it, and the exemplars of its series.
#include "analytics/promql/printer.h"
#include "analytics/promql/selectors.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/expression_json.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards::api {

Response FormatQuery(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    VEDETTE_TRY(const promql::ExprPtr expr, ExpressionParameter(parameters, context.engine.options().parser));
    Success success;
    success.json().String(promql::PrettyPrint(*expr));
    return std::move(success).Finish();
  });
}

Response ParseQuery(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    VEDETTE_TRY(const promql::ExprPtr expr, ExpressionParameter(parameters, context.engine.options().parser));
    Success success;
    WriteExpression(success.json(), *expr);
    return std::move(success).Finish();
  });
}

Response QueryExemplars(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    VEDETTE_TRY(const TimeRange range, RangeParameters(parameters));
    if (range.max < range.min) {
      return Fail(Code::kBadData, "end timestamp must not be before start timestamp");
    }
    // Its errors do not name the parameter, unlike those of the others.
    VEDETTE_TRY(const promql::ExprPtr expr,
                promql::ParseExpr(parameters.Get("query"), context.engine.options().parser));
    const auto selectors = promql::SelectorsOf(*expr);
    if (selectors.empty()) return NoContent();
    const auto querier = context.storage.NewQuerier(range);
    VEDETTE_TRY(const auto found, querier->Exemplars(selectors, range));
    Success success;
    JsonWriter& json = success.json().BeginArray();
    for (const storage::SeriesExemplars& series : found) {
      json.BeginObject().Key("seriesLabels").LabelSet(series.series).Key("exemplars").BeginArray();
      for (const storage::Exemplar& exemplar : series.exemplars) {
        json.BeginObject().Key("labels").LabelSet(exemplar.labels).Key("value").SampleValue(exemplar.value);
        json.Key("timestamp").UnixSeconds(exemplar.time).End();
      }
      json.End().End();
    }
    json.End();
    return std::move(success).Finish();
  });
}

}  // namespace vedette::dashboards::api
