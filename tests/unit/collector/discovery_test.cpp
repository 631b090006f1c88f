#include <filesystem>
#include <fstream>

#include "collector/discovery/http_targets.h"
#include "collector/discovery/json_reader.h"
#include "collector/discovery/target_files.h"
#include "collector/scrape/fetch.h"
#include "collector/scrape/target.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace vedette::collector {
namespace {

std::string Addresses(const std::vector<TargetGroup>& groups) {
  std::string all;
  for (const TargetGroup& group : groups) {
    for (const Labels& target : group.targets) all += std::string(target.Get("__address__")) + " ";
  }
  return all;
}

ScrapeConfig Job() {
  ScrapeConfig job;
  job.job_name = "j";
  job.InheritFrom({});
  return job;
}

RelabelConfig Replace(std::string source, std::string_view regex, std::string target, std::string replacement) {
  RelabelConfig rule;
  rule.source_labels = {std::move(source)};
  rule.regex = MustHave(Regex::Compile(regex));
  rule.target_label = std::move(target);
  rule.replacement = std::move(replacement);
  return rule;
}

}  // namespace

TEST_CASE("target files: YAML and JSON, globs, and a broken one keeps its targets", "[discovery]") {
  test::TempDir dir;
  const std::string json = dir.Write("a.json", R"([{"targets": ["x:1", "y:1"], "labels": {"zone": "1"}}])");
  dir.Write("b.yml", "- targets: ['z:1']\n");
  dir.Write("ignored.txt", "- targets: ['no:1']\n");
  TargetFiles files({dir.Sub("*.json"), dir.Sub("b.yml"), dir.Sub("absent.yml")});
  auto outcome = files.Look(false);
  CHECK(outcome.changed);
  CHECK(outcome.failures == 0);
  CHECK(Addresses(files.groups()) == "x:1 y:1 z:1 ");
  CHECK(files.groups().at(0).labels == Labels{{"__meta_filepath", json}, {"zone", "1"}});
  CHECK_FALSE(files.Look(false).changed);

  for (const char* broken : {"[{\"targets\": [", "- tragets: ['q:1']\n", "- targets: {a: b}\n", "targets\n"}) {
    dir.Write("b.yml", broken);
    outcome = files.Look(true);
    CHECK_FALSE(outcome.changed);
    CHECK(outcome.failures == 2);  // this one and the absent one
    CHECK(Addresses(files.groups()) == "x:1 y:1 z:1 ");
  }
  dir.Write("b.yml", "- targets: ['new:1', 'new:2']\n");
  CHECK(files.Look(false).changed);
  std::filesystem::remove(json);
  CHECK(files.Look(false).changed);
  CHECK(Addresses(files.groups()) == "new:1 new:2 ");
}

TEST_CASE("what a target endpoint answers is read, or the mistake named", "[discovery]") {
  const auto groups = MustHave(ParseHttpTargets(
      R"([{"targets": ["x:1", "y:1"], "labels": {"zone": "1"}}, {"targets": []}, {"labels": null}])", "http://a"));
  CHECK(groups.size() == 3);
  CHECK(Addresses(groups) == "x:1 y:1 ");
  CHECK(groups[0].labels == Labels{{"__meta_url", "http://a"}, {"zone", "1"}});
  CHECK(groups[1].source == "http://a:1");
  CHECK(MustHave(ParseHttpTargets("[]", "u")).empty());
  for (const auto& [body, reason] : std::vector<std::pair<std::string, std::string>>{
           {"", "byte"},
           {"[{]", "byte 3"},
           {"{}", "not a list"},
           {"[1e999]", "not JSON"},
           {"[5]", "group 0: not an object"},
           {R"([{}, {"targets": [5]}])", "group 1: a target is not a string"},
           {R"([{"targets": "a"}])", "targets is not a list"},
           {R"([{"labels": {"a": 1}}])", "label \"a\" is not a string"},
           {R"([{"labels": {"": "1"}}])", "not a valid label name"},
           {std::string(kMaxJsonDepth, '['), "byte"},
           {std::string(200'000, '['), "nested more than 1000 times"}}) {
    const auto bad = ParseHttpTargets(body, "u");
    REQUIRE(!bad);
    INFO(bad.error().message);
    CHECK(bad.error().message.find(reason) != std::string::npos);
  }
}

TEST_CASE("a reply of more values than memory should hold is not parsed", "[discovery]") {
  std::string many = "[0";
  while (many.size() < 2 * kMaxJsonValues - 2) many += ",0";
  MustSucceed(CheckJsonSize(many + "]"));
  CHECK(CheckJsonSize(many + ",0]").error().message == "more than 3000000 values");
  CHECK(CheckJsonSize(many + ",{},[]]").error().code == Code::kLimit);
  MustSucceed(CheckJsonSize(R"(["\\", ")" + std::string(kMaxJsonValues, ',') + R"( \" ,[", 1])"));
  JsonReader reader("[" + many + ",0]]");
  reader.RootList();
  CHECK(reader.status().error().message == "more than 3000000 values");
}

TEST_CASE("targets get the job's defaults, then relabelling, then an instance", "[discovery]") {
  ScrapeConfig job = Job();
  job.metrics_path = "probe";
  job.params = {{"module", {"http", "second"}}, {"target", {"%&"}}};
  job.relabel_configs = {Replace("__meta_x", "(.+)", "x", "$1"), Replace("__meta_x", "drop", "__address__", ""),
                         Replace("__meta_x", "icmp", "__param_module", "icmp"),
                         Replace("__meta_x", "slow", "__scrape_interval__", "5m")};
  const std::vector<TargetGroup> groups = {{"0",
                                            {{{"__address__", "a:1"}, {"__meta_x", "icmp"}},
                                             {{"__address__", "b:1"}, {"job", "mine"}},
                                             {{"__address__", "b:1"}, {"job", "mine"}},
                                             {{"__address__", "c:1"}, {"__meta_x", "slow"}},
                                             {{"__address__", "d/x"}},
                                             {{"__address__", "e:1"}, {"__meta_x", "drop"}}},
                                            {{"zone", "z"}}}};
  const TargetSet set = MakeTargets(job, groups);
  REQUIRE(set.active.size() == 3);
  CHECK(set.active[0].url == "http://a:1/probe?module=icmp&module=second&target=%25%26");
  CHECK(set.active[0].labels.ToString() == R"({instance="a:1", job="j", x="icmp", zone="z"})");
  CHECK(set.active[1].labels.Get("job") == "mine");
  CHECK(set.active[2].interval == std::chrono::minutes(5));
  REQUIRE(set.errors.size() == 2);
  CHECK_THAT(set.errors[0].message, Catch::Matchers::EndsWith("\"d/x\" is not a valid hostname"));
  CHECK_THAT(set.errors[1].message, Catch::Matchers::EndsWith("no address"));

  job.relabel_configs = {Replace("__address__", ".*", "__scrape_timeout__", "10m")};
  CHECK_THAT(MakeTargets(job, groups).errors.at(0).message,
             Catch::Matchers::EndsWith("scrape timeout cannot be greater than scrape interval (\"10m\" > \"1m\")"));
}

TEST_CASE("scrape times are spread, aligned and strictly ahead of the last", "[discovery]") {
  const Millis interval = std::chrono::seconds(15);
  CHECK(NextScrape(TimeMs(30'000), interval, Millis(0)) == TimeMs(30'000));
  CHECK(NextScrape(TimeMs(30'001), interval, Millis(0)) == TimeMs(45'000));
  CHECK(NextScrape(TimeMs(30'001), interval, Millis(7)) == TimeMs(30'007));
  CHECK(NextScrape(TimeMs(-1), interval, Millis(0)) == TimeMs(0));
  std::array<int, 3> thirds{};
  for (int i = 0; i < 300; ++i) {
    Target target;
    target.labels = {{"instance", std::to_string(i)}};
    target.url = "http://x";
    ++thirds.at(static_cast<std::size_t>(ScrapeOffset(target.Key(), interval) / std::chrono::seconds(5)));
  }
  CHECK(*std::min_element(thirds.begin(), thirds.end()) > 60);
}

TEST_CASE("a reply is read by its type, or as the fallback says", "[scrape]") {
  const auto format = [](std::string_view type, std::optional<ScrapeProtocol> fallback = {}) -> std::string {
    const auto result = FormatOf(type, fallback);
    if (!result) return result.error().message;
    constexpr std::array kNames = {"text", "openmetrics", "protobuf"};
    return kNames.at(static_cast<std::size_t>(*result));
  };
  CHECK(format("text/plain; version=0.0.4; charset=utf-8") == "text");
  CHECK(format("text/plain;") == "text");
  CHECK(format("Application/OpenMetrics-Text; version=1.0.0") == "openmetrics");
  CHECK(format("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited") ==
        "protobuf");
  CHECK(format("text/html") ==
        "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target");
  CHECK(format("") ==
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target");
  for (const char* const odd : {"text/plain; charset", "text/plain; =x", "text/", "/plain", "text/plain x",
                                "text/plain; a=\"b", "text/plain; a b=c"}) {
    CHECK(format(odd) ==
          fmt::format("cannot parse Content-Type {} and no fallback_scrape_protocol for target", Quote(odd)));
    CHECK(format(odd, ScrapeProtocol::kPrometheusText100) == "text");
  }
  CHECK(format("text/html", ScrapeProtocol::kOpenMetricsText100) == "openmetrics");
  CHECK(format("", ScrapeProtocol::kPrometheusText004) == "text");
  CHECK(format("", ScrapeProtocol::kPrometheusProto) == "protobuf");
}

TEST_CASE("what is offered falls from 0.6 on, whatever is left out", "[scrape]") {
  CHECK(AcceptHeader(
            {ScrapeProtocol::kPrometheusText004, ScrapeProtocol::kPrometheusProto, ScrapeProtocol::kPrometheusText100},
            NameEscaping::kUnderscores) ==
        "text/plain;version=0.0.4;q=0.6,"
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,"
        "text/plain;version=1.0.0;escaping=underscores;q=0.4,*/*;q=0.3");
}

TEST_CASE("a job that wants native histograms asks for protobuf first, unless it is told what to ask for",
          "[options]") {
  const auto first = [](std::optional<bool> native, bool global_native, std::vector<ScrapeProtocol> global) {
    GlobalScrapeOptions options;
    options.scrape_native_histograms = global_native;
    options.scrape_protocols = std::move(global);
    ScrapeConfig job;
    job.scrape_native_histograms = native;
    job.InheritFrom(options);
    return job.scrape_protocols.at(0);
  };
  CHECK(first({}, false, {}) == ScrapeProtocol::kOpenMetricsText100);
  CHECK(first({}, true, {}) == ScrapeProtocol::kPrometheusProto);
  CHECK(first(true, false, {}) == ScrapeProtocol::kPrometheusProto);
  CHECK(first(false, true, {}) == ScrapeProtocol::kOpenMetricsText100);
  CHECK(first(true, true, {ScrapeProtocol::kPrometheusText004}) == ScrapeProtocol::kPrometheusText004);
}

TEST_CASE("relabelling may decide about the histograms of a target", "[discovery]") {
  ScrapeConfig job;
  job.job_name = "j";
  job.scrape_native_histograms = true;
  job.InheritFrom({});
  const auto make = [&](Labels labels) {
    return MakeTargets(job, std::vector<TargetGroup>{{"s", {std::move(labels)}, {}}});
  };
  const TargetSet plain = make({{"__address__", "a"}});
  CHECK(plain.active.at(0).histograms == HistogramChoice{true, false, false});
  CHECK(plain.active.at(0).discovered.Get("__scrape_native_histograms__") == "true");
  CHECK(plain.active.at(0).discovered.Get("__always_scrape_classic_histograms__") == "false");
  CHECK(make({{"__address__", "a"},
              {"__scrape_native_histograms__", "F"},
              {"__always_scrape_classic_histograms__", "1"},
              {"__convert_classic_histograms_to_nhcb__", "true"}})
            .active.at(0)
            .histograms == HistogramChoice{false, true, true});
  CHECK_THAT(make({{"__address__", "a"}, {"__scrape_native_histograms__", "yes"}}).errors.at(0).message,
             Catch::Matchers::EndsWith("error parsing scrape native histograms: strconv.ParseBool: parsing \"yes\": "
                                       "invalid syntax"));
}

TEST_CASE("jobs inherit from global, and what makes no sense is refused", "[options]") {
  CollectorOptions options;
  options.global.scrape_interval = std::chrono::seconds(5);
  options.global.limits.sample_limit = 7;
  ScrapeConfig job;
  job.job_name = "a";
  options.scrape_configs = {job};
  MustSucceed(options.Finish());
  CHECK(options.scrape_configs[0].scrape_timeout == std::chrono::seconds(5));
  CHECK(options.scrape_configs[0].sample_limit == std::size_t{7});

  options.scrape_configs = {job, job};
  CHECK(options.Finish().error().message == "found multiple scrape configs with job name \"a\"");
  job.scrape_timeout = std::chrono::seconds(6);
  options.scrape_configs = {job};
  CHECK(options.Finish().error().message ==
        "scrape timeout greater than scrape interval for scrape config with job name \"a\"");
  CHECK(FileSdConfig{{"a/*.json", "b.yml", "c*.yaml"}}.Validate().has_value());
  for (const char* bad : {"a.txt", "a/*/b.json", "*/b.json", "**.json"}) {
    CHECK_FALSE(FileSdConfig{{bad}}.Validate().has_value());
  }
}

}  // namespace vedette::collector
