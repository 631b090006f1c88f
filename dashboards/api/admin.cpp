// Work on the store that an operator asks for.
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

Response Flush(const ApiContext& context, const Request&) {
  if (!context.options.admin_api) return ErrorResponse({Code::kUnavailable, "admin APIs disabled"});
  if (const Status done = context.storage.Flush(); !done) return ErrorResponse(done.error());
  return NoContent();
}

}  // namespace vedette::dashboards::api
