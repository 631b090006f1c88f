// Results that are kept: whatever happens to the data between two refreshes, the answer is that of an evaluation.
#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <prometheus/registry.h>

#include "analytics/promql/engine.h"
#include "analytics/promql/query_profile.h"
#include "analytics/promql/result_cache.h"
#include "analytics/promql/step_wise.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/effort.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::promql {

namespace {

EngineOptions CacheTestOptions(std::size_t bytes = 1 << 20) {
  EngineOptions options;
  options.parser = {.experimental_functions = true,
                    .extended_range_selectors = true,
                    .binop_fill_modifiers = true,
                    .duration_expressions = true};
  options.result_cache_bytes = bytes;
  return options;
}

/// But for the last digits.
bool Alike(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= 1e-11 * std::max(std::abs(a), std::abs(b));
}

std::string Difference(const Result<QueryOutcome>& got, const Result<QueryOutcome>& want) {
  if (!got || !want) {
    const std::string a = got ? "a result" : got.error().message, b = want ? "a result" : want.error().message;
    return a == b ? "" : fmt::format("{} instead of {}", a, b);
  }
  const auto notes = [](const QueryOutcome& outcome) {
    std::vector<std::string> all = outcome.notes.warnings;
    all.insert(all.end(), outcome.notes.infos.begin(), outcome.notes.infos.end());
    return fmt::format("{}", fmt::join(all, "; "));
  };
  if (notes(*got) != notes(*want)) return fmt::format("notes {} instead of {}", notes(*got), notes(*want));
  const auto& a = got->value.series;
  const auto& b = want->value.series;
  if (a.size() != b.size()) return fmt::format("{} series instead of {}", a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::string name = b[i].labels.ToString();
    if (a[i].labels != b[i].labels) return fmt::format("{} instead of {}", a[i].labels.ToString(), name);
    if (a[i].points.size() != b[i].points.size() || a[i].histograms.size() != b[i].histograms.size()) {
      return fmt::format("{} points of {} instead of {}", a[i].points.size(), name, b[i].points.size());
    }
    for (std::size_t k = 0; k < a[i].points.size(); ++k) {
      const Point &x = a[i].points[k], &y = b[i].points[k];
      if (x.time_ms == y.time_ms && Alike(x.value, y.value)) continue;
      return fmt::format("{} at {} instead of {} at {} of {}", x.value, x.time_ms, y.value, y.time_ms, name);
    }
    for (std::size_t k = 0; k < a[i].histograms.size(); ++k) {
      if (a[i].histograms[k].time_ms != b[i].histograms[k].time_ms) return "histograms at other times of " + name;
    }
  }
  return {};
}

/// Dashboards on a store to which everything happens that may happen.
template <class Store>
class World {
 public:
  World(Store& store, test::FakeClock& clock, unsigned seed, const EngineOptions& options)
      : store_(store), clock_(clock), random_(seed), engine_(store, options, clock, registry_) {
    for (int i = 0; i < 6; ++i) AddSeries();
    for (int i = 0; i < 60; ++i) Scrape(clock_.Now() - Millis(15'000 * (60 - i)));
  }

  /// Something changes, mostly what is new.
  void Change() {
    clock_.Advance(Millis(Pick(20'000)));
    const TimeMs now = clock_.Now();
    switch (Pick(40)) {
      case 0:
        return AddSeries();
      case 1:  // late
        return Write(now - Millis(Pick(1'500'000)), Pick(static_cast<int>(series_.size())));
      case 2:  // late, many
        return Scrape(now - Millis(Pick(100'000)));
      case 3:
        return MustSucceed(store_.Delete(std::vector{MustHave(Matcher::Create(MatchOp::kEqual, "host", Host()))},
                                         {now - Millis(Pick(1'000'000)), now - Millis(Pick(1'000'000))}));
      case 4:
        return Import(now - Millis(Pick(2'000'000)));
      case 5:
        if (Pick(4) == 0) MustSucceed(store_.Flush());
        return;
      case 6:
        if (Pick(3) == 0) WriteHistogram(now - Millis(Pick(30'000)));
        return;
      default:
        return Scrape(now);
    }
  }

  void Ask() {
    static const std::vector<std::string> kQueries = {"a_total",
                                                      "rate(a_total[2m])",
                                                      "sum by (host) (rate(a_total[90s]))",
                                                      "sum(increase(a_total[1m])) / sum(b)",
                                                      "avg_over_time(b[3m])",
                                                      "max_over_time(b[1m] offset 2m)",
                                                      "b offset -45s",
                                                      "topk(2, b)",
                                                      "topk(2, sum by (host) (b))",
                                                      "limitk(1, b)",
                                                      "bottomk by (host) (1, rate(a_total[1m]))",
                                                      "quantile(0.5, b) without (zone)",
                                                      "count_values('v', b)",
                                                      "b > 20",
                                                      "b and a_total",
                                                      "a_total or b",
                                                      "-b",
                                                      "absent(b{host='2'})",
                                                      "absent_over_time(b{host='1'}[30s])",
                                                      "scalar(b{host='0', zone='0'}) + time()",
                                                      "sum_over_time((b > 10)[2m:20s])",
                                                      "rate(b[1m])",
                                                      "a_total @ end()",
                                                      "rate(a_total[1m] @ start())",
                                                      "a_total smoothed",
                                                      "increase(a_total[1m] anchored)",
                                                      "rate(a_total[1m] smoothed)",
                                                      "histogram_quantile(0.9, sum by (le) (rate(le_bucket[2m])))",
                                                      "label_replace(b, 'x', '$1', 'host', '(.*)')",
                                                      "{__name__=~'a_total|b'}",
                                                      "rate({__name__=~'a_total|b'}[1m])",
                                                      "h",
                                                      "histogram_count(rate(h[2m]))",
                                                      "b{zone='0'} + on (host) group_left a_total",
                                                      "b + fill(0) (a_total > 100)",
                                                      "sort(b)",
                                                      "avg(sum by (host)(b))",
                                                      "stddev_over_time(b[5m])",
                                                      "timestamp(b)",
                                                      "increase(a_total[range() / 4])",
                                                      "delta(b[step() * 3])",
                                                      "quantile_over_time(1.5, b[1m])",
                                                      "count(b) by (zone) > 1 or vector(0)",
                                                      "day_of_month() + vector(time())",
                                                      "last_over_time(b[2m])",
                                                      "typed",
                                                      "rate(typed[2m])",
                                                      "changes(b[4m]) * 2",
                                                      "deriv(b[4m])",
                                                      "limit_ratio(0.5, b)",
                                                      "predict_linear(b[4m], 60)",
                                                      "group by (zone) (b)",
                                                      "1 + 2"};
    const std::string& query = kQueries[static_cast<std::size_t>(Pick(static_cast<int>(kQueries.size())))];
    const Millis step(Pick(8) == 0 ? 15'000 : 20'000), range(Pick(8) == 0 ? 300'000 : 600'000);
    std::int64_t end = clock_.Now().ms;
    if (Pick(8) != 0) end -= end % step.count();
    if (Pick(10) == 0) end -= Pick(20) * step.count();
    if (Pick(10) == 0) end += Pick(5) * step.count();
    std::int64_t start = end - range.count();
    if (Pick(4) == 0) start -= step.count();
    QueryOptions with, without;
    with.use_cache = true;
    if (Pick(10) == 0) with.lookback = without.lookback = Millis(60'000);
    const auto got = engine_.Range(query, TimeMs(start), TimeMs(end), step, with);
    const auto want = engine_.Range(query, TimeMs(start), TimeMs(end), step, without);
    INFO(query << " from " << start << " to " << end << " by " << step.count());
    if (got) INFO(got->cache->kept_steps << " of " << got->cache->steps << " steps were kept");
    const std::string difference = Difference(got, want);
    CHECK(difference == "");
    if (!got) return;
    steps_ += got->cache->steps;
    kept_steps_ += got->cache->kept_steps;
  }

  std::size_t steps() const { return steps_; }
  std::size_t kept_steps() const { return kept_steps_; }

 private:
  struct Series {
    Labels labels;
    double value = 0;
  };

  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string Host() { return std::to_string(Pick(3)); }

  void AddSeries() {
    static const std::vector<std::string> kNames = {"a_total", "b", "b", "le_bucket", "typed"};
    const std::string name = kNames[static_cast<std::size_t>(Pick(static_cast<int>(kNames.size())))];
    LabelsBuilder builder;
    builder.Set("__name__", name).Set("host", Host()).Set("zone", std::to_string(Pick(2)));
    if (name == "le_bucket") builder.Set("le", Pick(2) == 0 ? "1" : "+Inf");
    if (name == "typed" && Pick(4) == 0) builder.Set("__type__", "gauge");
    const Labels labels = builder.Build();
    if (std::ranges::find(series_, labels, &Series::labels) == series_.end()) series_.push_back({labels, 0});
  }

  double Next(Series& series) {
    const int what = Pick(40);
    if (what == 0) return series.value = 0;
    if (what == 1) return StaleNan();
    if (what == 2) return NormalNan();
    return series.value += Pick(8);
  }

  void Write(TimeMs time, int which) {
    Series& series = series_[static_cast<std::size_t>(which)];
    const auto appender = store_.NewAppender();
    appender->Add(MustHave(appender->Series(series.labels)), time, Next(series));
    (void)MustHave(appender->Commit());
  }

  void Scrape(TimeMs time) {
    const auto appender = store_.NewAppender();
    for (Series& series : series_) {
      if (Pick(10) != 0) appender->Add(MustHave(appender->Series(series.labels)), time, Next(series));
    }
    (void)MustHave(appender->Commit());
  }

  void Import(TimeMs time) {
    const auto writer = store_.NewBulkWriter();
    Series& series = series_[static_cast<std::size_t>(Pick(static_cast<int>(series_.size())))];
    storage::Columns samples;
    for (int i = 0; i < 3; ++i) {
      samples.times.push_back(time.ms + i * 1000);
      samples.values.push_back(Next(series));
    }
    MustSucceed(writer->Add(MustHave(writer->Series(series.labels)), samples));
    (void)MustHave(writer->Flush());
  }

  void WriteHistogram(TimeMs time) {
    Histogram histogram;
    histogram.layout = std::make_shared<const HistogramLayout>();
    histogram.count = histogram.sum = histogram_count_ += Pick(5);
    histogram.zero_count = histogram.count;
    const auto appender = store_.NewAppender();
    const Labels labels{{"__name__", Pick(5) == 0 ? "b" : "h"}, {"host", "0"}, {"zone", "0"}};
    appender->AddHistogram(MustHave(appender->Series(labels)), time, histogram);
    (void)MustHave(appender->Commit());
  }

  Store& store_;
  test::FakeClock& clock_;
  std::mt19937 random_;
  prometheus::Registry registry_;
  Engine engine_;
  std::vector<Series> series_;
  double histogram_count_ = 0;
  std::size_t steps_ = 0, kept_steps_ = 0;
};

template <class Store>
void Refresh(Store& store, test::FakeClock& clock, const EngineOptions& options, bool expect_use) {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  World<Store> world(store, clock, seed, options);
  const int rounds = test::Repetitions(400, 150);
  for (int i = 0; i < rounds; ++i) {
    for (int n = 0; n < 2; ++n) world.Change();
    for (int n = 0; n < 20; ++n) world.Ask();
  }
  INFO(world.kept_steps() << " of " << world.steps() << " steps were kept");
  if (expect_use) CHECK(world.kept_steps() * 10 > world.steps());
}

/// A counter every 15 s up to `now`.
struct CacheBed {
  explicit CacheBed(const EngineOptions& options = CacheTestOptions()) {
    storage::StorageOptions storage_options;
    storage_options.retention = Millis(0);
    store = storage::NewMemoryStorage(storage_options, clock);
    engine = std::make_unique<Engine>(*store, options, clock, registry);
    for (int i = 240; i >= 0; --i) Put("c_total", clock.Now() - Millis(15'000 * i), 1000 - i);
  }

  void Put(const char* name, TimeMs time, double value) {
    const auto appender = store->NewAppender();
    appender->Add(MustHave(appender->Series({{"__name__", name}})), time, value);
    (void)MustHave(appender->Commit());
  }
  QueryOutcome Ask(std::string_view query, bool explain = false) {
    QueryOptions ask;
    ask.use_cache = true;
    ask.explain = explain;
    const TimeMs end(clock.Now().ms / 15'000 * 15'000);
    return MustHave(engine->Range(query, end - Millis(1'800'000), end, Millis(15'000), ask));
  }

  test::FakeClock clock;
  prometheus::Registry registry;
  std::unique_ptr<storage::MemoryStore> store;
  std::unique_ptr<Engine> engine;
};

}  // namespace

TEST_CASE("kept results answer as an evaluation would, whatever changes, in memory", "[promql][cache]") {
  test::FakeClock clock;
  storage::StorageOptions options;
  options.retention = Millis(0);
  const auto store = storage::NewMemoryStorage(options, clock);
  Refresh(*store, clock, CacheTestOptions(), true);
}

TEST_CASE("kept results answer as an evaluation would, whatever changes, on disk", "[promql][cache]") {
  storage::RocksFixture fixture;
  fixture.Open();
  Refresh(*fixture.store, fixture.clock, CacheTestOptions(), true);
}

TEST_CASE("kept results answer as an evaluation would where there is hardly any room", "[promql][cache]") {
  test::FakeClock clock;
  storage::StorageOptions options;
  options.retention = Millis(0);
  const auto store = storage::NewMemoryStorage(options, clock);
  EngineOptions little = CacheTestOptions(20'000);
  little.delayed_name_removal = true;
  Refresh(*store, clock, little, false);
}

TEST_CASE("a refresh evaluates the steps that are new", "[promql][cache]") {
  CacheBed bed;
  CHECK(bed.Ask("rate(c_total[1m])").cache->kept_steps == 0);
  const QueryOutcome again = bed.Ask("rate( c_total [60s] )", true);
  CHECK(again.cache->kept_steps == 121);
  CHECK(again.stats.samples_read == 0);
  REQUIRE(again.plan != nullptr);
  CHECK(again.plan->evaluations == 0);
  CHECK(again.value.series.at(0).points.size() == 121);

  bed.clock.Advance(Millis(15'000));
  bed.Put("c_total", bed.clock.Now(), 2000);
  const QueryOutcome next = bed.Ask("rate(c_total[1m])");
  CHECK(next.cache->kept_steps == 120);
  CHECK(next.stats.samples_read <= 5);
  CHECK(next.value.series.at(0).points.size() == 121);

  // Ten minutes late: of 121 steps those before it stay.
  bed.clock.Advance(Millis(15'000));
  bed.Put("c_total", bed.clock.Now(), 2001);
  bed.Put("other", bed.clock.Now() - Millis(600'000), 1);
  CHECK(bed.Ask("rate(c_total[1m])").cache->kept_steps == 81);
  CHECK(bed.Ask("rate(c_total[1m])").cache->kept_steps == 121);
  // With a lookback of its own it is another question.
  QueryOptions shorter;
  shorter.use_cache = true;
  shorter.lookback = Millis(60'000);
  const TimeMs end(bed.clock.Now().ms / 15'000 * 15'000);
  const auto asked = bed.engine->Range("rate(c_total[1m])", end - Millis(1'800'000), end, Millis(15'000), shorter);
  CHECK(MustHave(asked).cache->kept_steps == 0);
}

TEST_CASE("annotations come again, and only those of the steps that are asked for", "[promql][cache]") {
  CacheBed bed;
  for (int i = 240; i >= 0; --i) bed.Put("gauge", bed.clock.Now() - Millis(15'000 * i), i);
  CHECK(bed.Ask("rate(gauge[1m])").notes.infos.size() == 1);
  const QueryOutcome again = bed.Ask("rate(gauge[1m])");
  CHECK(again.notes.infos.size() == 1);
  CHECK(again.cache->kept_steps == 120);
  // What was annotated is over: whether the kept steps still are, only an evaluation tells.
  for (int i = 0; i < 40; ++i) {
    bed.clock.Advance(Millis(60'000));
    const QueryOutcome later = bed.Ask("rate(gauge[1m])");
    CHECK(later.notes.infos.size() == (later.value.series.empty() ? 0U : 1U));
  }
}

TEST_CASE("limits hold for what is joined, too", "[promql][cache]") {
  EngineOptions options = CacheTestOptions();
  options.max_samples = 2000;
  CacheBed bed(options);
  QueryOptions ask;
  ask.use_cache = true;
  // Every minute another series: of an hour there are too many.
  for (int i = 0; i < 60; ++i) {
    bed.clock.Advance(Millis(60'000));
    const TimeMs end(bed.clock.Now().ms / 60'000 * 60'000);
    bed.Put(fmt::format("m{}", i).c_str(), bed.clock.Now(), 1);
    const auto got = bed.engine->Range("{__name__=~'m.+'}", end - Millis(3'600'000), end, Millis(60'000), ask);
    ask.use_cache = false;
    const auto want = bed.engine->Range("{__name__=~'m.+'}", end - Millis(3'600'000), end, Millis(60'000), ask);
    ask.use_cache = true;
    REQUIRE(got.has_value() == want.has_value());
    if (i == 59) CHECK_FALSE(got.has_value());
  }
}

TEST_CASE("what is kept is bounded, and the oldest goes first", "[promql][cache]") {
  prometheus::Registry registry;
  ResultCache cache(8000, registry);
  const auto result = [](std::size_t points) {
    KeptResult kept{{0, 1000, points}, 7, {}, {}};
    kept.series.push_back({Labels{{"__name__", "a"}}, std::vector<Point>(points)});
    return kept;
  };
  for (const char* key : {"a", "b", "c", "d"}) cache.Keep(key, result(80));
  REQUIRE(cache.Find("a") != nullptr);
  for (int i = 0; i < 3; ++i) cache.Keep("e" + std::to_string(i), result(80));
  CHECK(cache.Find("b") == nullptr);
  CHECK(cache.Find("c") == nullptr);
  CHECK(cache.Find("a") != nullptr);
  cache.Keep("a", result(200));  // more than a quarter
  CHECK(cache.Find("a") == nullptr);
  cache.Drop("d");
  CHECK(cache.Find("d") == nullptr);
}

TEST_CASE("which expressions are answered step by step", "[promql][cache]") {
  const EngineOptions options = CacheTestOptions();
  const auto why = [&](std::string_view text) {
    const ExprPtr expr = MustHave(ParseExpr(text, options.parser));
    return std::string(BoundToRange(*expr, false));
  };
  for (const char* query : {"a", "rate(a[1m])", "sum by (x) (rate(a[1m] offset 5m)) / on (x) b", "topk(3, rate(a[1m]))",
                            "max_over_time(rate(a[1m])[1h:])", "{x='1'}", "a or b", "delta(a[step()])"}) {
    INFO(query);
    CHECK(why(query) == "");
  }
  CHECK(why("a @ 5") == "time");
  CHECK(why("rate(a[1m] @ end())") == "time");
  CHECK(why("max_over_time(a[5m:] @ start())") == "time");
  CHECK(why("rate(a[range()])") == "time");
  CHECK(why("a offset (range() * 2)") == "time");
  CHECK(why("topk(3, sum by (x) (a))") == "order");
  CHECK(why("1 + limitk(3, a + b)") == "order");
  CHECK(why("rate({x='1'}[1m])") == "names");
  CHECK(why("max_over_time((a or b)[1h:])") == "names");
  CHECK(why("topk(scalar(a), a)") == "parameter");
  CHECK(why("info(a)") == "function");
}

}  // namespace vedette::promql
