// The analytics jobs over the real engine and store: what they write is there for PromQL, also ahead of the clock.
#include <prometheus/registry.h>

#include "analytics/jobs.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::analytics {
namespace {

constexpr TimeMs kJobNow(1'699'833'600'000);
constexpr Millis kJobStep = std::chrono::minutes(5);

/// Load that repeats every day, with a peak at noon.
double LoadAt(TimeMs time) { return 50 + 20 * std::sin(2 * M_PI * static_cast<double>(time.ms) / 86.4e6); }

double ValueOf(const promql::Engine& engine, const std::string& query, TimeMs time) {
  const auto outcome = MustHave(engine.Instant(query, time));
  INFO(query);
  REQUIRE(outcome.value.series.size() == 1);
  return outcome.value.series[0].points.at(0).value;
}

TEST_CASE("forecasts and anomaly scores are series that PromQL finds", "[jobs]") {
  const test::FakeClock clock(kJobNow);
  prometheus::Registry registry;
  const auto storage = storage::NewMemoryStorage({}, clock);
  const auto state = storage::NewMemoryStateStore();
  const promql::Engine engine(*storage, {}, clock, registry);
  const auto appender = storage->NewAppender();
  const storage::SeriesId id = MustHave(appender->Series(Labels{{"__name__", "load"}, {"instance", "a"}}));
  for (TimeMs t = kJobNow - std::chrono::hours(24 * 7); t <= kJobNow; t += kJobStep) appender->Add(id, t, LoadAt(t));
  appender->Add(id, kJobNow + Millis(1), 500);
  MustHave(appender->Commit());

  AnalyticsOptions options;
  options.jobs.resize(2);
  options.jobs[0].name = "watch";
  options.jobs[1].name = "ahead";
  options.jobs[1].kind = JobKind::kForecast;
  options.jobs[1].interval = std::chrono::hours(1);
  for (JobOptions& job : options.jobs) {
    job.expr = "load";
    job.step = kJobStep;
    job.history = std::chrono::hours(24 * 7 - 1);
  }
  const auto jobs = MustHave(AnalyticsJobs::Open(options, EngineQuery(engine), *storage, *state, clock, registry));
  MustSucceed(jobs->RunOnce(kJobNow));
  MustSucceed(jobs->RunOnce(kJobNow + kJobStep));

  for (const int hours : {1, 6, 12, 23}) {
    const TimeMs time = kJobNow + std::chrono::hours(hours);
    const auto quantile = [&](const char* q) {
      return ValueOf(engine, fmt::format("vedette_forecast{{forecast=\"ahead\",quantile=\"{}\",instance=\"a\"}}", q),
                     time);
    };
    CHECK_THAT(quantile("0.5"), WithinAbs(LoadAt(time), 3));
    CHECK(quantile("0.1") <= quantile("0.5"));
    CHECK(quantile("0.5") <= quantile("0.9"));
  }
  CHECK(ValueOf(engine, "vedette_forecast_error_ratio", kJobNow) < 100);
  CHECK(ValueOf(engine, "vedette_anomaly_score", kJobNow) < 1);
  CHECK(ValueOf(engine, "vedette_anomaly_score{job_name=\"watch\"}", kJobNow + kJobStep) > 10);  // saw the 500
  CHECK(ValueOf(engine, "load < bool on(instance) vedette_anomaly_upper", kJobNow) == 1);
}

}  // namespace
}  // namespace vedette::analytics
