#include "collector/scrape/manager.h"

#include <prometheus/registry.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <thread>

#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;
using namespace std::chrono_literals;

/// Wakes waiting tests after each commit, so that nobody has to poll.
class WatchedStorage final : public storage::Storage {
 public:
  WatchedStorage() : store_(storage::NewMemoryStorage({}, SystemClock())) {}

  std::unique_ptr<storage::Appender> NewAppender(const storage::AppendOptions& options) override {
    return std::make_unique<WatchedAppender>(*this, store_->NewAppender(options));
  }
  std::unique_ptr<storage::Querier> NewQuerier(TimeRange range) const override { return store_->NewQuerier(range); }
  storage::StoreStats Stats(std::size_t top) const override { return store_->Stats(top); }
  Status Flush() override { return store_->Flush(); }

  /// Waits (10 s at most) until `happened()` is true after some commit.
  template <class F>
  bool WaitUntil(F happened) {
    std::unique_lock lock(mutex_);
    return committed_.wait_for(lock, 10s, happened);
  }

  /// Newest value of each series that `matcher` selects, "stale" for a marker.
  std::vector<std::string> Newest(const Matcher& matcher) const {
    const auto querier = store_->NewQuerier({});
    std::vector<std::string> values;
    for (const auto& series : MustHave(querier->Select({&matcher, 1}))) {
      storage::Columns columns;
      MustSucceed(querier->Read(series.id, {}, columns));
      if (columns.size() == 0) continue;
      const double value = columns.values.back();
      values.push_back(IsStaleNan(value) ? "stale" : FormatSampleValue(value));
    }
    return values;
  }
  bool NewestIs(const std::string& metric, const std::string& value) const {
    return Newest(Matcher::Equal("__name__", metric)) == std::vector<std::string>{value};
  }

 private:
  class WatchedAppender final : public storage::Appender {
   public:
    WatchedAppender(WatchedStorage& owner, std::unique_ptr<storage::Appender> inner)
        : owner_(owner), inner_(std::move(inner)) {}
    Result<storage::SeriesId> Series(const Labels& labels) override { return inner_->Series(labels); }
    storage::SeriesId FindSeries(const Labels& labels) override { return inner_->FindSeries(labels); }
    void Add(storage::SeriesId series, TimeMs time, double value) override { inner_->Add(series, time, value); }
    void AddRow(TimeMs time, std::span<const storage::SeriesId> series, std::span<const double> values) override {
      inner_->AddRow(time, series, values);
    }
    void AddHistogram(storage::SeriesId series, TimeMs time, Histogram histogram) override {
      inner_->AddHistogram(series, time, std::move(histogram));
    }
    void AddExemplar(storage::SeriesId series, storage::Exemplar exemplar) override {
      inner_->AddExemplar(series, std::move(exemplar));
    }
    void AddStart(storage::SeriesId series, TimeMs time, TimeMs start) override {
      inner_->AddStart(series, time, start);
    }
    void SetMetadata(const Labels& target, std::string_view family, TimeMs time, storage::MetricInfo info) override {
      inner_->SetMetadata(target, family, time, std::move(info));
    }
    void EndMetadata(const Labels& target, TimeMs time) override { inner_->EndMetadata(target, time); }
    Result<storage::AppendOutcome> Commit() override {
      auto outcome = inner_->Commit();
      { const std::lock_guard lock(owner_.mutex_); }
      owner_.committed_.notify_all();
      return outcome;
    }

   private:
    WatchedStorage& owner_;
    std::unique_ptr<storage::Appender> inner_;
  };

  std::unique_ptr<storage::Storage> store_;
  std::mutex mutex_;
  std::condition_variable committed_;
};

class ManagerFixture {
 public:
  ManagerFixture()
      : guard_(net::make_work_guard(io_)),
        manager_(std::make_unique<ScrapeManager>(ScrapeEnvironment{
            io_, workers_, storage, SystemClock(), registry_, nullptr, {&loops_[0].io, &loops_[1].io}})),
        thread_([this] { io_.run(); }) {}
  ~ManagerFixture() {
    manager_.reset();
    guard_.reset();
    thread_.join();
    workers_.join();
  }

  ScrapeManager& manager() { return *manager_; }
  WatchedStorage storage;

 private:
  struct Loop {
    ~Loop() {
      guard.reset();
      thread.join();
    }
    net::io_context io{1};
    net::executor_work_guard<net::io_context::executor_type> guard = net::make_work_guard(io);
    std::thread thread{[this] { io.run(); }};
  };

  net::io_context io_;
  std::array<Loop, 2> loops_;
  net::thread_pool workers_{2};
  prometheus::Registry registry_;
  net::executor_work_guard<net::io_context::executor_type> guard_;
  std::unique_ptr<ScrapeManager> manager_;
  std::thread thread_;
};

ScrapeConfig Job(std::string name, const std::vector<std::string>& targets, Millis interval = 50ms) {
  ScrapeConfig job;
  job.job_name = std::move(name);
  job.scrape_interval = interval;
  job.static_configs.push_back({targets, {}});
  job.InheritFrom({});
  MustSucceed(job.Validate());
  return job;
}

std::string Address(const test::HttpServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

test::Reply Metrics(std::string body) {
  test::Reply reply;
  reply.headers = {{"Content-Type", "text/plain; version=0.0.4"}};
  reply.body = std::move(body);
  return reply;
}

TargetView OnlyTarget(const ScrapeManager& manager) {
  const TargetsView view = manager.Targets();
  REQUIRE(view.active.size() == 1);
  return view.active[0];
}

}  // namespace

TEST_CASE("a target is scraped again and again, with Prometheus' headers", "[scrape][http]") {
  test::HttpServer server([](const test::Received&) { return Metrics("# HELP a Some help.\n# TYPE a gauge\na 1\n"); });
  ManagerFixture f;
  ScrapeConfig job = Job("web", {Address(server)});
  job.params = {{"match[]", {"x y"}}};
  MustSucceed(f.manager().Apply({job}));
  CHECK(f.manager().Targets().active.empty());
  f.manager().Start();
  REQUIRE(server.WaitForRequests(3));
  REQUIRE(f.storage.WaitUntil([&] { return f.storage.NewestIs("up", "1"); }));

  const auto request = server.requests().at(0);
  CHECK(request.target == "/metrics?match%5B%5D=x+y");
  CHECK(request.Header("Accept") ==
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
  CHECK(request.Header("X-Prometheus-Scrape-Timeout-Seconds") == "0.05");
  CHECK_THAT(request.Header("User-Agent"), Catch::Matchers::StartsWith("Vedette/"));

  const TargetView view = OnlyTarget(f.manager());
  CHECK(view.health == TargetHealth::kUp);
  CHECK(view.labels == Labels{{"instance", Address(server)}, {"job", "web"}});
  CHECK(view.discovered_labels.Get("__scrape_interval__") == "50ms");
  CHECK(f.manager().Metadata("a") == std::vector<MetricMetadata>{{"a", "gauge", "Some help.", ""}});
  CHECK(f.manager().MetadataByTarget(nullptr, "", 0).at(0).target == view.labels);
}

TEST_CASE("whatever a target does wrong is its last error, and up 0", "[scrape][http]") {
  struct Case {
    const char* name;
    test::Reply reply;
    const char* error;
  };
  auto html = Metrics("<html><body>hello</body></html>");
  html.headers = {{"Content-Type", "text/html"}};
  auto untyped = Metrics("a 1\n");
  untyped.headers.clear();
  auto broken = Metrics("a 1\nb\n");
  auto missing = Metrics("");
  missing.status = 404;
  auto short_body = Metrics("a 1\n");
  short_body.content_length = 100;
  short_body.after = test::After::kClose;
  auto hanging = Metrics("a 1\n");
  hanging.stop_after = 30;
  hanging.after = test::After::kHang;
  auto lying = Metrics("a{x=\"\xff\"} 1\n");
  auto large = Metrics(std::string(100'000, '#') + "\n");
  const std::vector<Case> cases = {
      {"HTML", html, "received unsupported Content-Type \"text/html\""},
      {"no type", untyped, "non-compliant scrape target sending blank Content-Type"},
      {"syntax", broken, "line 2: expected value after metric"},
      {"status", missing, "server returned HTTP status 404"},
      {"early close", short_body, ""},
      {"hanging", hanging, ""},
      {"UTF-8", lying, "line 1: invalid UTF-8"},
      {"body limit", large, "body size limit exceeded"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    test::HttpServer server([&](const test::Received&) { return c.reply; });
    ManagerFixture f;
    ScrapeConfig job = Job("web", {Address(server)}, 100ms);
    job.body_size_limit = 50'000;
    MustSucceed(f.manager().Apply({job}));
    f.manager().Start();
    REQUIRE(f.storage.WaitUntil([&] { return OnlyTarget(f.manager()).health == TargetHealth::kDown; }));
    CHECK(f.storage.NewestIs("up", "0"));
    const TargetView view = OnlyTarget(f.manager());
    CHECK_THAT(view.last_error, Catch::Matchers::StartsWith(c.error));
    CHECK_FALSE(view.last_error.empty());
  }
}

TEST_CASE("a reload keeps what stays and marks what goes", "[scrape][http]") {
  test::HttpServer server([](const test::Received& r) { return Metrics(r.target == "/metrics" ? "a 1\n" : "b 1\n"); });
  ManagerFixture f;
  MustSucceed(f.manager().Apply({Job("one", {Address(server)})}));
  f.manager().Start();
  REQUIRE(f.storage.WaitUntil([&] { return f.storage.NewestIs("a", "1"); }));

  ScrapeConfig two = Job("two", {Address(server)});
  two.metrics_path = "other";
  MustSucceed(f.manager().Apply({Job("one", {Address(server)}), two}));
  REQUIRE(f.storage.WaitUntil([&] { return f.storage.NewestIs("b", "1"); }));
  CHECK(f.manager().Pools() == std::vector<std::string>{"one", "two"});
  CHECK(f.manager().Targets("one").active.size() == 1);
}

TEST_CASE("a target that is removed and a relabelled series leave markers", "[scrape][http]") {
  test::HttpServer server([](const test::Received&) { return Metrics("a 1\nb 1\n"); });
  ManagerFixture f;
  ScrapeConfig job = Job("one", {Address(server)});
  MustSucceed(f.manager().Apply({job}));
  f.manager().Start();
  REQUIRE(f.storage.WaitUntil([&] { return f.storage.NewestIs("a", "1"); }));

  RelabelConfig drop;
  drop.action = RelabelAction::kDrop;
  drop.source_labels = {"__name__"};
  drop.regex = MustHave(Regex::Compile("a"));
  job.metric_relabel_configs = {drop};
  MustSucceed(f.manager().Apply({job}));
  REQUIRE(f.storage.WaitUntil([&] { return f.storage.NewestIs("a", "stale"); }));
  CHECK(f.storage.NewestIs("b", "1"));
  CHECK(f.storage.NewestIs("up", "1"));

  MustSucceed(f.manager().Apply({}));
  REQUIRE(f.storage.WaitUntil([&] { return f.storage.NewestIs("b", "stale"); }));
  CHECK(f.storage.NewestIs("up", "stale"));
  CHECK(f.manager().Targets().active.empty());
}

TEST_CASE("in-process sources take the same way without HTTP", "[scrape]") {
  ManagerFixture f;
  f.manager().RegisterSource("host", [] { return std::string("# TYPE h gauge\nh{x=\"1\"} 7\n"); });
  f.manager().RegisterSource("bad", []() -> std::string { throw std::runtime_error("no luck"); });
  ScrapeConfig host = Job("host", {"localhost"});
  host.in_process_source = "host";
  ScrapeConfig bad = Job("bad", {"localhost"});
  bad.in_process_source = "bad";
  f.manager().Start();
  MustSucceed(f.manager().Apply({host, bad}));
  REQUIRE(f.storage.WaitUntil([&] { return f.storage.NewestIs("h", "7"); }));
  REQUIRE(f.storage.WaitUntil([&] {
    return f.storage.Newest(Matcher::Equal("__name__", "up")) == std::vector<std::string>{"0", "1"};
  }));
  f.manager().Stop();
  CHECK(f.manager().Targets("bad").active.empty());  // stopped
  bad.in_process_source = "nobody";
  CHECK(f.manager().Apply({bad}).error().code == Code::kUnavailable);
}

TEST_CASE("too many targets fail the job, and a source that nobody registered fails the reload", "[scrape]") {
  ManagerFixture f;
  ScrapeConfig job = Job("one", {"127.0.0.1:1", "127.0.0.1:2"});
  job.in_process_source = "nobody";
  CHECK(f.manager().Apply({job}).error().message.find("no in-process source \"nobody\"") != std::string::npos);
  job.in_process_source.clear();
  job.target_limit = 1;
  f.manager().Start();
  MustSucceed(f.manager().Apply({job}));
  REQUIRE(f.storage.WaitUntil([&] {
    return f.storage.Newest(Matcher::Equal("__name__", "up")) == std::vector<std::string>{"0", "0"};
  }));
  for (const TargetView& view : f.manager().Targets().active) {
    if (view.last_error.empty()) continue;  // its sample is stored a moment before it shows
    CHECK(view.last_error == "target_limit exceeded (number of targets: 2, limit: 1)");
  }
}

TEST_CASE("targets come from an HTTP endpoint, and stay while it is ill", "[scrape][http][discovery]") {
  const test::HttpServer target([](const test::Received&) { return Metrics("m 1\n"); });
  std::atomic<int> asked{0};
  std::atomic<int> ill{0};
  const test::HttpServer endpoint([&](const test::Received& received) {
    ++asked;
    test::Reply reply;
    reply.headers = {{"Content-Type", "application/json; charset=utf-8"}};
    reply.body = fmt::format(R"([{{"targets": ["{}"], "labels": {{"zone": "z", "__meta_x": "y"}}}}])", Address(target));
    switch (ill.load()) {
      case 1:
        reply.status = 500;
        break;
      case 2:
        reply.body = "[{\"targets\": [";
        break;
      case 3:
        reply.headers = {{"Content-Type", "text/html"}};
        break;
      case 4:
        reply.body = "[]";
        break;
      default:
        break;
    }
    CHECK(received.Header("X-Prometheus-Refresh-Interval-Seconds") == "0.02");
    return reply;
  });
  ScrapeConfig job = Job("j", {});
  job.static_configs.clear();
  job.http_sd_configs.push_back({endpoint.Url("/sd"), Millis(20), {}});
  ManagerFixture f;
  MustSucceed(f.manager().Apply({job}));
  f.manager().Start();
  const auto wait_for = [&](const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    CHECK(holds());
  };
  wait_for([&] { return f.manager().Targets().active.size() == 1; });
  const TargetView view = OnlyTarget(f.manager());
  CHECK(view.labels.Get("zone") == "z");
  CHECK(view.discovered_labels.Get("__meta_url") == endpoint.Url("/sd"));
  for (const int kind : {1, 2, 3}) {
    ill = kind;
    const int before = asked;
    wait_for([&] { return asked > before + 2; });
    CHECK(f.manager().Targets().active.size() == 1);
  }
  // A reload that leaves the discovery as it is does not lose its targets.
  job.sample_limit = 100;
  MustSucceed(f.manager().Apply({job}));
  CHECK(f.manager().Targets().active.size() == 1);
  ill = 4;
  wait_for([&] { return f.manager().Targets().active.empty(); });
}

TEST_CASE("a hanging target does not keep the manager from stopping", "[scrape][http]") {
  auto hanging = Metrics("a 1\n");
  hanging.stop_after = 10;
  hanging.after = test::After::kHang;
  test::HttpServer server([&](const test::Received&) { return hanging; });
  ManagerFixture f;
  ScrapeConfig job = Job("web", {Address(server)}, 100ms);
  MustSucceed(f.manager().Apply({job}));
  f.manager().Start();
  REQUIRE(server.WaitForRequests(1));
  f.manager().Stop();  // returns
}

}  // namespace vedette::collector
