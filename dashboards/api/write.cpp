// The remote-write receiver: headers here, the rest in collector/push.
#include "collector/push/remote_write.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

namespace {

/// Senders repeat what got 5xx and give up on 4xx.
int StatusOf(Code code) {
  switch (code) {
    case Code::kBadData:
    case Code::kLimit:
    case Code::kOutOfOrder:
      return 400;
    case Code::kUnavailable:
    case Code::kIo:
    case Code::kTimeout:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

Response Write(const ApiContext& context, const Request& request) {
  if (!context.remote_write) {
    return TextResponse(404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");
  }
  const auto refusal = collector::CheckRemoteWriteHeaders("POST", request.headers.Get("Content-Type"),
                                                          request.headers.Get("Content-Encoding"));
  if (refusal) return TextResponse(refusal->status, refusal->text);
  const auto outcome = context.remote_write(request.body);
  if (!outcome) return TextResponse(StatusOf(outcome.error().code), outcome.error().message + "\n");
  return NoContent();
}

}  // namespace vedette::dashboards::api
