// The schedule, what jobs write, and that nothing is lost or done twice over a restart.
#include <cmath>
#include <map>

#include <prometheus/registry.h>

#include "analytics/jobs.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::analytics {
namespace {

constexpr TimeMs kStart(1'699'833'600'000);
constexpr Millis kMinute = std::chrono::minutes(1);

/// A value of the made-up series `n` at a time: a daily wave, different for each.
double ValueAt(int n, TimeMs time) {
  return 100 * (n + 1) + 10 * std::sin(2 * M_PI * static_cast<double>(time.ms) / 86.4e6) +
         static_cast<double>((time.ms / 60'000) * 7 % 5);
}

struct World {
  test::FakeClock clock{kStart};
  storage::StorageOptions storage_options;
  std::unique_ptr<storage::Storage> storage = storage::NewMemoryStorage(storage_options, clock);
  std::unique_ptr<storage::StateStore> state = storage::NewMemoryStateStore();
  prometheus::Registry registry;
  AnalyticsOptions options;
  std::optional<Error> problem;  // of every query, while set
  int queries = 0;

  RangeQuery Query() {
    return [this](std::string_view expr, TimeMs start, TimeMs end, Millis step) -> Result<promql::QueryOutcome> {
      ++queries;
      if (problem) return *problem;
      promql::QueryOutcome outcome;
      for (int n = 0; n < 2; ++n) {
        promql::ResultSeries series{Labels{{"__name__", expr}, {"host", n == 0 ? "a" : "b"}}, {}};
        for (TimeMs t = start; t <= end; t += step) series.points.push_back({t.ms, ValueAt(n, t)});
        outcome.value.series.push_back(std::move(series));
      }
      // The same labels under another name: one too many.
      if (expr == "twice") outcome.value.series.push_back({Labels{{"__name__", "other"}, {"host", "a"}}, {}});
      return outcome;
    };
  }
  std::unique_ptr<AnalyticsJobs> Open() {
    return MustHave(AnalyticsJobs::Open(options, Query(), *storage, *state, clock, registry));
  }
  JobOptions& Add(const std::string& name, JobKind kind) {
    JobOptions job;
    job.name = name;
    job.kind = kind;
    job.expr = "load";
    job.history = std::chrono::hours(6);
    options.jobs.push_back(job);
    return options.jobs.back();
  }
  std::map<std::string, storage::Columns> Stored(const std::string& metric) const {
    const auto querier = storage->NewQuerier({});
    const std::vector<Matcher> matchers{Matcher::Equal("__name__", metric)};
    std::map<std::string, storage::Columns> out;
    for (const storage::SeriesEntry& entry : MustHave(querier->Select(matchers))) {
      MustSucceed(querier->Read(entry.id, {}, out[entry.labels.ToString()]));
    }
    return out;
  }
  double Metric(const std::string& name, const std::string& label_value) {
    double sum = 0;
    for (const auto& family : registry.Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) {
        for (const auto& label : metric.label) {
          if (label.value == label_value) sum += metric.counter.value + metric.gauge.value;
        }
      }
    }
    return sum;
  }
};

TEST_CASE("an anomaly job writes score and band once per step", "[jobs]") {
  World world;
  world.Add("watch", JobKind::kAnomaly);
  const auto jobs = world.Open();
  for (int minute = 0; minute < 5; ++minute) {
    MustSucceed(jobs->RunOnce(kStart + kMinute * minute + Millis(300)));
    MustSucceed(jobs->RunOnce(kStart + kMinute * minute + Millis(900)));  // not due again
  }
  const auto scores = world.Stored("vedette_anomaly_score");
  REQUIRE(scores.size() == 2);
  const auto& a = scores.at(R"(vedette_anomaly_score{host="a", job_name="watch"})");
  REQUIRE(a.size() == 5);
  CHECK(a.times.front() == kStart.ms);
  CHECK(a.times.back() == (kStart + kMinute * 4).ms);
  const auto lower = world.Stored("vedette_anomaly_lower"), upper = world.Stored("vedette_anomaly_upper");
  const auto expected = world.Stored("vedette_anomaly_expected");
  const auto& band = expected.at(R"(vedette_anomaly_expected{host="b", job_name="watch"})");
  CHECK_THAT(band.values.back(), WithinAbs(ValueAt(1, kStart), 15));
  CHECK(lower.begin()->second.values.back() < upper.begin()->second.values.back());
  CHECK(world.queries == 5);
  CHECK(world.Metric("vedette_analytics_job_runs_total", "watch") == 5);
  CHECK(world.Metric("vedette_analytics_job_series", "watch") == 2);
}

TEST_CASE("a restart catches up and ends exactly where an agent without one would", "[jobs]") {
  const auto run = [](bool restart) {
    World world;
    world.Add("watch", JobKind::kAnomaly);
    auto jobs = world.Open();
    for (int minute = 0; minute < 30; ++minute) {
      if (restart && minute == 10) {
        MustSucceed(jobs->Save());
      }
      if (restart && minute == 20) jobs = world.Open();  // ten minutes were not saved: learned again from the data
      MustSucceed(jobs->RunOnce(kStart + kMinute * minute));
    }
    return world.Stored("vedette_anomaly_score");
  };
  const auto with = run(true), without = run(false);
  REQUIRE(with.size() == 2);
  for (const auto& [series, columns] : without) {
    CHECK(with.at(series).times == columns.times);
    CHECK(with.at(series).values == columns.values);
  }
}

TEST_CASE("a changed job starts anew and a removed one leaves nothing behind", "[jobs]") {
  World world;
  world.Add("watch", JobKind::kAnomaly);
  world.Add("gone", JobKind::kAnomaly);
  MustSucceed(world.Open()->RunOnce(kStart));
  {
    const auto jobs = world.Open();
    MustSucceed(jobs->RunOnce(kStart));
    MustSucceed(jobs->Save());
  }
  const auto rows = [&] {
    std::vector<std::string> keys;
    MustSucceed(world.state->Scan("analytics_models", {}, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    }));
    return keys;
  };
  CHECK(rows().size() == 6);
  world.options.jobs.pop_back();
  world.options.jobs[0].expr = "rate(load[5m])";
  world.queries = 0;
  const auto jobs = world.Open();
  CHECK(rows().size() == 3);
  MustSucceed(jobs->RunOnce(kStart + Millis(10)));  // due at once: the old state does not count
  CHECK(world.queries == 1);
  MustSucceed(jobs->Save());
  CHECK(rows().size() == 3);
}

TEST_CASE("damaged state rows start anew", "[jobs]") {
  World world;
  world.Add("watch", JobKind::kAnomaly);
  {
    const auto jobs = world.Open();
    MustSucceed(jobs->RunOnce(kStart));
    MustSucceed(jobs->Save());
  }
  storage::StateBatch batch;
  batch.Put("analytics_models", "watch/" + Labels{{"host", "a"}}.ToString(), "\x01garbage");
  MustSucceed(world.state->Write(batch));
  const auto jobs = world.Open();
  MustSucceed(jobs->RunOnce(kStart + kMinute));
  CHECK(world.Stored("vedette_anomaly_score").size() == 2);
}

TEST_CASE("a forecast job writes quantiles ahead of the clock, the newest nearest to their time", "[jobs]") {
  World world;
  JobOptions& job = world.Add("ahead", JobKind::kForecast);
  job.step = std::chrono::minutes(30);
  job.interval = std::chrono::hours(1);
  job.horizon = std::chrono::hours(6);
  job.history = std::chrono::hours(24 * 7);
  const auto jobs = world.Open();
  for (int hour = 0; hour < 3; ++hour) MustSucceed(jobs->RunOnce(kStart + std::chrono::hours(hour) + Millis(5000)));
  const auto forecasts = world.Stored("vedette_forecast");
  REQUIRE(forecasts.size() == 6);
  const auto& median = forecasts.at(R"(vedette_forecast{forecast="ahead", host="a", quantile="0.5"})");
  const auto& high = forecasts.at(R"(vedette_forecast{forecast="ahead", host="a", quantile="0.9"})");
  REQUIRE(median.size() == 3 * 12);
  // The target 03:00 was forecast three, two and one hours ahead.
  const TimeMs target = kStart + std::chrono::hours(3);
  std::vector<std::int64_t> before;
  for (std::size_t i = 0; i < median.size(); ++i) {
    CHECK(high.values[i] >= median.values[i]);
    const std::int64_t distance = target.ms - median.times[i];
    if (distance < 0 || distance > 10) continue;
    before.push_back(distance);
    CHECK_THAT(median.values[i], WithinAbs(ValueAt(0, target), 6));
  }
  CHECK(before == std::vector<std::int64_t>{3, 2, 1});
  CHECK(median.times.back() == (kStart + std::chrono::hours(8)).ms - 6);
  CHECK(world.Stored("vedette_forecast_error_ratio").size() == 2);
}

TEST_CASE("a failing query is counted, the other jobs run, and the next run goes on", "[jobs]") {
  World world;
  world.Add("watch", JobKind::kAnomaly);
  world.Add("other", JobKind::kAnomaly);
  const auto jobs = world.Open();
  world.problem = Error{Code::kTimeout, "too slow"};
  const Status status = jobs->RunOnce(kStart);
  REQUIRE(!status);
  CHECK(status.error().message == "analytics job 'watch': too slow");
  CHECK(world.queries == 2);
  CHECK(world.Metric("vedette_analytics_job_failures_total", "other") == 1);
  world.problem.reset();
  MustSucceed(jobs->RunOnce(kStart + Millis(1)));  // tried for this minute
  CHECK(world.queries == 2);
  MustSucceed(jobs->RunOnce(kStart + kMinute));
  CHECK(world.Stored("vedette_anomaly_score").size() == 4);
}

TEST_CASE("series over the limit and twins are counted as dropped", "[jobs]") {
  World world;
  world.Add("few", JobKind::kAnomaly).max_series = 1;
  world.Add("twins", JobKind::kAnomaly).expr = "twice";
  MustSucceed(world.Open()->RunOnce(kStart));
  CHECK(world.Metric("vedette_analytics_dropped_total", "max_series") == 1);
  CHECK(world.Metric("vedette_analytics_dropped_total", "duplicate_labels") == 1);
  CHECK(world.Stored("vedette_anomaly_score").size() == 3);
}

TEST_CASE("the thread runs jobs until it is stopped, and saves", "[jobs]") {
  World world;
  world.Add("watch", JobKind::kAnomaly);
  const auto jobs = world.Open();
  jobs->Start();
  while (world.Stored("vedette_anomaly_score").empty()) std::this_thread::yield();
  jobs->Stop();
  CHECK(MustHave(world.state->Get("analytics_models", "watch/")).has_value());
}

TEST_CASE("jobs that make no sense are refused by name", "[jobs]") {
  const auto problem = [](const std::function<void(JobOptions&)>& change) {
    AnalyticsOptions options;
    JobOptions job;
    job.name = "j";
    job.expr = "up";
    job.kind = JobKind::kForecast;
    job.interval = std::chrono::hours(1);
    change(job);
    options.jobs.push_back(job);
    const Status status = options.Validate();
    return status ? std::string() : status.error().message;
  };
  CHECK(problem([](JobOptions&) {}).empty());
  CHECK(problem([](JobOptions& j) { j.name = "a b"; }) == "analytics job 'a b': not a usable name");
  CHECK(problem([](JobOptions& j) { j.expr = "sum("; }).find("analytics job 'j': expr: 1:5: parse error") == 0);
  CHECK(problem([](JobOptions& j) { j.expr = "up[5m]"; }).find("a range vector cannot be watched") !=
        std::string::npos);
  CHECK(problem([](JobOptions& j) { j.model = "hour_profile"; }).find("model: there is none") != std::string::npos);
  CHECK(problem([](JobOptions& j) { j.step = Millis(0); }).find("at least 1s") != std::string::npos);
  CHECK(problem([](JobOptions& j) { j.history = -kMinute; }).find("history") != std::string::npos);
  CHECK(problem([](JobOptions& j) { j.horizon = std::chrono::hours(24 * 365); }).find("horizon") != std::string::npos);
  CHECK(problem([](JobOptions& j) { j.season = -kMinute; }).find("season") != std::string::npos);
  AnalyticsOptions twice;
  twice.jobs.resize(2);
  for (JobOptions& job : twice.jobs) {
    job.name = "a";
    job.expr = "up";
  }
  CHECK(twice.Validate().error().message == "analytics job 'a': named twice");
}

}  // namespace
}  // namespace vedette::analytics
