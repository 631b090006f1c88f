#include <prometheus/counter.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cstdlib>
#include <map>
#include <utility>

#include "collector/discovery/consul_targets.h"
#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/discovery_task.h"
#include "collector/scrape/async.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;
using std::chrono::steady_clock;

/// How long a blocking query waits for news.
constexpr Millis kWatch = std::chrono::minutes(2);
/// For an answer; beside that wait, which Consul stretches by up to a sixteenth.
constexpr Millis kAnswer = std::chrono::seconds(15);
/// After a failure, doubled with each further one.
constexpr Millis kFirstRetry = std::chrono::seconds(1), kLongestRetry = std::chrono::seconds(15);
/// Changes of many services are reported together.
constexpr Millis kReportEvery = std::chrono::milliseconds(250);
/// Each is a connection that waits.
constexpr std::size_t kMaxServices = 5'000;

/// One kind of request that is made again and again: the rhythm, the index, and how it goes.
struct ConsulWatch {
  ConsulWatch(const DiscoveryStrand& strand, std::string request_path, Millis refresh)
      : timer(strand), path(std::move(request_path)), interval(refresh), next_tick(steady_clock::now() + refresh) {}

  net::steady_timer timer;
  const std::string path;
  const Millis interval;
  steady_clock::time_point next_tick;
  std::uint64_t index = 0;
  unsigned failures = 0;  // in a row
  bool tried = false;     // whether there was an answer, or none
  bool gone = false;

  void Stop() {
    gone = true;
    timer.cancel();
  }
  /// Until the next tick; at once when one has passed meanwhile, as with a ticker of Go.
  steady_clock::time_point TakeTick() {
    const auto now = steady_clock::now();
    const auto tick = next_tick;
    next_tick += interval;
    if (next_tick <= now) next_tick += interval * ((now - next_tick) / interval + 1);
    return tick;
  }
  Millis Retry() {
    const unsigned doublings = std::min(failures++, 10U);
    return std::min(kLongestRetry, kFirstRetry * (1 << doublings));
  }
};

struct ConsulService : ConsulWatch {
  using ConsulWatch::ConsulWatch;
  std::string name;
  std::optional<TargetGroup> group;
};

class ConsulTask final : public DiscoveryTask {
 public:
  ConsulTask(const DiscoveryEnvironment& environment, ConsulSdConfig config, std::unique_ptr<HttpClient> client,
             KnownGroups known)
      : DiscoveryTask(environment),
        config_(std::move(config)),
        interval_(config_.refresh_interval > Millis(0) ? config_.refresh_interval : kLeastInterval),
        failures_(*environment.metrics.consul_failures),
        client_(std::move(client)),
        known_(std::move(known)),
        datacenter_(config_.datacenter),
        agent_(strand(), "/v1/agent/self", interval_),
        catalog_(strand(), "/v1/catalog/services", interval_) {
    if (config_.token.empty()) {
      // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets the environment
      const char* token = std::getenv("CONSUL_HTTP_TOKEN");
      if (token != nullptr) config_.token = Secret(token);
    }
  }

 private:
  using Services = std::map<std::string, std::vector<std::string>>;

  net::awaitable<void> Run() override;
  void Abort() override;

  static net::awaitable<void> RunCatalog(std::shared_ptr<ConsulTask> self);
  static net::awaitable<void> RunService(std::shared_ptr<ConsulTask> self, std::shared_ptr<ConsulService> service);
  net::awaitable<void> FindDatacenter();
  template <class Parse>
  net::awaitable<bool> AskOnce(ConsulWatch& watch, std::string_view filter, Parse& parse);
  net::awaitable<void> Rest(ConsulWatch& watch, steady_clock::time_point until) const;

  bool NeedsCatalog() const { return config_.services.empty() || !config_.tags.empty() || !config_.filter.empty(); }
  bool IsWanted(const std::string& name, const std::vector<std::string>& tags) const;
  void TakeCatalog(const Services& services);
  void Watch(const std::string& name);
  void Changed();
  bool Complete() const;
  TargetGroups Collect() const;

  ConsulSdConfig config_;
  const Millis interval_;
  prometheus::Counter& failures_;
  // On the strand:
  std::unique_ptr<HttpClient> client_;
  KnownGroups known_;  // of an earlier discovery: for services that have no answer yet
  std::string datacenter_;
  ConsulWatch agent_, catalog_;
  std::map<std::string, std::shared_ptr<ConsulService>> services_;
  bool listed_ = false;  // which services there are is known
  bool over_limit_ = false;
  bool changed_ = false;  // since the last report
};

void ConsulTask::Abort() {
  agent_.Stop();
  catalog_.Stop();
  for (const auto& [name, service] : services_) service->Stop();
  client_.reset();  // ends all requests
}

/// Reports what the watches find.
net::awaitable<void> ConsulTask::Run() {
  net::co_spawn(strand(), RunCatalog(std::static_pointer_cast<ConsulTask>(shared_from_this())), LogThrown);
  // What an earlier discovery knew stands until everything has been asked for once. Without that, the others of the job
  // wait, and not for long.
  const auto first = known_ ? steady_clock::time_point::max() : steady_clock::now() + kFirstReportWithin;
  while (!stopped() && !Complete() && steady_clock::now() < first) co_await SleepUntil(first);
  for (bool report = true; !stopped(); report = changed_) {
    if (report) {
      changed_ = false;
      TargetGroups groups = Collect();
      if (const Status few = CheckTargetCount(groups); !few) {
        failures_.Increment();
        LogError("collector", "Consul not usable, keeping its targets", {{"error", few.error()}});
      } else {
        auto hand_on = [&] { Report(std::move(groups)); };
        co_await RunOn(workers(), hand_on);
      }
      const auto pause = steady_clock::now() + kReportEvery;
      while (!stopped() && steady_clock::now() < pause) co_await SleepUntil(pause);
    }
    if (!changed_) co_await SleepUntil(steady_clock::time_point::max());
  }
}

net::awaitable<void> ConsulTask::RunCatalog(std::shared_ptr<ConsulTask> self) {
  co_await self->FindDatacenter();
  if (!self->NeedsCatalog()) {
    if (self->stopped()) co_return;
    for (const std::string& name : self->config_.services) self->Watch(name);
    self->listed_ = true;
    co_return self->Changed();
  }
  while (!self->stopped()) {
    Services services;
    auto parse = [&](const std::string& body) -> Status {
      VEDETTE_TRY(services, ParseConsulServices(body));
      return Ok();
    };
    const bool news = co_await self->AskOnce(self->catalog_, self->config_.filter, parse);
    if (self->stopped()) co_return;
    if (news) self->TakeCatalog(services);
    if (self->catalog_.failures == 0) co_await self->Rest(self->catalog_, self->catalog_.TakeTick());
  }
}

net::awaitable<void> ConsulTask::FindDatacenter() {
  while (datacenter_.empty() && !stopped()) {
    auto parse = [&](const std::string& body) -> Status {
      VEDETTE_TRY(datacenter_, ParseConsulDatacenter(body));
      return Ok();
    };
    co_await AskOnce(agent_, {}, parse);
  }
}

net::awaitable<void> ConsulTask::RunService(std::shared_ptr<ConsulTask> self, std::shared_ptr<ConsulService> service) {
  while (!self->stopped() && !service->gone) {
    TargetGroup group;
    auto parse = [&](const std::string& body) -> Status {
      VEDETTE_TRY(group, ParseConsulTargets(body, service->name, self->datacenter_, self->config_.tag_separator));
      return Ok();
    };
    const bool news = co_await self->AskOnce(*service, self->config_.health_filter, parse);
    if (self->stopped() || service->gone) co_return;
    if (news && service->group != group) {
      service->group = std::move(group);
      self->Changed();
    }
    if (service->failures == 0) co_await self->Rest(*service, service->TakeTick());
  }
}

/// One request, and `parse` of a body that is news. True: it was. After a failure this rests for a while.
template <class Parse>
net::awaitable<bool> ConsulTask::AskOnce(ConsulWatch& watch, std::string_view filter, Parse& parse) {
  Status outcome = Ok();
  bool news = false;
  auto request = ConsulRequest(config_, watch.path, watch.index, kWatch, filter);
  if (!request) {
    outcome = request.error();
  } else {
    request->timeout = watch.index > 0 ? kWatch + kAnswer : kAnswer;
    auto response = co_await Fetch(*client_, *std::move(request));
    if (stopped()) co_return false;
    const std::uint64_t index = response ? ConsulIndex(*response) : 0;
    news = index == 0 || index != watch.index;
    auto take = [&] {
      auto body = BodyOf(std::move(response));
      outcome = !body ? Status(body.error()) : news ? parse(*body) : Ok();
    };
    co_await RunOn(workers(), take);
    // An index that went backwards is of another life of the server: the next request does not wait.
    if (outcome) watch.index = index < watch.index ? 0 : index;
  }
  const bool first = !std::exchange(watch.tried, true);
  if (outcome) {
    watch.failures = 0;
    if (first) Changed();
    co_return news;
  }
  failures_.Increment();
  if (watch.failures == 0) {
    LogError("collector", "Consul not usable, keeping its targets",
             {{"server", ShownPlace(config_.server)}, {"request", watch.path}, {"error", outcome.error()}});
  }
  watch.index = 0;
  const Millis pause = watch.Retry();
  if (first) Changed();
  co_await Rest(watch, steady_clock::now() + pause);
  co_return false;
}

net::awaitable<void> ConsulTask::Rest(ConsulWatch& watch, steady_clock::time_point until) const {
  if (stopped() || watch.gone) co_return;
  watch.timer.expires_at(until);
  co_await watch.timer.async_wait(kNoThrow);
}

bool ConsulTask::IsWanted(const std::string& name, const std::vector<std::string>& tags) const {
  const auto has = [](const std::vector<std::string>& list, const std::string& text) {
    return std::ranges::find(list, text) != list.end();
  };
  return (config_.services.empty() || has(config_.services, name)) &&
         std::ranges::all_of(config_.tags, [&](const std::string& tag) { return has(tags, tag); });
}

void ConsulTask::TakeCatalog(const Services& services) {
  std::erase_if(services_, [&](const auto& entry) {
    if (services.contains(entry.first)) return false;
    entry.second->Stop();
    return true;
  });
  bool over = false;
  for (const auto& [name, tags] : services) {
    if (!IsWanted(name, tags) || services_.contains(name)) continue;
    over = services_.size() >= kMaxServices;
    if (over) break;
    Watch(name);
  }
  if (over && !over_limit_) {
    failures_.Increment();
    LogError("collector", "Consul has more services than are watched",
             {{"server", ShownPlace(config_.server)}, {"services", services.size()}, {"limit", kMaxServices}});
  }
  over_limit_ = over;
  listed_ = true;
  Changed();
}

void ConsulTask::Watch(const std::string& name) {
  auto& service = services_[name];
  if (service) return;
  service = std::make_shared<ConsulService>(strand(), ConsulServicePath(name), interval_);
  service->name = name;
  if (known_) {
    const auto before = std::ranges::find(*known_, name, &TargetGroup::source);
    if (before != known_->end()) service->group = *before;
  }
  net::co_spawn(strand(), RunService(std::static_pointer_cast<ConsulTask>(shared_from_this()), service), LogThrown);
}

void ConsulTask::Changed() {
  changed_ = true;
  Wake();
}

/// Whether everything has been asked for once.
bool ConsulTask::Complete() const {
  const bool failing = agent_.failures > 0 || catalog_.failures > 0;
  return (listed_ || (!known_ && failing)) &&
         std::ranges::all_of(services_, [](const auto& entry) { return entry.second->tried; });
}

TargetGroups ConsulTask::Collect() const {
  TargetGroups groups;
  for (const auto& [name, service] : services_) {
    if (service->group && !service->group->targets.empty()) groups.push_back(*service->group);
  }
  return groups;
}

}  // namespace

Result<std::unique_ptr<Discovery>> NewConsulDiscovery(const DiscoveryEnvironment& environment,
                                                      const ConsulSdConfig& config, KnownGroups known) {
  VEDETTE_TRY(auto client, environment.new_client(environment.io, config.http));
  return RunTask(std::make_shared<ConsulTask>(environment, config, std::move(client), std::move(known)));
}

}  // namespace vedette::collector
