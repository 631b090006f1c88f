// When does it run full: the robust line, the estimate, the report.
#include <cmath>
#include <random>

#include <nlohmann/json.hpp>

#include "analytics/capacity/report.h"
#include "analytics/capacity/theil_sen.h"
#include "tests/support/catch.h"

namespace vedette::analytics {
namespace {

constexpr TimeMs kNow(1'700'000'000'000);
constexpr std::int64_t kHour = 3'600'000;

struct History {
  std::vector<std::int64_t> times;
  std::vector<double> values;
};

/// Hourly, `hours` long, ending now; f gets hours before now (negative).
History Hourly(int hours, const std::function<double(double)>& f) {
  History history;
  for (int h = -hours; h <= 0; ++h) {
    history.times.push_back(kNow.ms + h * kHour);
    history.values.push_back(f(h));
  }
  return history;
}

Exhaustion Estimate(const History& history, double limit) {
  return EstimateExhaustion(history.times, history.values, limit, kNow);
}

double Days(const std::optional<TimeMs>& time) {
  return time ? static_cast<double>((*time - kNow).count()) / 86.4e6 : -1;
}

TEST_CASE("Theil-Sen is the median of slopes and shrugs off wild points", "[capacity]") {
  const std::vector<double> x{1, 2, 3, 10}, y{1, 3, 2, 40};
  // Slopes by hand: 2, 0.5, 4.33, -1, 4.625, 5.43.
  const Line line = TheilSen(x, y);
  CHECK_THAT(line.slope, WithinRel((2 + 13.0 / 3) / 2, 1e-12));
  std::vector<double> xs, ys;
  for (int i = 0; i < 100; ++i) {
    xs.push_back(i);
    ys.push_back(i % 5 == 0 ? 1e9 : 3.0 * i + 2);
  }
  CHECK_THAT(TheilSen(xs, ys).slope, WithinRel(3.0, 1e-6));
  CHECK(TheilSen(std::vector<double>{5}, std::vector<double>{7}).At(123) == 7);
  CHECK(TheilSen(std::vector<double>{5, 5}, std::vector<double>{1, 3}).At(5) == 2);
  std::vector<double> even{4, 1, 3, 2}, huge{1.5e308, 1.7e308};
  CHECK(Median(even) == 2.5);
  CHECK(std::isfinite(Median(huge)));
}

TEST_CASE("a straight line ends where it has to", "[capacity]") {
  // 1 per day, at 50 now, limit 80: 30 days.
  const Exhaustion line = Estimate(Hourly(24 * 20, [](double h) { return 50 + h / 24; }), 80);
  CHECK(line.outlook == Outlook::kFilling);
  CHECK_THAT(line.slope_per_day, WithinRel(1.0, 1e-6));
  CHECK_THAT(Days(line.p50), WithinRel(30.0, 0.01));
  CHECK(*line.p10 < *line.p50);
  CHECK(*line.p50 < *line.p90);
  CHECK(Days(line.p10) > 20);
  CHECK(Days(line.p90) < 50);
}

TEST_CASE("it is the daily peak that hits the limit", "[capacity]") {
  const auto wave = [](double h) { return 50 + h / 24 + 5 * std::sin(2 * M_PI * h / 24); };
  const Exhaustion outlook = Estimate(Hourly(24 * 20, wave), 80);
  CHECK(Days(outlook.p50) > 24);
  CHECK(Days(outlook.p50) < 27.5);
}

TEST_CASE("a change of rate is believed when the older history was wrong about it", "[capacity]") {
  const auto knee = [](double h) { return h < -24 * 10 ? 10 : 10 + 2 * (h + 240) / 24; };
  const Exhaustion outlook = Estimate(Hourly(24 * 40, knee), 70);  // 30 now, 2 a day: 20 days
  CHECK(outlook.outlook == Outlook::kFilling);
  CHECK(Days(outlook.p10) < 25);
}

TEST_CASE("what does not fill is said not to fill", "[capacity]") {
  const auto outlook = [](const std::function<double(double)>& f) { return Estimate(Hourly(24 * 10, f), 100); };
  CHECK(outlook([](double) { return 40; }).outlook == Outlook::kNotFilling);
  CHECK(outlook([](double h) { return 40 - h / 10; }).outlook == Outlook::kNotFilling);
  CHECK(outlook([](double h) { return 40 + h / 1e5; }).outlook == Outlook::kNotFilling);  // beyond a year
  CHECK(!outlook([](double) { return 40; }).p50);
  const Exhaustion full = outlook([](double h) { return 100 + h; });
  CHECK(full.outlook == Outlook::kFull);
  CHECK(full.p90 == kNow);
}

TEST_CASE("what cannot be said is not said", "[capacity]") {
  const auto reason = [](const History& history, double limit) {
    const Exhaustion outlook = Estimate(history, limit);
    CHECK(outlook.outlook == Outlook::kUnknown);
    CHECK(!outlook.p50);
    return outlook.reason;
  };
  const auto rising = [](double h) { return 50 + h / 24; };
  CHECK(reason({}, 1) == "no data");
  CHECK(reason(Hourly(47, rising), 80) == "2.0 days of history, 2.0 are needed");
  CHECK(reason(Hourly(24 * 5, [](double) { return std::nan(""); }), 80) == "no data");
  CHECK(reason(Hourly(24 * 5, [](double) { return 1e308; }), 80) == "no data");
  CHECK(reason({{kNow.ms - 80 * kHour, kNow.ms}, {1, 2}}, 80) == "2 samples, 12 are needed");
  CHECK(reason(Hourly(24 * 5, rising), std::nan("")) == "the limit is not a number");
  CHECK(reason({{kNow.ms + kHour}, {1}}, 80) == "no data");  // only the future
}

/// A store of two metrics over a made-up machine.
Result<promql::QueryOutcome> Machine(std::string_view expr, TimeMs start, TimeMs end, Millis step) {
  promql::QueryOutcome outcome;
  const bool size = expr.starts_with("node_filesystem_size_bytes{");
  const auto add = [&](const std::string& mountpoint, double total, double used, double per_day) {
    promql::ResultSeries series;
    series.labels = Labels{{"__name__", size ? "node_filesystem_size_bytes" : "node_filesystem_avail_bytes"},
                           {"device", "/dev/" + mountpoint.substr(1)},
                           {"instance", "a"},
                           {"mountpoint", mountpoint}};
    for (TimeMs t = start; t <= end; t += step) {
      const double days = static_cast<double>((t - kNow).count()) / 86.4e6;
      series.points.push_back({t.ms, size ? total : total - used - per_day * days});
    }
    outcome.value.series.push_back(std::move(series));
  };
  constexpr double kGiB = 1024.0 * 1024 * 1024;
  add("/slow", 100 * kGiB, 50 * kGiB, 0.5 * kGiB);
  add("/fast", 100 * kGiB, 50 * kGiB, 5 * kGiB);
  add("/still", 10 * kGiB, 1 * kGiB, 0);
  if (!size) add("/odd, \"name\"", kGiB, 0, 0);
  return outcome;
}

TEST_CASE("the report lists what fills up first and says why it cannot say", "[capacity]") {
  const auto rows = MustHave(FilesystemReport(Machine, kNow));
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].labels.Get("mountpoint") == "/fast");
  CHECK_THAT(Days(rows[0].outlook.p50), WithinRel(10.0, 0.02));
  CHECK_THAT(Days(rows[1].outlook.p50), WithinRel(100.0, 0.02));
  CHECK(rows[2].outlook.outlook == Outlook::kNotFilling);
  CHECK(rows[3].outlook.reason == "its size is not known");

  const std::string text = RenderReport(rows, kNow, ReportFormat::kText);
  INFO(text);
  CHECK(text.find("Capacity of file systems at 2023-11-14T22:13:20Z\n") == 0);
  CHECK(text.find("a /fast (/dev/fast)") != std::string::npos);
  CHECK(text.find("100.0 GiB  50.0 %  5.0 GiB    filling      2023-11-24     2023-11-23  2023-11-26") !=
        std::string::npos);
  CHECK(text.find("its size is not known") != std::string::npos);

  const std::string csv = RenderReport(rows, kNow, ReportFormat::kCsv);
  CHECK(csv.find("instance,device,mountpoint,size_bytes,") == 0);
  CHECK(csv.find("\na,\"/dev/odd, \"\"name\"\"\",\"/odd, \"\"name\"\"\",0,1073741824,0,unknown,,,,its size") !=
        std::string::npos);

  const auto json = nlohmann::json::parse(RenderReport(rows, kNow, ReportFormat::kJson));
  CHECK(json["filesystems"][0]["labels"]["mountpoint"] == "/fast");
  CHECK(json["filesystems"][0]["full"]["p50"].get<std::string>().substr(0, 10) == "2023-11-24");
  CHECK(json["filesystems"][2]["full"]["p50"].is_null());
  CHECK(json["filesystems"][3]["bytes_per_day"].is_null());
}

TEST_CASE("an empty report and a failing query are said", "[capacity]") {
  const RangeQuery nothing = [](auto...) { return Result<promql::QueryOutcome>(promql::QueryOutcome()); };
  const auto rows = MustHave(FilesystemReport(nothing, kNow));
  CHECK(RenderReport(rows, kNow, ReportFormat::kText).find("No file systems found") != std::string::npos);
  CHECK(nlohmann::json::parse(RenderReport(rows, kNow, ReportFormat::kJson))["filesystems"].empty());
  const RangeQuery broken = [](auto...) { return Result<promql::QueryOutcome>(Fail(Code::kTimeout, "too slow")); };
  CHECK(FilesystemReport(broken, kNow).error().code == Code::kTimeout);
  CHECK(!ParseReportFormat("pdf").has_value());
  CHECK(MustHave(ParseReportFormat("csv")) == ReportFormat::kCsv);
}

}  // namespace
}  // namespace vedette::analytics
