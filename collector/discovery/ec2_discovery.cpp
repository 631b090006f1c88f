#include <algorithm>
#include <map>
#include <utility>

#include "collector/discovery/aws_identity.h"
#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/discovery_task.h"
#include "collector/discovery/ec2_targets.h"
#include "collector/scrape/async.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;

/// Of one refresh; with a thousand instances on each.
constexpr std::size_t kMaxPages = 1000;

class Ec2Task final : public PolledTask {
 public:
  Ec2Task(const DiscoveryEnvironment& environment, const Ec2SdConfig& config, AwsClients clients, KnownGroups known,
          EnvironmentLookup lookup)
      : PolledTask(environment, {.what = "EC2",
                                 .place = config.region.empty() ? std::string("this region") : config.region,
                                 .interval = config.refresh_interval,
                                 .failures = environment.metrics.ec2_failures,
                                 .known = std::move(known)}),
        config_(config),
        clock_(environment.clock),
        clients_(std::move(clients)),
        identity_(environment.clock, environment.workers, config_, clients_, std::move(lookup)) {}

 private:
  using Zones = std::map<std::string, std::string>;

  net::awaitable<Answer> Ask() override;
  net::awaitable<Result<std::string>> Query(std::string query);
  net::awaitable<void> FindZones();
  void Abort() override {
    clients_.services.reset();
    clients_.metadata.reset();
  }

  const Ec2SdConfig config_;
  const Clock& clock_;
  AwsClients clients_;
  AwsIdentity identity_;
  std::string region_;
  std::optional<Zones> zones_;  // found once: a new zone is seen after a reload, as in Prometheus
};

/// A signed request, and the body of its success.
net::awaitable<Result<std::string>> Ec2Task::Query(std::string query) {
  const auto credentials = co_await identity_.Credentials(Patience());
  if (!credentials) co_return credentials.error();
  HttpRequest request;
  request.method = "POST";
  request.url = identity_.Endpoint("ec2");
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = std::move(query);
  request.timeout = Patience();
  request.max_body_bytes = kMaxDiscoveryReply;
  const Status is_signed = SignAws(request, *credentials, region_, "ec2", clock_.Now());
  if (!is_signed) co_return is_signed.error();
  if (!clients_.services) co_return Fail(Code::kCanceled, "stopped");
  auto response = co_await Fetch(*clients_.services, std::move(request));
  if (response && response->status != 200) {
    std::string why;
    auto read = [&] { why = AwsErrorText(response->body); };
    co_await RunOn(workers(), read);
    if (stopped()) co_return Fail(Code::kCanceled, "stopped");
    // Credentials that were changed, or revoked before their time, are looked for again.
    if (response->status == 401 || response->status == 403 || why.starts_with("AuthFailure:") ||
        why.starts_with("RequestExpired:")) {
      identity_.Forget();
    }
    if (!why.empty()) {
      co_return Fail(Code::kUnavailable, "server returned HTTP status {}: {}", response->status, why);
    }
  }
  co_return BodyOf(std::move(response));
}

/// Without the ids of zones there are targets all the same.
net::awaitable<void> Ec2Task::FindZones() {
  const auto body = co_await Query(std::string(kEc2ZonesQuery));
  if (stopped()) co_return;
  Result<Zones> zones = Zones();
  if (body) {
    auto parse = [&] { zones = ParseEc2Zones(*body); };
    co_await RunOn(workers(), parse);
  }
  if (body && zones) {
    zones_ = *std::move(zones);
  } else {
    LogDebug("collector", "availability zones cannot be described", {{"error", body ? zones.error() : body.error()}});
  }
}

net::awaitable<PolledTask::Answer> Ec2Task::Ask() {
  auto region = co_await identity_.Region(Patience());
  if (!region) co_return region.error();
  region_ = *std::move(region);
  if (!zones_) co_await FindZones();

  TargetGroup all{region_, {}, {}};
  std::string token;
  for (std::size_t pages = 0;; ++pages) {
    if (pages == kMaxPages) co_return Fail(Code::kLimit, "more than {} pages of instances", kMaxPages);
    const auto body = co_await Query(Ec2InstancesQuery(config_, token));
    if (stopped()) co_return Fail(Code::kCanceled, "stopped");
    if (!body) co_return Annotate("could not describe instances", body.error());
    Result<Ec2Page> page = Ec2Page();
    auto parse = [&] { page = ParseEc2Instances(*body, config_, region_, zones_ ? *zones_ : Zones()); };
    co_await RunOn(workers(), parse);
    if (!page) co_return Annotate("could not describe instances", page.error());
    all.targets.insert(all.targets.end(), page->group.targets.begin(), page->group.targets.end());
    if (all.targets.size() > kMaxDiscoveredTargets || page->next_token.empty()) break;
    token = std::move(page->next_token);
  }
  co_return std::optional(TargetGroups{std::move(all)});
}

}  // namespace

Result<std::unique_ptr<Discovery>> NewEc2Discovery(const DiscoveryEnvironment& environment, const Ec2SdConfig& config,
                                                   KnownGroups known, EnvironmentLookup lookup) {
  AwsClients clients;
  VEDETTE_TRY(clients.services, environment.new_client(environment.io, config.http));
  VEDETTE_TRY(clients.metadata, environment.new_client(environment.io, HttpConfig()));
  if (!lookup) lookup = ProcessEnvironment();
  return RunTask(
      std::make_shared<Ec2Task>(environment, config, std::move(clients), std::move(known), std::move(lookup)));
}

}  // namespace vedette::collector
