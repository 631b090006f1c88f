#include "alerting/rules/manager.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <prometheus/registry.h>

#include "analytics/promql/engine.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::alerting;

namespace {

/// Lets a test wait for what arrives.
class WaitingSink final : public AlertSink {
 public:
  Status Accept(std::span<const ActiveAlert> alerts) override {
    const std::lock_guard lock(mutex_);
    for (const ActiveAlert& alert : alerts) {
      seen_.push_back(fmt::format("{} {}", alert.labels.Get("alertname"), AlertStateName(alert.state)));
    }
    changed_.notify_all();
    return Ok();
  }
  Status Settle(const RuleRef&, std::span<const ActiveAlert>) override { return Ok(); }

  bool WaitFor(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60),
                             [&] { return std::find(seen_.begin(), seen_.end(), text) != seen_.end(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> seen_;
};

/// A manager on real timers.
struct Running {
  Running() : io_thread([this] { io.run(); }) {}
  ~Running() {
    manager.Stop();
    workers.join();
    io.stop();
    io_thread.join();
  }

  Status Load(std::string_view rules) {
    std::vector<RuleFile> files;
    files.push_back(CheckRuleText(rules, "rules.yml").file);
    RuleOptions options;
    options.evaluation_interval = Millis(20);
    return manager.Load(std::move(files), options);
  }

  prometheus::Registry registry;
  std::unique_ptr<storage::Storage> storage = storage::NewMemoryStorage({}, SystemClock());
  promql::Engine engine{*storage, {}, SystemClock(), registry};
  WaitingSink sink;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  boost::asio::thread_pool workers{2};
  std::thread io_thread;
  RuleManager manager{{*storage, engine, sink, SystemClock(), registry}, io, workers};
};

constexpr std::string_view kOne = "groups:\n- name: g\n  rules:\n  - {alert: One, expr: vector(1)}\n";
constexpr std::string_view kTwo = "groups:\n- name: g\n  rules:\n  - {alert: Two, expr: vector(2), labels: {a: b}}\n";

}  // namespace

TEST_CASE("the manager evaluates at its slots, and a reload swaps the rules", "[alerting][rules]") {
  Running running;
  MustSucceed(running.Load(kOne));
  CHECK(running.manager.Groups().at(0).rules.at(0).health == RuleHealth::kUnknown);
  running.manager.Start();
  REQUIRE(running.sink.WaitFor("One firing"));
  CHECK(running.manager.Alerts().size() == 1);
  MustSucceed(running.Load(kTwo));
  REQUIRE(running.sink.WaitFor("One inactive"));
  REQUIRE(running.sink.WaitFor("Two firing"));
  CHECK(running.manager.Groups().at(0).rules.at(0).name == "Two");
}

TEST_CASE("options that make no sense leave the rules as they are", "[alerting][rules]") {
  Running running;
  MustSucceed(running.Load(kOne));
  RuleOptions options;
  options.evaluation_interval = Millis(0);
  CHECK(!running.manager.Load({}, options));
  CHECK(running.manager.Groups().size() == 1);
}

TEST_CASE("a stopped manager stays stopped", "[alerting][rules]") {
  Running running;
  MustSucceed(running.Load(kOne));
  running.manager.Start();
  running.manager.Stop();
  running.manager.Stop();
  running.manager.Start();
  CHECK(!running.Load(kTwo));
}
