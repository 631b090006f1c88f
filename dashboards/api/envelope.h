// The frame around every answer of /api/v1: {"status":"success","data":...} or {"status":"error",...}.
#pragma once

#include <string>
#include <string_view>

#include "analytics/promql/engine.h"
#include "core/result.h"
#include "dashboards/api/json_writer.h"
#include "dashboards/http/message.h"

namespace vedette::dashboards {

/// Builds a successful answer: write the data into json(), then Finish().
class Success {
 public:
  Success();
  /// Stands where the value of "data" belongs.
  JsonWriter& json() { return json_; }
  /// Adds warnings and infos, at most ten of each and a line that counts the others.
  Response Finish(const promql::Annotations& notes = {}) &&;

 private:
  JsonWriter json_;
};

/// The keys "warnings" and "infos" where there are any, as Finish() has them.
void WriteNotes(JsonWriter& json, const promql::Annotations& notes);

/// "bad_data" and the like.
std::string_view ErrorTypeOf(const Error& error);

/// 204: it worked and there is nothing to say.
Response NoContent();

/// The JSON error with the status of its code.
Response ErrorResponse(const Error& error);

/// `invalid parameter "<name>": <reason>`, kBadData.
Error InvalidParameter(std::string_view name, std::string_view reason);

/// Runs a handler that can fail.
template <class Function>
Response Answer(Function&& function) {
  Result<Response> response = function();
  return response ? *std::move(response) : ErrorResponse(response.error());
}

}  // namespace vedette::dashboards
