#include "collector/scrape/target_appender.h"

#include <map>

#include "tests/support/catch.h"
#include "tests/unit/collector/appender_fixture.h"

namespace vedette::collector {
namespace {

RelabelConfig RelabelRule(RelabelAction action, std::vector<std::string> sources, std::string_view regex) {
  RelabelConfig rule;
  rule.action = action;
  rule.source_labels = std::move(sources);
  rule.regex = MustHave(Regex::Compile(regex));
  return rule;
}

}  // namespace

TEST_CASE("a scrape is stored with its reports, and says what it added", "[scrape]") {
  AppenderFixture f;
  const auto outcome = f.Scrape("# TYPE a counter\na{x=\"1\"} 1\nb 2.5\n");
  MustSucceed(outcome.status);
  CHECK(outcome.added == 2);
  CHECK(f.Stored() == "a{x=\"1\"} 1\nb 2.5\n");
  CHECK(f.Stored({}, true) ==
        "scrape_duration_seconds 0.25\nscrape_samples_post_metric_relabeling 2\nscrape_samples_scraped 2\n"
        "scrape_series_added 2\nup 1\n");
  CHECK(f.Scrape("# TYPE a counter\na{x=\"1\"} 2\nb 3.5\n").added == 0);
  CHECK(f.Stored() == "a{x=\"1\"} 2\nb 3.5\n");
  CHECK(f.appender().metadata().Get("a").at(0)->type == "counter");
}

TEST_CASE("lines may come, go and change places; what vanishes gets one marker", "[scrape]") {
  AppenderFixture f;
  MustSucceed(f.Scrape("a 1\nb 2\nc 3\n").status);
  CHECK(f.Scrape("c 4\na 5\nb 6\n").added == 0);
  CHECK(f.Stored() == "a 5\nb 6\nc 4\n");
  CHECK(f.Scrape("c 7\nnew 8\nb 9\n").added == 1);
  CHECK(f.Stored() == "a stale\nb 9\nc 7\nnew 8\n");
  MustSucceed(f.Scrape("\nc 10\n\n").status);
  CHECK(f.Stored() == "b stale\nc 10\nnew stale\n");
  CHECK(f.Scrape("# HELP a x\n# TYPE a gauge\na 1\nc 11\n").added == 1);
  CHECK(f.Stored() == "a 1\nc 11\n");
}

TEST_CASE("a scrape that fails stores nothing but markers and up 0", "[scrape]") {
  AppenderFixture f;
  MustSucceed(f.Scrape("a 1\nb 2\n").status);
  const auto broken = f.Scrape("a 2\nnew 1\nb\n");
  CHECK(broken.status.error().message == "line 3: expected value after metric at column 2: \"b\"");
  CHECK(broken.scraped == 2);
  CHECK(broken.added == 1);
  CHECK(f.Stored() == "a stale\nb stale\n");
  CHECK(f.Stored({}, true).find("up 0") != std::string::npos);
  CHECK_FALSE(f.Fail(vedette::Fail(Code::kTimeout, "no answer")).status.has_value());
  CHECK(f.Stored().empty());  // once is enough
  const auto again = f.Scrape("a 2\nnew 1\nb\n");
  CHECK_FALSE(again.status.has_value());
  CHECK(again.added == 0);
  CHECK(f.Stored().empty());
  const auto recovered = f.Scrape("a 3\nb 4\n");
  CHECK(recovered.added == 0);
  CHECK(f.Stored() == "a 3\nb 4\n");
  CHECK(f.Scrape("a 3\nb 4\nnew 5\n").added == 1);  // it was not in the good one
  const auto bad_labels = f.Scrape("a 3\nnew{x=\"1\",x=\"2\"} 4\n");
  CHECK_FALSE(bad_labels.status.has_value());
  CHECK(bad_labels.scraped == 2);
}

TEST_CASE("after an empty page series get markers and are not new", "[scrape]") {
  AppenderFixture f;
  MustSucceed(f.Scrape("a 1\nb 2\n").status);
  MustSucceed(f.Scrape("").status);
  CHECK(f.Stored() == "a stale\nb stale\n");
  CHECK(f.Scrape("a 3\nc 4\n").added == 1);
  CHECK(f.Stored() == "a 3\nc 4\n");
}

TEST_CASE("a target that fails with other series each time does not fill the cache", "[scrape]") {
  AppenderFixture f;
  MustSucceed(f.Scrape("a 1\nb 2\n").status);
  for (int i = 0; i < 4; ++i) {
    std::string body = "b 1\n";
    for (int k = 0; k < 400; ++k) body += fmt::format("n{{k=\"{}\"}} 1\n", i * 400 + k);
    CHECK(f.Scrape(body + "b 1\n}\n").added == 400);
  }
  CHECK(f.Scrape("a 3\nb 4\n").added == 0);
  CHECK(f.Stored() == "a 3\nb 4\n");
}

TEST_CASE("of a series named twice the first value counts, in every scrape", "[scrape]") {
  AppenderFixture f;
  for (int i = 0; i < 3; ++i) {
    const auto outcome = f.Scrape("a 1\nb 1\na 2\n");
    MustSucceed(outcome.status);
    CHECK(outcome.repeated == 1);
    CHECK(outcome.scraped == 3);
    CHECK(f.Stored() == "a 1\nb 1\n");
  }
  CHECK(f.Scrape("a 5\nb 1\n").repeated == 0);
  CHECK(f.Stored() == "a 5\nb 1\n");
}

TEST_CASE("of several lines that are one series the first value counts", "[scrape]") {
  AppenderFixture f;
  for (int i = 0; i < 3; ++i) {
    const auto outcome = f.Scrape("b 1\na{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 5\n");
    MustSucceed(outcome.status);
    CHECK(outcome.repeated == 1);
    CHECK(outcome.kept == 3);
    CHECK(f.Stored() == "a{x=\"1\", y=\"2\"} 1\nb 1\n");
  }
  AppenderFixture late;
  const std::string page = "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 5\n";
  CHECK_FALSE(late.Scrape(page + "}\n").status.has_value());
  MustSucceed(late.Scrape(page).status);
  CHECK(late.Stored() == "a{x=\"1\", y=\"2\"} 1\n");

  MustSucceed(f.Scrape("b 1\na{y=\"2\",x=\"1\"} 5\n").status);
  CHECK(f.Stored() == "a{x=\"1\", y=\"2\"} 5\nb 1\n");
  MustSucceed(f.Scrape("a{y=\"2\",x=\"1\"} 4\nb 1\na{x=\"1\",y=\"2\"} 9\n").status);
  CHECK(f.Stored() == "a{x=\"1\", y=\"2\"} 4\nb 1\n");

  RelabelConfig drop = RelabelRule(RelabelAction::kLabelDrop, {}, "x");
  f.job.metric_relabel_configs = {drop};
  f.appender().Reset();
  MustSucceed(
      f.Scrape("# TYPE h histogram\nh_bucket{le=\"1\",x=\"1\"} 3\nh_bucket{le=\"1.0\"} 7\nc{x=\"2\"} 2\nc 1\n").status);
  CHECK(f.Stored() == "a{x=\"1\", y=\"2\"} stale\nb stale\nc 2\nh_bucket{le=\"1.0\"} 3\n");
}

TEST_CASE("times in lines are honoured, get no markers, and may not lie far ahead", "[scrape]") {
  AppenderFixture f;
  const TimeMs past = f.clock().Now();
  const auto ahead = f.clock().Now() + std::chrono::minutes(11);
  const std::string body = fmt::format("a 1 {}\nb 2\nfar 3 {}\n", past.ms, ahead.ms);
  MustSucceed(f.Scrape(body).status);
  CHECK(f.Stored(past) == "a 1\n");
  CHECK(f.Stored() == "b 2\n");
  CHECK(f.Stored(ahead).empty());
  MustSucceed(f.Scrape("b 3\n").status);
  CHECK(f.Stored() == "b 3\n");

  f.job.honor_timestamps = false;
  MustSucceed(f.Scrape(body).status);
  CHECK(f.Stored() == "a 1\nb 2\nfar 3\n");
}

TEST_CASE("labels of the target win, unless the job honours what is exposed", "[scrape]") {
  AppenderFixture f;
  MustSucceed(f.Scrape("a{job=\"x\",instance=\"y\",exported_job=\"z\"} 1\n").status);
  CHECK(f.Stored() == "a{exported_exported_job=\"x\", exported_instance=\"y\", exported_job=\"z\"} 1\n");
  f.job.honor_labels = true;
  f.target.labels = {{"instance", "k"}, {"job", "j"}};
  f.appender().Reset();
  MustSucceed(f.Scrape("a{instance=\"y\"} 1\nb{instance=\"\"} 1\nc 1\n").status);
  CHECK(f.Stored() ==
        "a{exported_exported_job=\"x\", exported_instance=\"y\", exported_job=\"z\"} stale\na{instance=\"y\"} 1\n"
        "b 1\nc{instance=\"k\"} 1\n");
}

TEST_CASE("metric relabelling drops and renames; limits refuse the whole scrape", "[scrape]") {
  AppenderFixture f;
  f.job.metric_relabel_configs = {RelabelRule(RelabelAction::kDrop, {"__name__"}, "b.*")};
  const auto outcome = f.Scrape("a 1\nb1 1\nb2 1\n");
  CHECK(outcome.scraped == 3);
  CHECK(outcome.kept == 1);
  CHECK(f.Stored() == "a 1\n");

  f.job.sample_limit = 1;
  MustSucceed(f.Scrape("a 1\nb1 1\n").status);
  CHECK(f.Scrape("a 1\nc 1\n").status.error().message == "sample limit exceeded (2 samples, limit: 1)");
  CHECK(f.Stored() == "a stale\n");
  // What is beyond the limit is counted, as in Prometheus, and leaves nothing behind.
  const std::size_t series = f.store().Stats(1).head_series;
  std::string page = "a 1\n";
  for (int i = 0; i < 100; ++i) page += fmt::format("new{{i=\"{}\"}} 1\nb{{i=\"{}\"}} 1\n", i, i);
  const auto beyond = f.Scrape(page);
  CHECK(beyond.status.error().message == "sample limit exceeded (101 samples, limit: 1)");
  CHECK(beyond.scraped == 201);
  CHECK(beyond.added == 0);
  CHECK(f.store().Stats(1).head_series == series);

  f.job.sample_limit = 0;
  f.job.label_limit = 4;
  CHECK(f.Scrape("l{a=\"1\",b=\"2\"} 1\n").status.error().message ==
        "label_limit exceeded (metric: l, number of labels: 5, limit: 4)");
  f.job.label_limit = 0;
  f.job.label_value_length_limit = 3;
  CHECK(f.Scrape("l{a=\"1234\"} 1\n").status.error().message ==
        "label_value_length_limit exceeded (metric: l, label name: a, value: \"1234\", length: 4, limit: 3)");
  f.job.label_value_length_limit = 0;
  f.job.metric_name_validation_scheme = NameValidation::kLegacy;
  CHECK_THAT(f.Scrape("{\"my.metric\"} 1\n").status.error().message,
             Catch::Matchers::StartsWith("invalid metric name or label names"));
}

TEST_CASE("a target that goes leaves markers, also on its reports", "[scrape]") {
  AppenderFixture f;
  MustSucceed(f.Scrape("a 1\n").status);
  f.clock().Advance(std::chrono::seconds(1));
  MustSucceed(f.appender().End(f.target, f.clock().Now()));
  CHECK(f.Stored() == "a stale\n");
  CHECK(f.Stored({}, true).find("up stale") != std::string::npos);
}

TEST_CASE("the size of a body is told when there was one", "[scrape]") {
  AppenderFixture f;
  f.job.extra_scrape_metrics = true;
  const auto size = [&] {
    const std::string reports = f.Stored({}, true);
    const auto at = reports.find("scrape_body_size_bytes ");
    return reports.substr(at + 23, reports.find('\n', at) - at - 23);
  };
  MustSucceed(f.Scrape("a 1\n").status);
  CHECK(size() == "4");
  f.Scrape("a\n");
  CHECK(size() == "2");
  f.Fail(vedette::Fail(Code::kTimeout, "no answer"));
  CHECK(size() == "0");
  f.Fail(vedette::Fail(Code::kLimit, "body size limit exceeded"));
  CHECK(size() == "-1");
  f.clock().Advance(std::chrono::seconds(10));
  const ScrapeBody page{.text = "<html>", .readable = vedette::Fail(Code::kBadData, "text/html")};
  CHECK(f.appender().Store(f.job, f.target, f.clock().Now(), 0.25, page).status.error().message == "text/html");
  CHECK(size() == "6");
}

TEST_CASE("what a target says about its metrics is in the store, with the time of each change", "[scrape]") {
  AppenderFixture f;
  const char* const text = "# TYPE a gauge\n# HELP a first\na 1\n";
  MustSucceed(f.Scrape(text).status);
  MustSucceed(f.Scrape(text).status);
  MustSucceed(f.Scrape("# TYPE a gauge\n# HELP a second\na 1\n").status);
  f.clock().Advance(std::chrono::seconds(1));
  MustSucceed(f.appender().End(f.target, f.clock().Now()));
  CHECK(f.Metadata() == "a gauge first 20s\na gauge second 1s\n");
}

TEST_CASE("a help text has the escapes of its format", "[scrape]") {
  AppenderFixture f;
  MustSucceed(f.Scrape("# HELP a b\\\\c\\nd\\\"\na 1\n").status);
  CHECK(f.appender().metadata().Get("a").at(0)->help == "b\\c\nd\\\"");
  AppenderFixture o;
  MustSucceed(o.Scrape("# HELP a b\\\\c\\nd\\\"\na 1\n# EOF\n", ExpositionFormat::kOpenMetrics).status);
  CHECK(o.appender().metadata().Get("a").at(0)->help == "b\\c\nd\"");
}

TEST_CASE("exemplars are stored once for as long as a target shows them", "[scrape]") {
  AppenderFixture f;
  const std::string_view text =
      "a_bucket{le=\"1\"} 1 # {trace_id=\"x,\\\"y\\\"}\",span=\"s\"} 0.5 1699999990.25\nb_total 2 # {} 3\n# EOF\n";
  for (int i = 0; i < 3; ++i) MustSucceed(f.Scrape(text, ExpositionFormat::kOpenMetrics).status);
  CHECK(f.Exemplars() == "a_bucket {span=\"s\", trace_id=\"x,\\\"y\\\"}\"} 0.5 -39\nb_total {} 3 -20\n");
  MustSucceed(f.Scrape("b_total 3 # {} 4\n# EOF\n", ExpositionFormat::kOpenMetrics).status);
  // Neither of these is an exemplar that can be stored; the sample is taken.
  MustSucceed(f.Scrape("b_total 4 # {a=\"1\",a=\"2\"} 4\n# EOF\n", ExpositionFormat::kOpenMetrics).status);
  const std::string long_one = "b_total 5 # {a=\"" + std::string(200, 'x') + "\"} 4\n# EOF\n";
  MustSucceed(f.Scrape(long_one, ExpositionFormat::kOpenMetrics).status);
  CHECK(f.Exemplars() ==
        "a_bucket {span=\"s\", trace_id=\"x,\\\"y\\\"}\"} 0.5 -69\nb_total {} 3 -50\nb_total {} 4 -20\n");
  CHECK(f.Stored() == "b_total 5\n");
}

TEST_CASE("scrapes in any order of lines equal a plain reading", "[scrape]") {
  AppenderFixture f;
  std::uint32_t state = 12345;  // a fixed sequence: failures repeat
  const auto random = [&](std::uint32_t below) { return (state = state * 1664525 + 1013904223) / 65536 % below; };
  std::map<std::string, int> before;
  for (int round = 0; round < 200; ++round) {
    std::map<std::string, int> now;
    std::string body;
    const std::uint32_t lines = random(12);
    for (std::uint32_t i = 0; i < lines; ++i) {
      const std::string name = fmt::format("m{{k=\"{}\"}}", random(10));
      if (random(4) == 0) body += fmt::format("# HELP m {}\n", random(3));
      if (random(8) == 0) body += "\n";
      body += fmt::format("{} {}\n", name, round);
      now.emplace(name, round);
    }
    MustSucceed(f.Scrape(body).status);
    std::string want;
    std::map<std::string, int> all = before;
    all.insert(now.begin(), now.end());
    for (const auto& [name, value] : all) {
      want += now.count(name) > 0 ? fmt::format("{} {}\n", name, round) : name + " stale\n";
    }
    INFO("round " << round << "\n" << body);
    REQUIRE(f.Stored() == want);
    before = now;
  }
}

}  // namespace vedette::collector
