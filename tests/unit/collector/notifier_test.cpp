// Alerts for external Alertmanagers.
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <boost/asio/thread_pool.hpp>

#include "collector/alertmanagers/notifier.h"
#include "core/matcher.h"
#include "tests/support/catch.h"
#include "tests/support/client_io.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http_server.h"

namespace vedette::collector {
namespace {

using test::Received;
using test::Reply;

OutgoingAlert Firing(int number) {
  return {Labels{{"alertname", "A"}, {"n", std::to_string(number)}}, Labels{{"summary", "say \"hi\""}},
          TimeMs(1'700'000'000'000), TimeMs(1'700'000'240'000), "http://here/graph?g0.expr=up"};
}

std::vector<OutgoingAlert> Firings(int count) {
  std::vector<OutgoingAlert> out;
  for (int i = 0; i < count; ++i) out.push_back(Firing(i));
  return out;
}

std::size_t CountOf(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// The address of a server.
std::string AddressOf(const test::HttpServer& server) {
  return server.Url("").substr(std::string_view("http://").size());
}

AlertmanagerConfig At(std::vector<std::string> addresses) {
  AlertmanagerConfig out;
  out.found.static_configs = {{.targets = std::move(addresses), .labels = {}}};
  return out;
}

struct NotifierBed {
  explicit NotifierBed(const AlertQueueOptions& options = {}) {
    notifier.emplace(Notifier::Services{io.context(), workers, clock, registry,
                                        [this](const HttpConfig& http, const RequestAuth&) {
                                          return HttpClient::Create(io.context(), http);
                                        }},
                     options);
  }
  ~NotifierBed() {
    notifier.reset();
    workers.join();
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry.Collect()); }

  test::FakeClock clock;
  prometheus::Registry registry;
  boost::asio::thread_pool workers{2};
  test::ClientIo io;
  std::optional<Notifier> notifier;
};

/// An Alertmanager that counts the alerts it gets, and can be told to wait.
struct FakeAlertmanager {
  explicit FakeAlertmanager(int answer = 200) : status(answer) {}
  /// Waits for so many alerts.
  void WaitFor(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return alerts >= count; });
  }
  void Open() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::size_t alerts = 0;
  std::vector<std::size_t> batches;
  bool open = true;
  const int status;
  test::HttpServer server{[this](const Received& received) -> Reply {
    std::unique_lock lock(mutex);
    batches.push_back(CountOf(received.body, "\"alertname\""));
    alerts += batches.back();
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
    return {.status = status, .body = "why"};
  }};
};

}  // namespace

TEST_CASE("an alert is written as the API of Alertmanager takes it", "[notifier]") {
  CHECK(AlertJson(Labels{{"a", "1"}, {"b", "\n"}}, Firing(1)) ==
        R"({"annotations":{"summary":"say \"hi\""},"endsAt":"2023-11-14T22:17:20.000Z",)"
        R"("startsAt":"2023-11-14T22:13:20.000Z","generatorURL":"http://here/graph?g0.expr=up",)"
        R"("labels":{"a":"1","b":"\n"}})");
}

TEST_CASE("labels of alerts and of Alertmanagers are relabelled", "[notifier]") {
  RelabelConfig drop;
  drop.action = RelabelAction::kDrop;
  drop.source_labels = {"n"};
  drop.regex = MustHave(Regex::Compile("2"));
  RelabelConfig copy;
  copy.source_labels = {"cluster"};
  copy.target_label = "where";
  const RelabelConfig rules[] = {drop, copy};
  const Labels external{{"cluster", "c"}, {"n", "external"}};
  CHECK(RelabelAlert(Firing(1).labels, external, rules) ==
        Labels{{"alertname", "A"}, {"cluster", "c"}, {"n", "1"}, {"where", "c"}});
  CHECK_FALSE(RelabelAlert(Firing(2).labels, external, rules).has_value());

  AlertmanagerConfig config;
  config.scheme = "https";
  config.path_prefix = "/am";
  const auto find = [&](const Labels& target) { return FindAlertmanager(config, target, Labels{{"dc", "x"}}); };
  CHECK(MustHave(find(Labels{{"__address__", "a:1"}})).url == "https://a:1/am/api/v2/alerts");
  CHECK_FALSE(find(Labels{{"__address__", "a/b"}}).has_value());
  RelabelConfig path;
  path.source_labels = {"dc"};
  path.target_label = "__alerts_path__";
  path.replacement = "/$1/alerts";
  RelabelConfig gone;
  gone.action = RelabelAction::kDrop;
  gone.source_labels = {"__address__"};
  gone.regex = MustHave(Regex::Compile("b:.*"));
  config.relabel_configs = {path, gone};
  CHECK(MustHave(find(Labels{{"__address__", "a:1"}})).url == "https://a:1/x/alerts");
  CHECK(MustHave(find(Labels{{"__address__", "b:1"}})).dropped);
}

TEST_CASE("each Alertmanager gets its batches, whatever becomes of the others", "[notifier]") {
  FakeAlertmanager good, slow, bad(500);
  slow.open = false;
  {
    NotifierBed bed({.capacity = 100, .max_batch = 30, .drain_on_shutdown = true});
    AlertmanagersOptions options;
    options.external_labels = Labels{{"alertname", "never"}, {"cluster", "c"}};
    options.alertmanagers = {
        At({AddressOf(good.server), AddressOf(slow.server), AddressOf(bad.server), "127.0.0.1:1"})};
    MustSucceed(bed.notifier->Apply(options));
    CHECK(bed.notifier->Alertmanagers().active.size() == 4);
    bed.notifier->Send(Firings(70));
    good.WaitFor(70);
    slow.WaitFor(30);
    bad.WaitFor(70);
    CHECK(good.batches == std::vector<std::size_t>{30, 30, 10});
    const Received first = good.server.requests().at(0);
    CHECK(first.method == "POST");
    CHECK(first.target == "/api/v2/alerts");
    CHECK(first.Header("Content-Type") == "application/json");
    CHECK(CountOf(first.body, R"("cluster":"c")") == 30);
    // Of the slow one 40 wait; 90 more are 30 too many, and the oldest go.
    bed.notifier->Send(Firings(90));
    good.WaitFor(160);
    const std::string metrics = bed.Metrics();
    INFO(metrics);
    CHECK(metrics.find("vedette_notifications_queue_capacity 100\n") != std::string::npos);
    CHECK(
        metrics.find(fmt::format("vedette_notifications_dropped_total{{alertmanager=\"http://{}/api/v2/alerts\"}} 30\n",
                                 AddressOf(slow.server))) != std::string::npos);
    CHECK(metrics.find("vedette_notifications_alertmanagers_discovered 4\n") != std::string::npos);
    slow.Open();
    bed.notifier->Stop(std::chrono::minutes(1));
    CHECK(slow.alerts == 130);
  }
}

TEST_CASE("an Alertmanager that goes takes nothing any more, and one that comes does", "[notifier]") {
  FakeAlertmanager one, other;
  NotifierBed bed;
  AlertmanagersOptions options;
  options.alertmanagers = {At({AddressOf(one.server)})};
  MustSucceed(bed.notifier->Apply(options));
  bed.notifier->Send(Firings(1));
  one.WaitFor(1);
  options.alertmanagers[0] = At({AddressOf(other.server)});
  options.alertmanagers[0].path_prefix = "am/";
  MustSucceed(bed.notifier->Apply(options));
  bed.notifier->Send(Firings(2));
  other.WaitFor(2);
  CHECK(one.alerts == 1);
  CHECK(other.server.requests().at(0).target == "/am/api/v2/alerts");
  CHECK(bed.Metrics().find("vedette_notifications_alertmanagers_discovered 1\n") != std::string::npos);
  MustSucceed(bed.notifier->Apply({}));
  bed.notifier->Send(Firings(2));
  CHECK(bed.notifier->Alertmanagers().active.empty());
  bed.notifier->Stop(std::chrono::minutes(1));
  CHECK(other.alerts == 2);
}

TEST_CASE("stopping waits for a slow Alertmanager while discoveries swap what there is", "[notifier]") {
  constexpr int kPaths = 40;  // of one Alertmanager: a queue for each
  FakeAlertmanager slow;
  slow.open = false;
  std::atomic<int> generation = 0;
  const test::HttpServer discovery([&](const Received&) -> Reply {
    std::string groups;
    for (int i = 0; i < kPaths; ++i) {
      groups += fmt::format(R"({}{{"targets":["{}"],"labels":{{"path":"/{}/{}"}}}})", i > 0 ? "," : "",
                            AddressOf(slow.server), generation.load(), i);
    }
    return {.headers = {{"Content-Type", "application/json"}}, .body = "[" + groups + "]"};
  });
  NotifierBed bed;
  AlertmanagersOptions options;
  AlertmanagerConfig& config = options.alertmanagers.emplace_back();
  config.found.http_sd_configs = {{.url = discovery.Url(), .refresh_interval = Millis(100), .http = {}}};
  RelabelConfig& path = config.relabel_configs.emplace_back();
  path.source_labels = {"path"};
  path.target_label = "__alerts_path__";
  MustSucceed(bed.notifier->Apply(options));
  while (bed.notifier->Alertmanagers().active.size() < kPaths) std::this_thread::yield();
  bed.notifier->Send(Firings(1));
  slow.WaitFor(kPaths);
  auto stopped = std::async(std::launch::async, [&] { bed.notifier->Stop(std::chrono::minutes(1)); });
  // Requests to those that go are canceled while the next ones come.
  generation = 1;
  stopped.wait();
  CHECK(bed.notifier->Alertmanagers().active.empty());
  CHECK(bed.Metrics().find("vedette_notifications_alertmanagers_discovered 0\n") != std::string::npos);
  slow.Open();
}

}  // namespace vedette::collector
