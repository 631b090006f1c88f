// /probe: service checks as blackbox_exporter offers them, so that scrape configs with its relabelling work when they
// point here.
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

Response Probe(const ApiContext& context, const Request& request) {
  if (!context.probe) return TextResponse(404, "there are no service checks here\n");
  collector::ProbeRequest probe;
  if (const std::string_view module = request.query.Get("module"); !module.empty()) probe.module = module;
  probe.target = request.query.Get("target");
  probe.hostname = request.query.Get("hostname");
  probe.scrape_timeout = request.headers.Get("X-Prometheus-Scrape-Timeout-Seconds");
  probe.debug = request.query.Get("debug") == "true";
  probe.stop = request.stop;
  Response response;
  // A probe may take as long as its timeout: no thread waits for it.
  response.later = [&context, probe = std::move(probe)](std::function<void(Response)> answer) {
    context.probe(probe, [answer = std::move(answer)](collector::ProbeReply reply) {
      Response out;
      out.status = reply.status;
      out.headers.Set("Content-Type", std::move(reply.content_type));
      out.body = std::move(reply.body);
      answer(std::move(out));
    });
  };
  return response;
}

}  // namespace vedette::dashboards::api
