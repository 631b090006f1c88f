// What scripts cannot say: limits, time-outs, the queue, both ways of dropping names, ranges against instants.
#include <atomic>
#include <latch>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <prometheus/registry.h>

#include "analytics/promql/engine.h"
#include "analytics/promql/eval_value.h"
#include "core/histogram.h"
#include "core/json_log.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace vedette::promql {

namespace {

/// A store with an engine on it; times count from the epoch.
struct Bed {
  explicit Bed(const EngineOptions& options = {}) {
    storage::StorageOptions storage_options;
    storage_options.retention = Millis(0);
    store = storage::NewMemoryStorage(storage_options, clock);
    engine = std::make_unique<Engine>(*store, options, clock, registry);
  }

  void Put(const Labels& labels, std::int64_t seconds, double value) {
    const auto appender = store->NewAppender();
    appender->Add(MustHave(appender->Series(labels)), TimeMs::FromSeconds(seconds), value);
    MustHave(appender->Commit());
  }
  Result<QueryOutcome> At(std::string_view query, std::int64_t seconds, const QueryOptions& options = {}) const {
    return engine->Instant(query, TimeMs::FromSeconds(seconds), options);
  }
  Result<QueryOutcome> Between(std::string_view query, std::int64_t from, std::int64_t to, std::int64_t step) const {
    return engine->Range(query, TimeMs::FromSeconds(from), TimeMs::FromSeconds(to), Millis(step * 1000));
  }

  test::FakeClock clock;
  prometheus::Registry registry;
  std::unique_ptr<storage::Storage> store;
  std::unique_ptr<Engine> engine;
};

EngineOptions EverythingOn() {
  EngineOptions options;
  options.parser = {.experimental_functions = true,
                    .extended_range_selectors = true,
                    .binop_fill_modifiers = true,
                    .duration_expressions = true};
  return options;
}

/// label text -> "time:value" list
std::map<std::string, std::string> Flat(const QueryValue& value) {
  std::map<std::string, std::string> flat;
  for (const ResultSeries& series : value.series) {
    for (const Point& point : series.points) {
      flat[series.labels.ToString()] += fmt::format("{}:{} ", point.time_ms / 1000, FormatSampleValue(point.value));
    }
  }
  return flat;
}

void FillRandomly(Bed& bed, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> dice(0, 99);
  for (const char* name : {"a_total", "b_total", "le_bucket"}) {
    for (int i = 0; i < 4; ++i) {
      const std::string host = std::to_string(i % 2), bound = i < 2 ? "1" : "+Inf";
      const Labels labels = {{"__name__", name}, {"host", host}, {"le", bound}};
      double value = 0;
      for (int t = 0; t < 1800; t += 15) {
        const int what = dice(random);
        value = what < 3 ? 0 : value + what % 5;
        if (what >= 20 && what < 30) continue;
        bed.Put(labels, t, what == 40 ? StaleNan() : what == 41 ? NormalNan() : value);
      }
    }
  }
}

}  // namespace

TEST_CASE("the absent marker survives being stored and copied", "[promql]") {
  std::vector<double> values(3, Absent());
  const std::vector<double> copy = values;
  CHECK(IsAbsent(copy[1]));
  CHECK(IsAbsent(StaleNan()));
  CHECK_FALSE(IsAbsent(NormalNan()));
  CHECK_FALSE(IsAbsent(Absent() + 1));
}

TEST_CASE("a range query is the instant query at each of its steps", "[promql]") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  Bed bed(EverythingOn());
  FillRandomly(bed, seed);
  const std::string query = GENERATE(
      as<std::string>(), "a_total", "a_total offset 1m", "a_total @ 600", "rate(a_total[2m])",
      "sum by (host) (a_total)", "avg({__name__=~'.+_total'}) without (host)", "a_total > b_total", "a_total > bool 20",
      "a_total / on (host, le) group_left b_total", "a_total and b_total > 100", "a_total or b_total",
      "a_total unless (b_total > 50)", "max_over_time(sum(a_total)[3m:30s])", "sum_over_time(a_total[5m:])",
      "histogram_quantile(0.7, rate(le_bucket[3m]))", "absent(a_total > 100)", "topk(2, a_total)",
      "quantile(0.4, b_total)", "count_values('v', a_total % 3)", "label_replace(a_total, 'h', 'x$1', 'host', '(.*)')",
      "predict_linear(a_total[4m], 60)", "scalar(a_total{host='0', le='1'}) + time()", "-a_total",
      "stddev_over_time(a_total[10m])", "timestamp(a_total)", "clamp(a_total, 5, scalar(b_total{host='1', le='1'}))",
      "minute() + a_total", "absent_over_time(a_total{host='0', le='1'}[20s])", "limitk(1, a_total) by (host)",
      "increase(a_total[1m] smoothed)", "delta(a_total[1m] anchored)", "a_total smoothed",
      "a_total + fill(0) (b_total > 30)");
  const auto range = MustHave(bed.Between(query, 0, 2000, 50));
  std::map<std::string, std::string> joined;
  for (int t = 0; t <= 2000; t += 50) {
    for (const auto& [labels, points] : Flat(MustHave(bed.At(query, t)).value)) joined[labels] += points;
  }
  INFO(query);
  CHECK(Flat(range.value) == joined);
}

TEST_CASE("equal series that never meet become one, others are an error", "[promql]") {
  EngineOptions options;
  options.delayed_name_removal = GENERATE(false, true);
  Bed bed(options);
  bed.Put({{"__name__", "x"}, {"job", "a"}}, 0, 1);
  bed.Put({{"__name__", "y"}, {"job", "a"}}, 600, 2);
  const auto flat = Flat(MustHave(bed.Between("-{job='a'}", 0, 600, 600)).value);
  CHECK(flat == std::map<std::string, std::string>{{"{job=\"a\"}", "0:-1 600:-2 "}});

  bed.Put({{"__name__", "x"}, {"job", "a"}}, 600, 3);
  const auto failed = bed.Between("abs({job='a'})", 0, 600, 600);
  REQUIRE(!failed);
  CHECK(failed.error().code == Code::kExecution);
  CHECK(failed.error().message == "vector cannot contain metrics with the same labelset");
}

TEST_CASE("functions of ranges refuse series that become equal even where they never meet", "[promql]") {
  Bed bed;
  bed.Put({{kMetricName, "early"}, {"job", "a"}}, 60, 1);
  bed.Put({{kMetricName, "late"}, {"job", "a"}}, 600, 2);
  const auto outcome = bed.Between("max_over_time({job=\"a\"}[1m])", 60, 600, 540);
  REQUIRE(outcome.has_error());
  CHECK(outcome.error().message == "vector cannot contain metrics with the same labelset");
  CHECK(bed.Between("abs({job=\"a\"})", 60, 600, 540).has_value());
}

TEST_CASE("a name that is dropped at the end can be saved before", "[promql]") {
  const std::string query = "label_replace(abs(x), 'kept', '$1', '__name__', '(.*)')";
  EngineOptions options;
  const bool delayed = GENERATE(false, true);
  options.delayed_name_removal = delayed;
  Bed bed(options);
  bed.Put({{"__name__", "x"}, {"__type__", "gauge"}, {"job", "a"}}, 0, -1);
  const auto value = MustHave(bed.At(query, 0)).value;
  REQUIRE(value.series.size() == 1);
  CHECK(value.series[0].labels.ToString() == (delayed ? "{job=\"a\", kept=\"x\"}" : "{job=\"a\"}"));
}

TEST_CASE("a query that needs too many samples fails early", "[promql]") {
  EngineOptions options;
  options.max_samples = 100;
  Bed bed(options);
  for (int i = 0; i < 30; ++i) bed.Put({{"__name__", "x"}, {"i", std::to_string(i)}}, 0, i);
  CHECK(MustHave(bed.At("x", 0)).stats.peak_samples >= 30);
  for (const auto& failed : {bed.Between("x", 0, 40, 10), bed.Between("1", 0, 1000, 1), bed.At("x[1d:1s]", 0),
                             bed.At("sum_over_time(x[100y:1ms])", 0)}) {
    REQUIRE(!failed);
    CHECK(failed.error().code == Code::kLimit);
    CHECK(failed.error().message == "query processing would load too many samples into memory in query execution");
  }
}

TEST_CASE("bad queries are refused before they run", "[promql]") {
  const Bed bed;
  CHECK(bed.At("sum(", 0).error().code == Code::kBadData);
  CHECK(bed.Between("x[5m]", 0, 10, 1).error().message ==
        "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector");
  CHECK(bed.Between("'text'", 0, 10, 1).error().code == Code::kBadData);
  CHECK(bed.Between("x", 0, 10, 0).error().code == Code::kBadData);
  CHECK(MustHave(bed.Between("x", 10, 0, 1)).value.series.empty());
}

TEST_CASE("times at the ends of the calendar do not overflow", "[promql]") {
  Bed bed;
  bed.Put({{"__name__", "x"}}, 0, 1);
  for (const TimeMs time : {TimeMs::Min(), TimeMs::Max()}) {
    for (const char* query : {"x", "x offset 1y", "x offset -1y", "rate(x[1y])", "max_over_time(x[1h:1m])", "time()",
                              "hour()", "timestamp(x)"}) {
      INFO(query);
      CHECK(bed.engine->Instant(query, time).has_value());
    }
  }
}

TEST_CASE("a query ends when its time is over or its caller is gone", "[promql]") {
  Bed bed;
  QueryOptions none;
  none.timeout = Millis(0);
  const auto late = bed.At("1", 0, none);
  REQUIRE(!late);
  CHECK(late.error().code == Code::kTimeout);
  std::stop_source gone;
  gone.request_stop();
  QueryOptions left;
  left.stop = gone.get_token();
  const auto canceled = bed.At("1", 0, left);
  REQUIRE(!canceled);
  CHECK(canceled.error().code == Code::kCanceled);
}

TEST_CASE("annotations name their place in the query", "[promql]") {
  Bed bed;
  for (int t = 0; t < 100; t += 10) bed.Put({{"__name__", "speed"}, {"le", "x"}}, t, t);
  const auto notes = MustHave(bed.At("1 +\n  rate(speed[1m])", 60)).notes;
  CHECK(notes.infos == std::vector<std::string>{"PromQL info: metric might not be a counter, name does not end in "
                                                "_total/_sum/_count/_bucket: \"speed\" (2:8)"});
  CHECK(MustHave(bed.Between("sort(speed)", 0, 60, 30)).notes.warnings ==
        std::vector<std::string>{"PromQL warning: sort is ineffective for range queries since results are always "
                                 "ordered by labels (1:1)"});
  CHECK(MustHave(bed.At("quantile_over_time(1.5, speed[1m])", 60)).notes.warnings ==
        std::vector<std::string>{"PromQL warning: quantile value should be between 0 and 1, got 1.5 (1:20)"});
}

TEST_CASE("what a function made has no name, also for the notes of an aggregation", "[promql]") {
  Bed bed;
  const auto appender = bed.store->NewAppender();
  for (const bool custom : {false, true}) {
    auto layout = std::make_shared<HistogramLayout>();
    layout->positive = {0, 1};
    if (custom) layout->schema = HistogramLayout::kCustomSchema, layout->bounds = {1, 2};
    Histogram histogram;
    histogram.counts = {1, 1};
    histogram.count = histogram.sum = 2;
    histogram.layout = std::move(layout);
    const auto id = MustHave(appender->Series({{"__name__", "kinds"}, {"custom", custom ? "yes" : "no"}}));
    for (int t = 0; t < 100; t += 10) appender->AddHistogram(id, TimeMs::FromSeconds(t), histogram);
  }
  MustHave(appender->Commit());
  CHECK(MustHave(bed.At("sum(irate(kinds[1m]))", 60)).notes.warnings ==
        std::vector<std::string>{"PromQL warning: vector contains a mix of histograms with exponential and custom "
                                 "buckets schemas for metric name \"\" (1:5)"});
}

TEST_CASE("answers do not depend on the number of threads", "[promql]") {
  constexpr int kSeries = 150, kSamples = 40, kSteps = 20;
  EngineOptions alone = EverythingOn(), together = alone;
  alone.threads = 1;
  together.threads = 4;
  Bed bed(alone);
  for (int i = 0; i < kSeries; ++i) {
    const auto appender = bed.store->NewAppender();
    // Labels in another order than numbers.
    const Labels labels = {{"__name__", i % 3 == 0 ? "a" : "b_total"}, {"i", std::to_string(i * 7919 % kSeries)}};
    const storage::SeriesId id = MustHave(appender->Series(labels));
    for (int t = 0; t < (i % 10 == 9 ? 1 : kSamples); ++t) appender->Add(id, TimeMs::FromSeconds(t * 15), i + 0.1 * t);
    MustHave(appender->Commit());
  }
  // Line by line in the order of the answer.
  const auto text = [](const QueryOutcome& outcome) {
    std::vector<std::string> lines;
    for (const ResultSeries& series : outcome.value.series) {
      lines.push_back(series.labels.ToString());
      for (const Point& point : series.points) lines.back() += fmt::format(" {}:{:a}", point.time_ms, point.value);
    }
    lines.insert(lines.end(), outcome.notes.infos.begin(), outcome.notes.infos.end());
    return lines;
  };
  const auto over_all = [](const Engine& engine, std::string_view query) {
    return engine.Range(query, TimeMs(0), TimeMs::FromSeconds((kSteps - 1) * 30), Millis(30'000));
  };
  prometheus::Registry registry;
  const Engine threads(*bed.store, together, bed.clock, registry);
  for (const std::string_view query : {"{i=~'.+'}", "rate({i=~'.+'}[2m])", "sum(rate({i=~'.+'}[2m]))",
                                       "stddev by (__name__) (b_total)", "timestamp(a)"}) {
    INFO(query);
    for (const std::int64_t at : {300, 585}) {
      const auto expected = MustHave(bed.At(query, at)),
                 got = MustHave(threads.Instant(query, TimeMs::FromSeconds(at)));
      CHECK(text(got) == text(expected));
      CHECK(got.stats.samples_read == expected.stats.samples_read);
    }
    CHECK(text(MustHave(over_all(threads, query))) == text(MustHave(over_all(*bed.engine, query))));
  }

  // Rows that came from several threads are charged once.
  constexpr std::string_view kAll = "last_over_time({i=~'.+'}[2m])";
  together.max_samples = kSeries * kSteps + 4 * kSamples;
  prometheus::Registry tight_registry;
  MustHave(over_all(Engine(*bed.store, together, bed.clock, tight_registry), kAll));
  together.max_samples = kSeries * kSteps / 2;
  prometheus::Registry tighter_registry;
  CHECK(over_all(Engine(*bed.store, together, bed.clock, tighter_registry), kAll).error().code == Code::kLimit);
}

TEST_CASE("queries beyond the allowed number wait for their turn", "[promql]") {
  EngineOptions options;
  options.max_concurrency = 2;
  Bed bed(options);
  for (int t = 0; t < 600; t += 10) bed.Put({{"__name__", "x"}}, t, t);
  constexpr int kThreads = 8;
  std::latch start(kThreads);
  std::atomic<int> succeeded = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (int n = 0; n < 20; ++n) succeeded += bed.Between("sum(rate(x[1m]))", 0, 600, 10).has_value() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(succeeded == kThreads * 20);
}

TEST_CASE("queries are written down when they are over", "[promql][query_log]") {
  const test::TempDir directory;
  const std::string path = directory.Sub("q.log");
  Bed bed;
  bed.Put(Labels{{"__name__", "m"}}, 10, 1);
  bed.engine->SetQueryLog(MustHave(JsonLog::Open(path)));
  QueryOptions options;
  options.origin = R"("httpRequest":{"path":"/q"})";
  CHECK(bed.At("m", 10, options).has_value());
  CHECK(bed.Between("m+1", 10, 70, 30).has_value());
  CHECK_FALSE(bed.At("m(", 10).has_value());  // is no query
  CHECK_FALSE(bed.At(R"(label_replace(m, "a", "b", "c", "("))", 10).has_value());
  const ExprPtr expr = MustHave(ParseExpr("m+1", {}));
  CHECK(bed.engine->Instant(*expr, TimeMs(0)).has_value());
  bed.engine->SetQueryLog(nullptr);  // the file is closed: everything is in it
  CHECK(bed.At("m", 10).has_value());

  std::istringstream text(test::ReadFile(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  REQUIRE(lines.size() == 4);
  const auto has = [&](std::size_t i, std::string_view part) { return lines[i].find(part) != std::string::npos; };
  CHECK(has(0, R"("msg":"promql query logged","params":{"end":"1970-01-01T00:00:10.000Z","query":"m",)"
               R"("start":"1970-01-01T00:00:10.000Z","step":0},"stats":{"timings":{"evalTotalTime":)"));
  CHECK(has(0, R"("samples":{"totalQueryableSamples":1,"peakSamples":)"));
  CHECK(has(0, R"(,"httpRequest":{"path":"/q"}})"));
  CHECK(has(
      1, R"("params":{"end":"1970-01-01T00:01:10.000Z","query":"m+1","start":"1970-01-01T00:00:10.000Z","step":30})"));
  CHECK(has(2, R"("error":"invalid regular expression in label_replace)"));
  CHECK(has(3, R"("query":"m + 1")"));
}

}  // namespace vedette::promql
