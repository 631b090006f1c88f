#include <algorithm>

#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/discovery_task.h"
#include "collector/discovery/docker_targets.h"
#include "collector/scrape/async.h"

namespace vedette::collector {
namespace {

/// "1.45"; what else may stand in a header has no business in a URL.
bool IsDockerVersion(std::string_view text) {
  return !text.empty() && text.size() <= 16 && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

class DockerTask final : public PolledTask {
 public:
  DockerTask(const DiscoveryEnvironment& environment, const DockerSdConfig& config, std::unique_ptr<HttpClient> client,
             KnownGroups known)
      : PolledTask(environment, {.what = "Docker daemon",
                                 .place = ShownPlace(config.host),
                                 .interval = config.refresh_interval,
                                 .failures = environment.metrics.docker_failures,
                                 .known = std::move(known)}),
        config_(config),
        filters_(DockerFilters(config.filters)),
        client_(std::move(client)) {}

 private:
  boost::asio::awaitable<Answer> Ask() override;
  boost::asio::awaitable<Result<HttpResponse>> Get(std::string path);
  boost::asio::awaitable<void> AskForVersion();
  void Abort() override { client_.reset(); }

  const DockerSdConfig config_;
  const std::string filters_;
  std::string version_;  // of the daemon's interface; empty: unknown
  std::unique_ptr<HttpClient> client_;
};

boost::asio::awaitable<Result<HttpResponse>> DockerTask::Get(std::string path) {
  auto request = DockerRequest(config_, version_, path);
  if (!request) co_return request.error();
  request->timeout = Patience();
  auto response = co_await Fetch(*client_, *std::move(request));
  if (stopped()) co_return Fail(Code::kCanceled, "stopped");
  co_return response;
}

/// Daemons want to be asked in a version that they speak. Those that do not say, or proxies that do not let the
/// question through, are asked without.
boost::asio::awaitable<void> DockerTask::AskForVersion() {
  const auto pong = co_await Get("/_ping");
  if (!pong || pong->status != 200) co_return;
  const std::string_view version = pong->Header("Api-Version");
  if (IsDockerVersion(version)) version_ = version;
}

boost::asio::awaitable<PolledTask::Answer> DockerTask::Ask() {
  if (version_.empty()) co_await AskForVersion();
  if (stopped()) co_return Fail(Code::kCanceled, "stopped");
  auto containers = BodyOf(co_await Get("/containers/json" + filters_));
  if (!containers) {
    version_.clear();  // it may be another daemon now
    co_return Annotate("error while listing containers", containers.error());
  }
  auto networks = BodyOf(co_await Get("/networks"));
  if (!networks) {
    version_.clear();
    co_return Annotate("error while computing network labels", networks.error());
  }
  Answer answer = std::optional<TargetGroups>();
  auto parse = [&] {
    auto group = ParseDockerTargets(*containers, *networks, config_);
    if (group) {
      answer = std::optional(TargetGroups{*std::move(group)});
    } else {
      answer = group.error();
    }
  };
  co_await RunOn(workers(), parse);
  co_return answer;
}

}  // namespace

Result<std::unique_ptr<Discovery>> NewDockerDiscovery(const DiscoveryEnvironment& environment,
                                                      const DockerSdConfig& config, KnownGroups known) {
  // As in Prometheus the HTTP settings are for daemons that are named with http or https.
  const HttpConfig http = config.host.starts_with("http") ? config.http : HttpConfig();
  VEDETTE_TRY(auto client, environment.new_client(environment.io, http));
  return RunTask(std::make_shared<DockerTask>(environment, config, std::move(client), std::move(known)));
}

}  // namespace vedette::collector
