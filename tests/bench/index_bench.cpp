// What finding series costs: selectors, label queries and cardinality over the head and over closed days, the first
// time and again; and a week in which all series are replaced every hour. Prints CPU times of the process;
// docs/storage.md, "Index", has the figures of one machine.
//
//   index_bench select DIRECTORY [series]
//   index_bench days DIRECTORY [series] [days]
//   index_bench churn DIRECTORY [series] [hours]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <prometheus/registry.h>

#include "core/clock.h"
#include "storage/rocks/rocks_storage.h"
#include "tests/bench/bench.h"

namespace vedette::storage {
namespace {

using bench::Need;
using bench::NeedOk;
using bench::ResidentMiB;

constexpr std::int64_t kHourMs = 3'600'000, kDay = 24 * kHourMs;
constexpr std::int64_t kStart = 1'700'006'400'000;  // a midnight
constexpr std::size_t kSeriesPerTarget = 500;

double CpuMs() { return bench::CpuSeconds() * 1e3; }

class ManualClock final : public Clock {
 public:
  TimeMs Now() const override { return now; }
  std::chrono::nanoseconds Monotonic() const override { return Millis(now.ms); }
  TimeMs now{kStart};
};

/// 500 series of 100 metrics per target, as exporters of containers have them; `round` names another set of pods.
Labels SeriesLabels(std::size_t i, std::size_t round) {
  const std::size_t target = i / kSeriesPerTarget, at = i % kSeriesPerTarget;
  return {{"__name__", "container_metric_" + std::to_string(at % 100)},
          {"cluster", "eu-1"},
          {"container", "c" + std::to_string(at / 100)},
          {"instance", "node-" + std::to_string(target % 50) + ":9100"},
          {"job", target % 2 == 0 ? "kubelet" : "cadvisor"},
          {"namespace", "team-" + std::to_string(target % 20)},
          {"pod", "web-" + std::to_string(round) + "-" + std::to_string(target)},
          {"series", std::to_string(i)}};
}

struct Bench {
  explicit Bench(const std::string& path) {
    std::filesystem::remove_all(path);
    options.path = path;
    options.retention = Millis(0);
    options.max_future = Millis(0);
    tuning.maintenance_interval = Millis(0);
    store = Need(RocksStorage::Open(options, clock, registry, tuning));
  }

  std::vector<SeriesId> Create(std::size_t series, std::size_t round) {
    std::vector<SeriesId> ids;
    const auto appender = store->NewAppender();
    for (std::size_t i = 0; i < series; ++i) ids.push_back(Need(appender->Series(SeriesLabels(i, round))));
    return ids;
  }
  void Scrape(const std::vector<SeriesId>& ids) {
    const std::vector<double> values(kSeriesPerTarget, 1);
    const auto appender = store->NewAppender();
    for (std::size_t i = 0; i < ids.size(); i += kSeriesPerTarget) {
      const std::size_t n = std::min(kSeriesPerTarget, ids.size() - i);
      appender->AddRow(clock.now, std::span(ids).subspan(i, n), std::span(values).first(n));
    }
    (void)Need(appender->Commit());
  }

  StorageOptions options;
  RocksTuning tuning;
  ManualClock clock;
  prometheus::Registry registry;
  std::unique_ptr<RocksStorage> store;
};

struct Timing {
  double first = 0, again = 0;
  std::size_t results = 0;
};

/// The first run, and the best of the next ones.
Timing Time(const std::function<std::size_t()>& run) {
  Timing out;
  double start = CpuMs();
  out.results = run();
  out.first = CpuMs() - start;
  out.again = 1e9;
  for (int i = 0; i < 7; ++i) {
    start = CpuMs();
    (void)run();
    out.again = std::min(out.again, CpuMs() - start);
  }
  return out;
}

void Print(const char* what, const Timing& timing) {
  std::printf("%-58s %9.2f %9.3f %9zu\n", what, timing.first, timing.again, timing.results);
}

Matcher Make(MatchOp op, const char* name, const char* value) { return Need(Matcher::Create(op, name, value)); }

/// The questions of dashboards, pickers and rules.
void Ask(const Storage& store, TimeRange range) {
  const auto select = [&](const char* what, std::vector<Matcher> matchers) {
    Print(what, Time([&] { return Need(store.NewQuerier(range)->Select(matchers)).size(); }));
  };
  const auto values = [&](const char* what, const char* name, std::vector<Matcher> matchers) {
    Print(what, Time([&] { return Need(store.NewQuerier(range)->LabelValues(name, matchers)).size(); }));
  };
  std::printf("%-58s %9s %9s %9s\n", "", "first ms", "again ms", "results");
  select("{instance=~\"node-[0-9]{1,2}:9100\"} (everything)",
         {Make(MatchOp::kRegex, "instance", "node-[0-9]{1,2}:9100")});
  select("{series!=\"\",job=\"kubelet\"}",
         {Make(MatchOp::kNotEqual, "series", ""), Make(MatchOp::kEqual, "job", "kubelet")});
  select("container_metric_7", {Make(MatchOp::kEqual, "__name__", "container_metric_7")});
  select("container_metric_7{pod=\"web-0-3\"}",
         {Make(MatchOp::kEqual, "__name__", "container_metric_7"), Make(MatchOp::kEqual, "pod", "web-0-3")});
  select("{series=~\".*99.*1\"} (a regex over all values)", {Make(MatchOp::kRegex, "series", ".*99.*1")});
  select("{series=~\"[0-9]*99[0-9]1\"} (needs the automaton)", {Make(MatchOp::kRegex, "series", "[0-9]*99[0-9]1")});
  select("{instance=~\"node-(1|2|3):9100\",job!=\"kubelet\"}",
         {Make(MatchOp::kRegex, "instance", "node-(1|2|3):9100"), Make(MatchOp::kNotEqual, "job", "kubelet")});
  select("nothing matches", {Make(MatchOp::kEqual, "__name__", "none"), Make(MatchOp::kRegex, "pod", ".*7.*")});
  values("label values of __name__", "__name__", {});
  values("label values of pod", "pod", {});
  values("label values of series", "series", {});
  values("label values of pod, of one metric", "pod", {Make(MatchOp::kEqual, "__name__", "container_metric_7")});
  values("label values of series, of one job", "series", {Make(MatchOp::kEqual, "job", "kubelet")});
  Print("label names", Time([&] { return Need(store.NewQuerier(range)->LabelNames({})).size(); }));
  Print("label names of one job", Time([&] {
          return Need(store.NewQuerier(range)->LabelNames(std::vector{Matcher::Equal("job", "kubelet")})).size();
        }));
}

void Select(const std::string& path, std::size_t series) {
  Bench bench(path);
  const auto ids = bench.Create(series, 0);
  bench.Scrape(ids);
  std::printf("%zu series in the head\n", series);
  Ask(*bench.store, {bench.clock.now - Millis(300'000), bench.clock.now});
}

void Days(const std::string& path, std::size_t series, std::size_t days) {
  Bench bench(path);
  {
    const auto ids = bench.Create(series, 0);
    for (std::size_t day = 0; day < days; ++day) {
      bench.Scrape(ids);
      bench.clock.now = bench.clock.now + Millis(kDay);
    }
    NeedOk(bench.store->Flush());
  }
  bench.store.reset();
  prometheus::Registry registry;
  bench.store = Need(RocksStorage::Open(bench.options, bench.clock, registry, bench.tuning));
  std::printf("%zu series on each of %zu closed days, none in the head\n", series, days);
  Ask(*bench.store, {TimeMs(kStart), bench.clock.now});
}

void Churn(const std::string& path, std::size_t series, std::size_t hours) {
  Bench bench(path);
  std::printf("%zu active series, all replaced every hour\n", series);
  std::printf("%6s %10s %9s %10s %10s %10s %10s %10s %10s\n", "hour", "head", "RSS MiB", "1h select", "1h values",
              "6h select", "day names", "maint. ms", "new us");
  for (std::size_t hour = 0; hour < hours; ++hour) {
    double start = CpuMs();
    const auto ids = bench.Create(series, hour);
    const double created = CpuMs() - start;
    start = CpuMs();
    for (int quarter = 0; quarter < 4; ++quarter) {
      bench.Scrape(ids);
      bench.clock.now = bench.clock.now + Millis(kHourMs / 4);
      NeedOk(bench.store->RunMaintenance(bench.clock.now));
    }
    const double maintained = CpuMs() - start;
    if (hour != 0 && hour % 24 != 20 && hour + 1 != hours) continue;
    const TimeRange last_hour{bench.clock.now - Millis(kHourMs - 1), bench.clock.now};
    const TimeRange six_hours{bench.clock.now - Millis(6 * kHourMs), bench.clock.now};
    const std::vector metric{Matcher::Equal("__name__", "container_metric_7")};
    const auto select = [&](TimeRange range) {
      return Time([&] { return Need(bench.store->NewQuerier(range)->Select(metric)).size(); });
    };
    const Timing one = select(last_hour), six = select(six_hours);
    const Timing pods = Time([&] { return Need(bench.store->NewQuerier(last_hour)->LabelValues("pod", {})).size(); });
    const Timing names = Time([&] { return Need(bench.store->NewQuerier(six_hours)->LabelNames({})).size(); });
    std::printf("%6zu %10zu %9.1f %10.3f %10.3f %10.3f %10.3f %10.1f %10.2f\n", hour, bench.store->Stats(1).head_series,
                ResidentMiB(), one.again, pods.again, six.again, names.again, maintained,
                created * 1e3 / static_cast<double>(series));
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace vedette::storage

int main(int argc, char** argv) {
  using namespace vedette::storage;
  const std::string mode = argc > 2 ? argv[1] : "";
  const auto number = [&](int i, std::size_t missing) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : missing;
  };
  if (mode == "select") {
    Select(argv[2], number(3, 100'000));
  } else if (mode == "days") {
    Days(argv[2], number(3, 100'000), number(4, 7));
  } else if (mode == "churn") {
    Churn(argv[2], number(3, 20'000), number(4, 168));
  } else {
    std::fprintf(stderr, "index_bench select|days|churn DIRECTORY [series] [days or hours]\n");
    return 2;
  }
  return 0;
}
