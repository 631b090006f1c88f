#include <prometheus/counter.h>

#include "collector/push/gateway/gateway.h"
#include "collector/push/intake.h"
#include "tests/unit/dashboards/api_fixture.h"

using namespace vedette;
using namespace vedette::dashboards;

namespace {

collector::TargetView Target(const std::string& pool, const std::string& url) {
  collector::TargetView target;
  target.scrape_pool = pool;
  target.discovered_labels = Labels{{"__address__", "h:1"}};
  target.labels = Labels{{"instance", "h:1"}, {"job", pool}};
  target.scrape_url = url;
  target.scrape_interval = Millis(15'000);
  target.scrape_timeout = Millis(10'000);
  return target;
}

}  // namespace

TEST_CASE_METHOD(ApiFixture, "targets are listed by state and pool", "[api][targets]") {
  context.options.external_url = "https://watch.example:8443";
  context.options.listen_address = "127.0.0.1:9090";
  context.targets = [] {
    collector::TargetsView view;
    view.active = {Target("a", "http://localhost:9090/metrics"), Target("b", "http://127.0.0.1:9100/metrics")};
    view.active[0].health = collector::TargetHealth::kUp;
    view.active[0].last_scrape = TimeMs(1500);
    view.active[0].last_scrape_seconds = 0.25;
    view.active[1].last_error = "connection refused";
    view.dropped = {{"a", Labels{{"__address__", "x"}}}};
    view.dropped_counts = {{"a", 3}};
    return view;
  };
  const std::string a =
      R"({"discoveredLabels":{"__address__":"h:1"},"labels":{"instance":"h:1","job":"a"},"scrapePool":"a",)"
      R"("scrapeUrl":"http://localhost:9090/metrics","globalUrl":"https://watch.example:8443/metrics","lastError":"",)"
      R"("lastScrape":"1970-01-01T00:00:01.5Z","lastScrapeDuration":0.25,"health":"up","scrapeInterval":"15s",)"
      R"("scrapeTimeout":"10s"})";
  const std::string dropped =
      R"("droppedTargets":[{"discoveredLabels":{"__address__":"x"},"scrapePool":"a"}],"droppedTargetCounts":{"a":3})";
  CHECK(Get("targets", {{"state", "Active"}, {"scrapePool", "a"}}) ==
        Ok(R"({"activeTargets":[)" + a + R"(],"droppedTargets":[],"droppedTargetCounts":null})"));
  CHECK(Get("targets", {{"state", "dropped"}}) == Ok(R"({"activeTargets":[],)" + dropped + "}"));
  const std::string all = Get("targets");
  CHECK(all.find(R"("globalUrl":"http://watch.example:9100/metrics","lastError":"connection refused",)"
                 R"("lastScrape":"0001-01-01T00:00:00Z","lastScrapeDuration":0,"health":"unknown")") !=
        std::string::npos);
  CHECK(all.find(dropped) != std::string::npos);
  context.scrape_pool_config = [](std::string_view pool) -> std::optional<collector::ScrapeConfig> {
    if (pool != "a") return std::nullopt;
    collector::ScrapeConfig job;
    collector::RelabelConfig copy, drop;
    copy.source_labels = {"x", "y"};
    copy.target_label = "z";
    drop.source_labels = {"z"};
    drop.regex = MustHave(Regex::Compile("1;2"));
    drop.action = collector::RelabelAction::kDrop;
    job.relabel_configs = {copy, drop, copy};
    return job;
  };
  const auto rule = [](std::string_view source, std::string_view rest) {
    return fmt::format(R"({{"rule":{{"sourceLabels":[{}],"separator":";",{})", source, rest);
  };
  const std::string replace =
      rule(R"("x","y")", R"x("regex":"(.*)","targetLabel":"z","replacement":"$1","action":"replace"})x");
  const std::string drop = rule(R"("z")", R"("regex":"1;2","replacement":"$1","action":"drop"})");
  CHECK(Get("targets/relabel_steps", {{"scrapePool", "a"}, {"labels", R"({"x":"1","y":"2"})"}}) ==
        Ok(R"({"steps":[)" + replace + R"(,"output":{"x":"1","y":"2","z":"1;2"},"keep":true},)" + drop +
           R"(,"output":{},"keep":false},)" + replace + R"(,"output":{},"keep":false}]})"));
  for (const auto& [pool, labels] : std::vector<std::pair<std::string, std::string>>{
           {"", "{}"}, {"a", ""}, {"a", "["}, {"a", "{\"x\":1}"}, {"b", "{}"}}) {
    CHECK(Call(kGet, "/api/v1/targets/relabel_steps", {{"scrapePool", pool}, {"labels", labels}}).status == 400);
  }
  context.scrape_pools = [] { return std::vector<std::string>{"a", "b"}; };
  CHECK(Get("scrape_pools") == Ok(R"({"scrapePools":["a","b"]})"));
}

TEST_CASE_METHOD(ApiFixture, "what no target has said since the start the store may know", "[api][metadata]") {
  const auto appender = storage->NewAppender();
  for (const std::string instance : {"x", "y"}) {
    const Labels target{{"instance", instance}};
    appender->SetMetadata(target, "a", clock.Now() - Millis(5000), {"gauge", "before", ""});
    appender->SetMetadata(target, "a", clock.Now() - Millis(1000), {"gauge", "now", "s"});
    appender->SetMetadata(target, "b", clock.Now() - Millis(1000), {"counter", "", ""});
  }
  MustHave(appender->Commit());
  const std::string a = R"("a":[{"type":"gauge","help":"now","unit":"s"}])";
  CHECK(Get("metadata") == Ok("{" + a + R"(,"b":[{"type":"counter","help":"","unit":""}]})"));
  CHECK(Get("metadata", {{"metric", "a"}}) == Ok("{" + a + "}"));
  context.metadata = [](std::string_view) {
    return std::vector<collector::MetricMetadata>{{"a", "gauge", "live", ""}};
  };
  CHECK(Get("metadata") == Ok(R"({"a":[{"type":"gauge","help":"live","unit":""}]})"));
}

TEST_CASE_METHOD(ApiFixture, "metadata is grouped by metric and limited", "[api][metadata]") {
  context.metadata = [](std::string_view metric) {
    std::vector<collector::MetricMetadata> all = {
        {"a", "counter", "Help.", ""}, {"a", "gauge", "Other.", ""}, {"b", "gauge", "B", "bytes"}};
    if (!metric.empty()) std::erase_if(all, [&](const auto& entry) { return entry.metric != metric; });
    return all;
  };
  const std::string first = R"({"type":"counter","help":"Help.","unit":""})";
  const std::string second = R"({"type":"gauge","help":"Other.","unit":""})";
  const std::string b = R"("b":[{"type":"gauge","help":"B","unit":"bytes"}])";
  CHECK(Get("metadata") == Ok("{\"a\":[" + first + "," + second + "]," + b + "}"));
  CHECK(Get("metadata", {{"limit_per_metric", "1"}}) == Ok("{\"a\":[" + first + "]," + b + "}"));
  CHECK(Get("metadata", {{"limit", "1"}}) == Ok("{\"a\":[" + first + "," + second + "]}"));
  CHECK(Get("metadata", {{"limit", "0"}}) == Ok("{}"));
  CHECK(Get("metadata", {{"metric", "b"}}) == Ok("{" + b + "}"));
  CHECK(Get("metadata", {{"limit", "x"}}) == Bad("limit must be a number"));

  context.target_metadata = [](const LabelFilter& matches, std::string_view, std::size_t) {
    std::vector<collector::TargetMetadata> all = {{Labels{{"job", "x"}}, {"a", "counter", "Help.", ""}},
                                                  {Labels{{"job", "y"}}, {"a", "counter", "Help.", ""}}};
    std::erase_if(all, [&](const auto& entry) { return !matches(entry.target); });
    return all;
  };
  CHECK(Get("targets/metadata", {{"match_target", "{job=\"y\"}"}}) ==
        Ok(R"([{"target":{"job":"y"},"metric":"a","type":"counter","help":"Help.","unit":""}])"));
  CHECK(Get("targets/metadata", {{"metric", "a"}, {"match_target", "{job=\"y\"}"}}) ==
        Ok(R"([{"target":{"job":"y"},"type":"counter","help":"Help.","unit":""}])"));
  CHECK(Call(kGet, "/api/v1/targets/metadata", {{"match_target", "{"}}).status == 400);
}

TEST_CASE_METHOD(ApiFixture, "the agent describes itself", "[api][status]") {
  const std::string build = Get("status/buildinfo");
  CHECK(build.starts_with(R"({"status":"success","data":{"version":"3.14.0+vedette.)"));
  CHECK(build.find("features") == std::string::npos);
  CHECK(Text(Call(kGet, "/version")).starts_with(R"({"version":"3.14.0+vedette.)"));
  context.config_text = [] { return "global: {}\n"; };
  CHECK(Get("status/config") == Ok(R"({"yaml":"global: {}\n"})"));
  context.options.flags = {{"storage.path", "data"}, {"web.enable-lifecycle", "false"}};
  CHECK(Get("status/flags") == Ok(R"({"storage.path":"data","web.enable-lifecycle":"false"})"));
  context.runtime_info = [] { return RuntimeInfo{TimeMs(1000), "/x", "host", true, TimeMs(2000), "15d", 4, {}}; };
  CHECK(Get("status/runtimeinfo") ==
        Ok(R"({"startTime":"1970-01-01T00:00:01Z","CWD":"/x","hostname":"host","serverTime":"2023-11-14T22:13:20Z",)"
           R"("reloadConfigSuccess":true,"lastConfigTime":"1970-01-01T00:00:02Z","corruptionCount":0,)"
           R"("goroutineCount":4,"GOMAXPROCS":4,"GOMEMLIMIT":0,"GOGC":"","GODEBUG":"","storageRetention":"15d"})"));
  CHECK(Get("status/walreplay") == Ok(R"({"min":0,"max":0,"current":0})"));
}

TEST_CASE_METHOD(ApiFixture, "the store's largest names are counted", "[api][status]") {
  Store({{"__name__", "x"}, {"job", "a"}}, {1});
  Store({{"__name__", "x"}, {"job", "b"}}, {1});
  const std::string text = Get("status/tsdb", {{"limit", "1"}});
  CHECK(text.starts_with(R"({"status":"success","data":{"headStats":{"numSeries":2,"numLabelPairs":3,"chunkCount":)"));
  CHECK(text.find(R"("minTime":1700000000000,"maxTime":1700000000000})") != std::string::npos);
  CHECK(text.find(R"("seriesCountByMetricName":[{"name":"x","value":2}],)") != std::string::npos);
  CHECK(text.find(R"("labelValueCountByLabelName":[{"name":"job","value":2}],)") != std::string::npos);
  CHECK(text.find(R"("seriesCountByLabelValuePair":[{"name":"__name__=x","value":2}]})") != std::string::npos);
  const std::string part = Get("status/tsdb", {{"topN", "5"}, {"match[]", R"({job="a"})"}, {"focusLabel", "job"}});
  CHECK(part.find(R"("totalSeries":1,"totalLabelValuePairs":2,)") != std::string::npos);
  CHECK(part.find(R"("seriesCountByFocusLabelValue":[{"name":"a","value":1}])") != std::string::npos);
  CHECK(Get("status/tsdb", {{"date", "yesterday"}}) == Bad(R"(date \"yesterday\" is not YYYY-MM-DD)"));
  CHECK(Get("status/tsdb", {{"topN", "0"}}) == Bad("topN must be a positive number"));
  CHECK(Get("status/tsdb", {{"limit", "0"}}) == Bad("limit must be a positive number"));
  CHECK(Get("status/tsdb", {{"limit", "10001"}}) == Bad("limit must not exceed 10000"));
}

TEST_CASE_METHOD(ApiFixture, "life-cycle and admin endpoints must be switched on", "[api][lifecycle]") {
  int reloads = 0, quits = 0;
  Status outcome = vedette::Ok();
  CHECK(Text(Call(kPost, "/-/reload")) == "403 Lifecycle API is not enabled.");
  CHECK(Text(Call(kPut, "/-/quit")) == "403 Lifecycle API is not enabled.");
  CHECK(Text(Call(kPost, "/api/v1/admin/tsdb/flush")) == Bad("admin APIs disabled", 500, "unavailable"));
  CHECK(Call(kGet, "/-/reload").status == 405);
  context.options.admin_api = true;
  context.reload = [&] { return ++reloads, outcome; };
  context.quit = [&] { ++quits; };
  CHECK(Call(kPost, "/-/reload").status == 200);
  outcome = Fail(Code::kBadData, "f:1:2: wrong");
  CHECK(Text(Call(kPost, "/-/reload")) == "500 failed to reload config: f:1:2: wrong");
  CHECK(Call(kPost, "/-/quit").status == 200);
  CHECK(reloads == 2);
  CHECK(quits == 1);
  CHECK(Text(Call(kPost, "/api/v1/admin/tsdb/flush")) == "204 ");
  CHECK(Text(Call(kPost, "/api/v1/admin/tsdb/clean_tombstones")) == "204 ");
  CHECK(Text(Call(kGet, "/-/healthy")) == "Vedette is Healthy.\n");
}

TEST_CASE_METHOD(ApiFixture, "deleting answers as Prometheus does and hides the series", "[api][admin]") {
  const std::string path = "/api/v1/admin/tsdb/delete_series";
  Store({{"__name__", "up"}, {"job", "a"}}, {1, 1});
  CHECK(Text(Call(kPost, path, {{"match[]", "up"}})) == Bad("admin APIs disabled", 500, "unavailable"));
  context.options.admin_api = true;
  CHECK(Text(Call(kPost, path)) == Bad("no match[] parameter provided"));
  CHECK(Call(kPost, path, {{"match[]", "{"}}).status == 400);
  CHECK(Call(kPost, path, {{"match[]", "up"}, {"start", "x"}}).status == 400);
  CHECK(Call(kGet, path).status == 405);
  CHECK(Text(Call(kPut, path, {{"match[]", "up"}, {"start", "1700000000"}})) == "204 ");
  CHECK(Get("series", {{"match[]", "up"}}) == Ok(R"([{"__name__":"up","job":"a"}])"));
  CHECK(Text(Call(kPost, path, {{"match[]", "up"}})) == "204 ");
  CHECK(Get("series", {{"match[]", "up"}}) == Ok("[]"));
  CHECK(Get("labels") == Ok("[]"));
  CHECK(Call(kPost, "/api/v1/admin/tsdb/snapshot").status == 500);  // a store in memory
}

TEST_CASE_METHOD(ApiFixture, "what export writes import takes, bad lines are named", "[api][admin]") {
  context.options.admin_api = true;
  const std::string lines =
      "up{job=\"a\"} 1 1699999990000\nup{job=\"a\"} one 1\nup{job=\"b\"} 2.5 1699999990500\nup{job=\"b\"} 3\n";
  Request request;
  const Response response = Call(kPost, "/api/v1/admin/tsdb/import", {{"format", "text"}}, {}, lines);
  CHECK(Text(response).find(R"("samples":2,"stored":2,"tooOld":0,"tooNew":0,"badLines":2)") != std::string::npos);
  CHECK(Text(response).find(R"({"line":2,)") != std::string::npos);
  CHECK(Get("admin/tsdb/export", {{"match[]", "up"}, {"format", "text"}}) ==
        "up{job=\"a\"} 1 1699999990000\nup{job=\"b\"} 2.5 1699999990500\n");
  CHECK(Get("admin/tsdb/export", {{"match[]", "up"}, {"format", "openmetrics"}, {"end", "1699999990.1"}}) ==
        "up{job=\"a\"} 1 1699999990\n# EOF\n");
  CHECK(Get("admin/tsdb/export", {{"match[]", "{job=\"b\"}"}}) ==
        R"({"metric":{"__name__":"up","job":"b"},"values":[2.5],"timestamps":[1699999990500]})"
        "\n");
  CHECK(Get("admin/tsdb/export", {{"match[]", "up"}, {"format", "csv"}, {"after", "1"}}) == "up,b,1699999990500,2.5\n");
}

TEST_CASE_METHOD(ApiFixture, "own metrics are served as text", "[api][metrics]") {
  prometheus::BuildCounter().Name("vedette_test_total").Help("A test.").Register(registry).Add({}).Increment();
  const Response response = Call(kGet, "/metrics");
  CHECK(response.headers.Get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(response.Body().find("vedette_test_total 1") != std::string_view::npos);
}

TEST_CASE_METHOD(ApiFixture, "remote write is refused, taken or deferred", "[api][write]") {
  const Headers good = {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}};
  CHECK(Text(Call(kPost, "/api/v1/write", {}, good, "x")) ==
        "404 remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");
  CHECK(Call(kGet, "/api/v1/write").status == 405);
  std::string taken;
  collector::PushOutcome outcome;
  collector::WriteMessage message{};
  context.remote_write = [&](std::string_view body, collector::WriteFormat as) {
    taken = body;
    message = as.message;
    return outcome;
  };
  Response response = Call(kPost, "/api/v1/write", {}, good, "body");
  CHECK(Text(response) == "204 ");
  CHECK(taken == "body");
  CHECK(message == collector::WriteMessage::kVersion1);
  CHECK_FALSE(response.headers.Has("X-Prometheus-Remote-Write-Samples-Written"));
  CHECK(Text(Call(kPost, "/api/v1/write", {}, {{"Content-Type", "text/plain"}}, "x")) ==
        "415 expected application/x-protobuf as the first (media) part, got text/plain content-type\n");

  const Headers second = {{"Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"}};
  outcome = {.status = Fail(Code::kBadData, "too old"), .samples = 3, .histograms = 2, .exemplars = 1};
  response = Call(kPost, "/api/v1/write", {}, second, "x");
  CHECK(message == collector::WriteMessage::kVersion2);
  CHECK(Text(response) == "400 too old\n");
  CHECK(response.headers.Get("X-Prometheus-Remote-Write-Samples-Written") == "3");
  CHECK(response.headers.Get("X-Prometheus-Remote-Write-Histograms-Written") == "2");
  CHECK(response.headers.Get("X-Prometheus-Remote-Write-Exemplars-Written") == "1");
  CHECK_FALSE(response.headers.Has("Retry-After"));
  context.options.write_messages = {collector::WriteMessage::kVersion1};
  CHECK(Text(Call(kPost, "/api/v1/write", {}, second, "x")) ==
        "415 io.prometheus.write.v2.Request protobuf message is not accepted by this server; only accepts "
        "prometheus.WriteRequest\n");

  outcome = {.status = Fail(Code::kIo, "disk full")};
  response = Call(kPost, "/api/v1/write", {}, good, "x");
  CHECK(Text(response) == "503 disk full\n");
  CHECK(response.headers.Get("Retry-After") == "5");
}

TEST_CASE_METHOD(ApiFixture, "OTLP is answered in the format of the request", "[api][write]") {
  CHECK(Text(Call(kPost, "/api/v1/otlp/v1/metrics", {}, {}, "x")) ==
        "404 otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n");
  context.otlp = [](std::string_view body, std::string_view type, std::string_view encoding) {
    CHECK(encoding == "gzip");
    return collector::OtlpReceiver::Answer{503, std::string(type), std::string(body)};
  };
  const Response response = Call(kPost, "/api/v1/otlp/v1/metrics", {},
                                 {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}, "{}");
  CHECK(Text(response) == "503 {}");
  CHECK(response.headers.Get("Content-Type") == "application/json");
  CHECK(response.headers.Get("Retry-After") == "5");
}

TEST_CASE_METHOD(ApiFixture, "a Pushgateway's clients get its answers", "[api][write]") {
  CHECK(Call(kPut, "/metrics/job/a", {}, {}, "m 1\n").status == 404);
  CHECK(Get("metrics").starts_with("404 "));
  const auto state = storage::NewMemoryStateStore();
  collector::Intake intake(*storage, clock, registry, {});
  const auto gateway = MustHave(collector::PushGateway::Open(*state, intake, registry));
  context.pushgateway = gateway.get();
  const auto push = [&](Method method, const std::string& path, const std::string& body) {
    return Text(Call(method, path, {}, {}, body));
  };
  const std::string page =
      "# TYPE s summary\n# HELP s sums\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\nm{x=\"1\"} 1e6\n";
  CHECK(push(kPut, "/metrics/job/a", page).empty());
  CHECK(push(kPost, "/metrics/job/a", "m 1 5\n") ==
        "400 pushed metrics are invalid or inconsistent with existing metrics: pushed metrics must not have "
        "timestamps\n");
  CHECK(push(kPost, "/metrics/job/a/odd", "m 1\n") == "400 odd number of components in label string \"/odd\"\n");
  CHECK(Call(kGet, "/metrics/job/a").status == 405);
  CHECK(push(kDelete, "/metrics/job@base64/Zm9v", "") == "202 ");
  const std::string time = R"("time_stamp":"2023-11-14T22:13:20Z")";
  const std::string labels = R"("labels":{"instance":"","job":"a")";
  CHECK(
      Get("metrics") ==
      Ok(R"([{"labels":{"job":"a"},"last_push_successful":false,"m":{)" + time + R"(,"type":"UNTYPED","metrics":[{)" +
         labels + R"(,"x":"1"},"value":"1e+06"}]},"s":{)" + time + R"(,"type":"SUMMARY","help":"sums","metrics":[{)" +
         labels + R"(},"count":"2","sum":"3","quantiles":{"0.5":"1"}}]},"push_time_seconds":{)" + time +
         R"(,"type":"GAUGE","help":"Last Unix time when changing this group in the Pushgateway succeeded.","metrics":[{)" +
         labels + R"(},"value":"1.7e+09"}]},"push_failure_time_seconds":{)" + time +
         R"(,"type":"GAUGE","help":"Last Unix time when changing this group in the Pushgateway failed.","metrics":[{)" +
         labels + R"(},"value":"1.7e+09"}]}}])"));
  CHECK(push(kPut, "/api/v1/admin/wipe", "").find("admin APIs disabled") != std::string::npos);
  context.options.admin_api = true;
  CHECK(push(kPut, "/api/v1/admin/wipe", "") == "202 ");
  CHECK(Get("metrics") == Ok("[]"));
}

TEST_CASE_METHOD(ApiFixture, "InfluxDB's writers get its answers", "[api][write]") {
  CHECK(Call(kPost, "/write", {}, {}, "m v=1").status == 404);
  collector::PushOutcome outcome;
  std::string database;
  context.influx = [&](const collector::InfluxRequest& request) {
    database = request.database;
    return outcome;
  };
  CHECK(Call(kPost, "/write", {{"db", "telegraf"}}, {}, "m v=1").status == 204);
  CHECK(database == "telegraf");
  CHECK(Call(kPost, "/api/v2/write", {{"bucket", "b"}, {"org", "o"}}, {}, "m v=1").status == 204);
  CHECK(database == "b");
  outcome = {.status = Fail(Code::kBadData, "line 1: bad"), .samples = 1};
  CHECK(Text(Call(kPost, "/write", {}, {}, "x")) ==
        R"(400 {"code":"invalid","message":"line 1: bad","error":"partial write: line 1: bad"})");
  outcome = {.status = Fail(Code::kIo, "disk full")};
  const Response response = Call(kPost, "/write", {}, {}, "x");
  CHECK(response.status == 503);
  CHECK(response.headers.Get("Retry-After") == "5");
}
