#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/discovery_task.h"
#include "collector/discovery/http_targets.h"
#include "collector/media_type.h"
#include "collector/scrape/async.h"
#include "core/log.h"
#include "core/version.h"

namespace vedette::collector {
namespace {

Result<std::optional<TargetGroups>> GroupsOfEndpoint(Result<HttpResponse> response, const std::string& url) {
  if (!response) return std::move(response).error();
  const std::string type(MediaType(response->Header("Content-Type")));
  VEDETTE_TRY(const std::string body, BodyOf(std::move(response)));
  if (type != "application/json") return Fail(Code::kBadData, "unsupported content type {}", Quote(type));
  VEDETTE_TRY(TargetGroups groups, ParseHttpTargets(body, url));
  return std::optional(std::move(groups));
}

class HttpTask final : public PolledTask {
 public:
  HttpTask(const DiscoveryEnvironment& environment, const HttpSdConfig& config, std::unique_ptr<HttpClient> client,
           KnownGroups known)
      : PolledTask(environment, {.what = "target endpoint",
                                 .place = Redacted(config.url),
                                 .interval = config.refresh_interval,
                                 .failures = environment.metrics.http_failures,
                                 .known = std::move(known)}),
        config_(config),
        client_(std::move(client)) {}

 private:
  boost::asio::awaitable<Answer> Ask() override {
    HttpRequest request;
    request.url = config_.url;
    request.timeout = Patience();
    request.max_body_bytes = kMaxDiscoveryReply;
    const double seconds = static_cast<double>(config_.refresh_interval.count()) / 1000;
    request.headers = {{"Accept", "application/json"},
                       {"User-Agent", fmt::format("Vedette/{}", kVersion)},
                       {"X-Prometheus-Refresh-Interval-Seconds", fmt::format("{}", seconds)}};
    auto response = co_await Fetch(*client_, std::move(request));
    if (stopped()) co_return Fail(Code::kCanceled, "stopped");
    Answer answer = std::optional<TargetGroups>();
    auto parse = [&] { answer = GroupsOfEndpoint(std::move(response), config_.url); };
    co_await RunOn(workers(), parse);
    co_return answer;
  }
  void Abort() override { client_.reset(); }

  const HttpSdConfig config_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace

Result<std::unique_ptr<Discovery>> NewHttpDiscovery(const DiscoveryEnvironment& environment, const HttpSdConfig& config,
                                                    KnownGroups known) {
  VEDETTE_TRY(auto client, environment.new_client(environment.io, config.http));
  return RunTask(std::make_shared<HttpTask>(environment, config, std::move(client), std::move(known)));
}

}  // namespace vedette::collector
