// Endpoints that look at an expression without evaluating it.
#include "analytics/promql/printer.h"
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
    VEDETTE_CHECK(ExpressionParameter(parameters, context.engine.options().parser));
    Success success;
    success.json().BeginArray().End();
    return std::move(success).Finish();
  });
}

}  // namespace vedette::dashboards::api
