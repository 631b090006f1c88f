// The whole alert router over real sockets: answers, order, retries, stop.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <thread>

#include "alerting/router.h"
#include "tests/support/http_server.h"
#include "tests/unit/alerting/router_harness.h"

using namespace vedette;
using namespace vedette::alerting;
using namespace vedette::alerting::test;
using namespace std::chrono_literals;
using vedette::test::HttpServer;
using vedette::test::Received;
using vedette::test::Reply;

namespace {

/// Real threads and the real clock: what is tested here is that bytes go out and answers come back.
class Rig {
 public:
  Rig() : work_(io.get_executor()), thread_([this] { io.run(); }) {}
  ~Rig() {
    router.reset();
    workers.join();
    work_.reset();
    io.stop();
    thread_.join();
  }
  void Boot(const AlertingOptions& options) {
    router.reset();
    router = MustHave(AlertRouter::Open({*store, SystemClock(), registry, nullptr}, options, io, workers));
    router->Start();
  }
  void Fire(const Labels& labels) {
    const ActiveAlert alert = Firing(labels, SystemClock().Now());
    MustSucceed(router->Accept({&alert, 1}));
  }
  void Resolve(const Labels& labels) {
    const ActiveAlert alert = Resolved(labels, SystemClock().Now(), SystemClock().Now());
    MustSucceed(router->Accept({&alert, 1}));
  }

  boost::asio::io_context io;
  boost::asio::thread_pool workers{2};
  prometheus::Registry registry;
  std::unique_ptr<storage::StateStore> store = storage::NewMemoryStateStore();
  std::unique_ptr<AlertRouter> router;

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

AlertingOptions To(const HttpServer& slack, const HttpServer& pagerduty) {
  AlertingOptions options = TwoTargets();
  options.route.group_wait = 0ms;
  options.route.group_interval = 50ms;
  options.receivers[0].slack_configs[0].api_url = Secret(slack.Url("/services/T0/B0/sssecret"));
  options.receivers[0].pagerduty_configs[0].url = pagerduty.Url("/v2/enqueue");
  options.delivery.first_backoff = 20ms;
  return options;
}

nlohmann::json Body(const HttpServer& server, std::size_t i) {
  return nlohmann::json::parse(server.requests().at(i).body);
}

}  // namespace

TEST_CASE("an incident reaches Slack and PagerDuty over HTTP and is closed there", "[notify][http]") {
  std::atomic<int> refusals{2};
  HttpServer slack([&](const Received&) {
    // Two refusals of different kinds, then Slack's word.
    const int left = refusals.fetch_sub(1);
    if (left == 2) return Reply{.status = 500};
    if (left == 1) return Reply{.status = 429, .headers = {{"Retry-After", "0.2"}}};
    return Reply{.body = "ok"};
  });
  HttpServer pagerduty([](const Received&) { return Reply{.status = 202, .body = R"({"status":"success"})"}; });
  Rig rig;
  rig.Boot(To(slack, pagerduty));
  rig.Fire(TargetDown("a"));
  REQUIRE(slack.WaitForRequests(3));
  REQUIRE(pagerduty.WaitForRequests(1));
  rig.Resolve(TargetDown("a"));
  REQUIRE(slack.WaitForRequests(4));
  REQUIRE(pagerduty.WaitForRequests(2));
  CHECK(slack.requests().at(2).target == "/services/T0/B0/sssecret");
  CHECK(Body(pagerduty, 0)["event_action"] == "trigger");
  CHECK(Body(pagerduty, 1)["event_action"] == "resolve");
  CHECK(Body(pagerduty, 0)["dedup_key"] == Body(pagerduty, 1)["dedup_key"]);
  CHECK(Body(slack, 3)["blocks"][0]["text"]["text"].get<std::string>().starts_with("[P1 resolved]"));
  rig.router->Stop();
  const IncidentView view = rig.router->Incidents().front();
  CHECK(view.state == "resolved");
  for (const DeliveryView& delivery : view.deliveries) CHECK(delivery.state == DeliveryState::kDelivered);
  const std::string metrics = prometheus::TextSerializer().Serialize(rig.registry.Collect());
  CHECK(metrics.find("vedette_alerting_deliveries_total{receiver_kind=\"slack\",result=\"retry\"} 2") !=
        std::string::npos);
  CHECK(metrics.find("vedette_alerting_deliveries_total{receiver_kind=\"slack\",result=\"delivered\"} 2") !=
        std::string::npos);
  CHECK(metrics.find("sssecret") == std::string::npos);
}

TEST_CASE("a receiver that resets or is not there delays only its own messages", "[notify][http]") {
  std::atomic<bool> broken{true};
  HttpServer slack([&](const Received&) {
    if (broken) return Reply{.raw = "", .after = vedette::test::After::kReset};
    return Reply{.body = "ok"};
  });
  HttpServer pagerduty([](const Received&) { return Reply{.status = 202}; });
  Rig rig;
  const AlertingOptions options = To(slack, pagerduty);
  rig.Boot(options);
  rig.Fire(TargetDown("a"));
  REQUIRE(pagerduty.WaitForRequests(1));
  REQUIRE(slack.WaitForRequests(2));
  // The process goes away while Slack is still broken; the next one delivers what is left, and only that.
  rig.router->Stop();
  broken = false;
  const std::size_t before = slack.requests().size();
  rig.Boot(options);
  REQUIRE(slack.WaitForRequests(before + 1));
  CHECK(Body(slack, before)["blocks"][0]["text"]["text"].get<std::string>().starts_with("[P1] TargetDown"));
  rig.router->Stop();
  CHECK(pagerduty.requests().size() == 1);
}

TEST_CASE("a wrong configuration is refused and the old one stays", "[notify][http]") {
  HttpServer server([](const Received&) { return Reply{.body = "ok"}; });
  Rig rig;
  const AlertingOptions options = To(server, server);
  rig.Boot(options);
  AlertingOptions wrong = options;
  wrong.route.receiver = "nobody";
  CHECK_FALSE(rig.router->Reload(wrong).has_value());
  wrong = options;
  wrong.templates = {"/nonexistent.tmpl"};
  CHECK_FALSE(rig.router->Reload(wrong).has_value());
  MustSucceed(rig.router->Reload(options));
  rig.Fire(TargetDown("a"));
  CHECK(server.WaitForRequests(2));
  rig.router->Stop();
  CHECK_FALSE(rig.router->Accept({}).has_value());
}
