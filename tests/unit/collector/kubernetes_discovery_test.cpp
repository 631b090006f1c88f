// Listing and watching, against a server that answers by script.
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <future>
#include <map>
#include <thread>

#include "collector/discovery/discovery.h"
#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/kubernetes/clusters.h"
#include "collector/scrape/manager.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;
using namespace std::chrono_literals;

/// Of the requests of a Watching.
const std::string kSelectors = "&labelSelector=a%20in%20%28b%2Cc%29&fieldSelector=spec.nodeName%3Dx";

std::string PodJson(const std::string& name, const std::string& ip, int version) {
  return R"({"kind":"Pod","metadata":{"name":")" + name + R"(","namespace":"s","resourceVersion":")" +
         std::to_string(version) + R"("},"spec":{"containers":[{"name":"c","ports":[{"containerPort":1}]}]},)" +
         R"("status":{"podIP":")" + ip + R"("}})";
}
std::string List(const std::string& items, int version, const std::string& more = "") {
  return R"({"kind":"PodList","metadata":{"resourceVersion":")" + std::to_string(version) + R"(","continue":")" + more +
         R"("},"items":[)" + items + "]}";
}
std::string WatchEvent(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
/// A watch that says `events` and then stays silent, or breaks.
test::Reply Stream(const std::string& events, test::After after = test::After::kHang) {
  test::Reply reply;
  reply.raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (!events.empty()) *reply.raw += fmt::format("{:x}\r\n{}\r\n", events.size(), events);
  reply.after = after;
  return reply;
}

/// Answers the requests one after another; the last answer again and again. Remembers what was asked.
class Script {
 public:
  explicit Script(std::vector<test::Reply> replies) : replies_(std::move(replies)) {}
  test::Reply operator()(const test::Received& request) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(request.target);
    return replies_[std::min(asked_.size(), replies_.size()) - 1];
  }
  std::string Asked(std::size_t i) const {
    const std::lock_guard lock(mutex_);
    return i < asked_.size() ? asked_[i] : "";
  }

 private:
  mutable std::mutex mutex_;
  std::vector<test::Reply> replies_;
  std::vector<std::string> asked_;
};

/// One discovery, and what it reports put together.
class Watching {
 public:
  explicit Watching(const std::string& url, bool has_known = false, std::vector<std::string> namespaces = {"s"})
      : Watching(ConfigOf(url, std::move(namespaces)), has_known) {}
  Watching(KubernetesSdConfig config, bool has_known) : guard_(net::make_work_guard(io_)), config_(std::move(config)) {
    discovery_ = NewKubernetesDiscovery(environment_, config_, has_known);
    thread_ = std::thread([this] { io_.run(); });
    discovery_->Start([this](const TargetUpdate& update) { Take(update); });
  }
  /// Another job that has the same discovery: its first report.
  TargetUpdate FirstReportOfAnother() {
    const auto first = std::make_shared<std::promise<TargetUpdate>>();
    auto report = first->get_future();
    const auto another = NewKubernetesDiscovery(environment_, config_);
    another->Start([first, told = false](TargetUpdate update) mutable {
      if (!std::exchange(told, true)) first->set_value(std::move(update));
    });
    return report.get();
  }
  ~Watching() {
    discovery_.reset();
    guard_.reset();
    thread_.join();
    workers_.join();
  }

  /// Waits until the addresses of all targets are these.
  bool Becomes(const std::string& wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return Addresses() == wanted; });
  }
  std::size_t updates() {
    const std::lock_guard lock(mutex_);
    return updates_;
  }
  /// "+" for a report of changes, "=" for a complete one.
  std::string kinds() {
    const std::lock_guard lock(mutex_);
    return kinds_;
  }
  bool WaitForUpdates(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return updates_ >= count; });
  }
  bool never_empty = true;  // once there was something

  prometheus::Registry registry;
  DiscoveryMetrics all_metrics{registry};
  KubernetesMetrics& metrics = all_metrics.kubernetes;

 private:
  static KubernetesSdConfig ConfigOf(const std::string& url, std::vector<std::string> namespaces) {
    KubernetesSdConfig config;
    config.api_server = url;
    config.namespaces = std::move(namespaces);
    config.selectors = {{KubernetesRole::kPod, "a in (b,c)", "spec.nodeName=x"}, {KubernetesRole::kNode, "no", ""}};
    return config;
  }
  void Take(const TargetUpdate& update) {
    const std::lock_guard lock(mutex_);
    if (update.complete) groups_.clear();
    for (const TargetGroup& group : update.groups) groups_[group.source] = group;
    std::erase_if(groups_, [](const auto& entry) { return entry.second.targets.empty(); });
    never_empty = never_empty && (!seen_ || !groups_.empty());
    seen_ = seen_ || !groups_.empty();
    ++updates_;
    kinds_ += update.complete ? '=' : '+';
    changed_.notify_all();
  }
  std::string Addresses() const {
    std::string out;
    for (const auto& [source, group] : groups_) {
      for (const Labels& target : group.targets) out += std::string(target.Get("__address__")) + " ";
    }
    return out;
  }

  net::io_context io_;
  net::thread_pool workers_{2};
  net::executor_work_guard<net::io_context::executor_type> guard_;
  KubernetesSdConfig config_;
  KubernetesClusters clusters_;
  const DiscoveryEnvironment environment_{io_, workers_, SystemClock(), all_metrics, HttpClient::Create, &clusters_};
  std::unique_ptr<Discovery> discovery_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, TargetGroup> groups_;
  std::size_t updates_ = 0;
  std::string kinds_;
  bool seen_ = false;
};

bool Has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a list in pages, then a watch that adds, changes and deletes", "[kubernetes]") {
  Script script(
      {{.body = List(PodJson("a", "10.0.0.1", 3), 5, "more/of it")},
       {.body = List(PodJson("b", "10.0.0.2", 4), 6)},
       Stream(WatchEvent("ADDED", PodJson("c", "10.0.0.3", 7)) + WatchEvent("DELETED", PodJson("a", "10.0.0.1", 8)) +
                  WatchEvent("BOOKMARK", R"({"kind":"Pod","metadata":{"resourceVersion":"12"}})") +
                  WatchEvent("MODIFIED", PodJson("b", "10.0.0.9", 13)),
              test::After::kReset),
       Stream(WatchEvent("ADDED", PodJson("d", "10.0.0.4", 14)))});
  test::HttpServer server([&](const test::Received& request) { return script(request); });
  Watching watching(server.Url("/base/"));
  CHECK(watching.Becomes("10.0.0.9:1 10.0.0.3:1 10.0.0.4:1 "));
  CHECK(script.Asked(0) == "/base/api/v1/namespaces/s/pods?resourceVersion=0&limit=500" + kSelectors);
  CHECK(script.Asked(1) == "/base/api/v1/namespaces/s/pods?limit=500&continue=more%2Fof%20it" + kSelectors);
  CHECK(script.Asked(2).starts_with(
      "/base/api/v1/namespaces/s/pods?watch=true&allowWatchBookmarks=true&resourceVersion=6&timeoutSeconds="));
  CHECK(Has(script.Asked(3), "&resourceVersion=13&"));  // where the broken one was
  CHECK(watching.metrics.events[0].added->Value() == 4);
  CHECK(watching.metrics.events[0].updated->Value() == 1);
  CHECK(watching.metrics.events[0].deleted->Value() == 1);

  const TargetUpdate another = watching.FirstReportOfAnother();
  CHECK(another.complete);
  CHECK(another.groups.size() == 3);
  CHECK(server.requests().size() == 4);  // it asks for nothing
}

TEST_CASE("410 lists again, as a status and as an event, and keeps the targets meanwhile", "[kubernetes]") {
  const bool as_event = GENERATE(true, false);
  const std::string status = R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})";
  Script script(
      {{.body = List(PodJson("a", "10.0.0.1", 3) + "," + PodJson("b", "10.0.0.2", 4), 5)},
       as_event ? Stream(WatchEvent("ERROR", status), test::After::kClose) : test::Reply{.status = 410, .body = status},
       {.status = 410, .body = status},  // of the list: our version is not even known to the cache
       {.body = List(PodJson("b", "10.0.0.2", 4) + "," + PodJson("c", "10.0.0.3", 9), 10)},
       Stream("")});
  test::HttpServer server([&](const test::Received& request) { return script(request); });
  Watching watching(server.Url());
  CHECK(watching.Becomes("10.0.0.2:1 10.0.0.3:1 "));
  CHECK(watching.never_empty);
  CHECK(script.Asked(2) == "/api/v1/namespaces/s/pods?resourceVersion=5" + kSelectors);
  CHECK(script.Asked(3) == "/api/v1/namespaces/s/pods?resourceVersion=&limit=500" + kSelectors);
  REQUIRE(server.WaitForRequests(5));
  CHECK(Has(script.Asked(4), "&resourceVersion=10&"));
}

TEST_CASE("a server that has not got to our version yet lists without one", "[kubernetes]") {
  const auto too_large = GENERATE(values<std::string>(
      {R"({"kind":"Status","code":504,"details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}})",
       R"({"kind":"Status","code":504,"message":"Timeout: Too large resource version: 9, current: 3"})"}));
  Script script({{.body = List(PodJson("a", "10.0.0.1", 3), 9)},
                 {.status = 400},  // of the watch: listed again
                 {.status = 504, .body = too_large},
                 {.body = List(PodJson("b", "10.0.0.2", 4), 4)},
                 Stream("")});
  test::HttpServer server([&](const test::Received& request) { return script(request); });
  Watching watching(server.Url());
  CHECK(watching.Becomes("10.0.0.2:1 "));
  CHECK(Has(script.Asked(2), "?resourceVersion=9&label"));
  CHECK(Has(script.Asked(3), "?resourceVersion=&limit=500"));
  REQUIRE(server.WaitForRequests(5));
  CHECK(Has(script.Asked(4), "&resourceVersion=4&"));
}

TEST_CASE("another server is asked for everything, versions mean nothing to it", "[kubernetes]") {
  const test::TempDir dir;
  const auto write = [&](const std::string& url) {
    dir.Write("kubeconfig", R"({"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c"}}],)" +
                                (R"("clusters":[{"name":"c","cluster":{"server":")" + url) + R"("}}]})");
  };
  Script second({{.body = List(PodJson("b", "10.0.0.2", 4), 4)}, Stream("")});
  test::HttpServer after([&](const test::Received& request) { return second(request); });
  const auto broken_by = GENERATE(503, 403);
  test::HttpServer before([&](const test::Received& request) {
    if (!Has(request.target, "watch=true")) return test::Reply{.body = List(PodJson("a", "10.0.0.1", 3), 9)};
    write(after.Url());
    return test::Reply{.status = broken_by};
  });
  write(before.Url());
  KubernetesSdConfig config;
  config.kubeconfig_file = dir.Sub("kubeconfig");
  Watching watching(config, false);
  CHECK(watching.Becomes("10.0.0.2:1 "));
  CHECK(second.Asked(0) == "/api/v1/pods?resourceVersion=0&limit=500");
}

TEST_CASE("what makes no sense is refused, and what was known stays", "[kubernetes]") {
  const auto nonsense = GENERATE(values<std::string>(
      {R"({"kind":"Status","metadata":{},"items":[]})", "<html></html>", R"({"kind":"PodList","items":[)", "[]", ""}));
  INFO(nonsense);
  Script script({{.body = List(PodJson("a", "10.0.0.1", 3), 5)},
                 Stream(WatchEvent("ADDED", "7"), test::After::kClose),  // no event: listed again
                 {.body = nonsense},
                 {.body = List(PodJson("a", "10.0.0.1", 3) + "," + PodJson("b", "10.0.0.2", 4), 5)},
                 Stream("")});
  test::HttpServer server([&](const test::Received& request) { return script(request); });
  Watching watching(server.Url());
  CHECK(watching.Becomes("10.0.0.1:1 10.0.0.2:1 "));
  CHECK(watching.never_empty);
  CHECK(watching.metrics.failures->Value() == 2);
  CHECK(watching.metrics.unexpected->Value() == 1);
}

TEST_CASE("an object that cannot be read keeps its last good state", "[kubernetes]") {
  std::string broken = PodJson("a", "10.0.0.7", 8);
  broken.replace(broken.find("\"10.0.0.7\""), 10, "[]");
  Script script({{.body = List(PodJson("a", "10.0.0.1", 3), 5)},
                 Stream(WatchEvent("MODIFIED", broken) + WatchEvent("ERROR", R"({"code":410})"), test::After::kClose),
                 {.body = List(broken + "," + PodJson("b", "10.0.0.2", 4), 9)},
                 Stream("")});
  test::HttpServer server([&](const test::Received& request) { return script(request); });
  Watching watching(server.Url());
  CHECK(watching.Becomes("10.0.0.1:1 10.0.0.2:1 "));
  CHECK(watching.metrics.malformed->Value() == 2);
}

TEST_CASE("a server that refuses is no reason for others to wait, unless there is something to keep", "[kubernetes]") {
  Script script({{.status = 403, .body = R"({"kind":"Status","code":403,"message":"pods is forbidden"})"},
                 {.body = List("", 5)},
                 Stream("")});
  test::HttpServer server([&](const test::Received& request) { return script(request); });
  const bool has_known = GENERATE(false, true);
  Watching watching(server.Url(), has_known);
  REQUIRE(watching.WaitForUpdates(1));
  REQUIRE(server.WaitForRequests(3));
  REQUIRE(watching.WaitForUpdates(has_known ? 1 : 2));
  CHECK(watching.updates() == (has_known ? 1 : 2));
}

TEST_CASE("what was known of a namespace stays until all are listed", "[kubernetes]") {
  std::promise<void> listed_one;
  test::HttpServer server([wait = listed_one.get_future().share()](const test::Received& request) {
    if (Has(request.target, "watch=true")) return Stream("");
    if (Has(request.target, "/s/")) return test::Reply{.body = List(PodJson("a", "10.0.0.1", 3), 5)};
    wait.wait();
    return test::Reply{.body = List("", 5)};
  });
  const bool has_known = GENERATE(true, false);
  Watching watching(server.Url(), has_known, {"s", "t"});
  CHECK(watching.Becomes("10.0.0.1:1 "));
  CHECK(watching.kinds() == (has_known ? "+" : "="));
  listed_one.set_value();
  if (!has_known) return;  // there is nothing more to say
  REQUIRE(watching.WaitForUpdates(2));
  CHECK(watching.Becomes("10.0.0.1:1 "));
  CHECK(watching.kinds() == "+=");
}

TEST_CASE("a job's targets follow its cluster, beside targets that stay", "[kubernetes]") {
  net::io_context io;
  net::thread_pool workers(2);
  auto guard = net::make_work_guard(io);
  std::thread thread([&] { io.run(); });
  prometheus::Registry registry;
  const auto storage = storage::NewMemoryStorage({}, SystemClock());
  Script script(
      {{.body = List(PodJson("a", "127.0.0.1", 3) + "," + PodJson("b", "127.0.0.2", 4), 5)},
       Stream(WatchEvent("DELETED", PodJson("a", "127.0.0.1", 6)) + WatchEvent("ADDED", PodJson("c", "127.0.0.3", 7)) +
              WatchEvent("ADDED", PodJson("twice", "127.0.0.3", 8)) +
              WatchEvent("DELETED", PodJson("c", "127.0.0.3", 9)) +
              WatchEvent("ADDED", PodJson("dropped", "127.0.0.4", 10)))});
  test::HttpServer server([&](const test::Received& request) { return script(request); });
  {
    ScrapeManager manager(ScrapeEnvironment{io, workers, *storage, SystemClock(), registry, nullptr});
    ScrapeConfig job;
    job.job_name = "j";
    job.scrape_interval = 1h;
    job.static_configs = {{{"127.0.0.9:1"}, {}}, {{"127.0.0.2:1"}, {}}};
    job.target_limit = 3;
    job.kubernetes_sd_configs.emplace_back().api_server = server.Url();
    RelabelConfig drop;
    drop.source_labels = {"__meta_kubernetes_pod_name"};
    drop.regex = MustHave(Regex::Compile("dropped"));
    drop.action = RelabelAction::kDrop;
    job.relabel_configs = {drop};
    job.InheritFrom({});
    MustSucceed(job.Validate());
    MustSucceed(manager.Apply({job}));
    manager.Start();
    std::string urls;
    std::size_t dropped = 0;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (dropped == 0 && std::chrono::steady_clock::now() < deadline) {
      const TargetsView view = manager.Targets();
      urls.clear();
      for (const TargetView& target : view.active) urls += target.scrape_url + " ";
      dropped = view.dropped_counts.empty() ? 0 : view.dropped_counts[0].second;
      std::this_thread::yield();
    }
    CHECK(dropped == 1);
    CHECK(urls == "http://127.0.0.2:1/metrics http://127.0.0.3:1/metrics http://127.0.0.9:1/metrics ");
    manager.Stop();
  }
  guard.reset();
  thread.join();
  workers.join();
}

}  // namespace vedette::collector
