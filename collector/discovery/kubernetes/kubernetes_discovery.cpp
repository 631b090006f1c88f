// kubernetes_sd_configs: the objects of a cluster are watched, and become target groups.
#include <boost/asio/co_spawn.hpp>

#include "collector/discovery/discovery.h"
#include "collector/discovery/discovery_task.h"
#include "collector/discovery/kubernetes/clusters.h"
#include "collector/discovery/kubernetes/engine.h"
#include "collector/discovery/kubernetes/reflector.h"
#include "collector/scrape/async.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;

/// Before the first report the other discoveries of the job wait: not for long.
constexpr Millis kFirstReport = std::chrono::seconds(10);

net::awaitable<void> LimitWait(std::shared_ptr<kube::Engine> engine) {
  co_await engine->Sleep(kFirstReport);
  auto late = [&engine] { engine->DoNotWait(); };
  if (!engine->stopped) co_await RunOn(engine->workers, late);
}

/// Finds the way to the server, then lets one reflector run for each collection.
net::awaitable<void> RunEngine(std::shared_ptr<kube::Engine> engine) {
  std::vector<kube::Watched> collections;
  kube::Backoff backoff(std::chrono::seconds(1), std::chrono::seconds(30));
  for (bool logged = false;;) {
    Status connected = Ok();
    auto connect = [&] {
      connected = engine->Connect();
      if (connected) {
        collections = engine->watched();
      } else {
        engine->Failed();
      }
    };
    co_await RunOn(engine->workers, connect);
    if (engine->stopped) co_return;
    if (connected) break;
    if (!std::exchange(logged, true)) {
      LogError("collector", "no way to the Kubernetes API", {{"error", connected.error()}});
    }
    co_await engine->Sleep(backoff.Next());
  }
  for (const kube::Watched& watched : collections) {
    net::co_spawn(engine->strand, kube::Reflect(engine, watched), LogThrown);
  }
}

/// Where the listener is from now on: at an engine that runs, or a new one.
std::shared_ptr<kube::Engine> JoinEngine(const DiscoveryEnvironment& environment, const KubernetesSdConfig& config,
                                         const std::shared_ptr<kube::Engine::Listener>& listener) {
  KubernetesClusters own;
  KubernetesClusters& clusters = environment.clusters != nullptr ? *environment.clusters : own;
  const std::lock_guard lock(clusters.mutex);
  std::erase_if(clusters.engines, [](const auto& weak) { return weak.expired(); });
  for (const auto& weak : clusters.engines) {
    const auto engine = weak.lock();
    if (engine && engine->config == config && engine->Join(listener)) return engine;
  }
  const auto engine = std::make_shared<kube::Engine>(environment, config);
  engine->Join(listener);
  clusters.engines.push_back(engine);
  net::co_spawn(engine->strand, LimitWait(engine), LogThrown);
  net::co_spawn(engine->strand, RunEngine(engine), LogThrown);
  return engine;
}

class KubernetesDiscovery final : public Discovery {
 public:
  KubernetesDiscovery(const DiscoveryEnvironment& environment, const KubernetesSdConfig& config, bool has_known)
      : environment_(environment), config_(config) {
    listener_->has_known = has_known;
  }
  ~KubernetesDiscovery() override {
    if (engine_) engine_->Leave(listener_);
  }
  void Start(Update update) override {
    listener_->update = std::move(update);
    engine_ = JoinEngine(environment_, config_, listener_);
  }

 private:
  const DiscoveryEnvironment environment_;
  const KubernetesSdConfig config_;
  const std::shared_ptr<kube::Engine::Listener> listener_ = std::make_shared<kube::Engine::Listener>();
  std::shared_ptr<kube::Engine> engine_;
};

}  // namespace

std::unique_ptr<Discovery> NewKubernetesDiscovery(const DiscoveryEnvironment& environment,
                                                  const KubernetesSdConfig& config, bool has_known) {
  return std::make_unique<KubernetesDiscovery>(environment, config, has_known);
}

}  // namespace vedette::collector
