// Remote read: headers here, the rest in collector/remote.
#include "collector/remote/read_server.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

Response RemoteRead(const ApiContext& context, const Request& request) {
  if (context.remote_read == nullptr) return TextResponse(404, "remote read is not available\n");
  const auto answer = context.remote_read->Read(request.body, request.stop);
  if (!answer) {
    const bool askers_fault = answer.error().code == Code::kBadData || answer.error().code == Code::kLimit;
    return TextResponse(askers_fault ? 400 : 500, answer.error().message + "\n");
  }
  Response response;
  response.status = 200;
  response.headers.Set("Content-Type", answer->content_type);
  if (!answer->content_encoding.empty()) response.headers.Set("Content-Encoding", answer->content_encoding);
  response.body = answer->body;
  return response;
}

}  // namespace vedette::dashboards::api
