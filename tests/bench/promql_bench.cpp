// How fast PromQL is evaluated over data in memory: samples that the store holds for the query, per second of
// processor time.
//
// `promql_bench [series]`: one day at 15 s for each series (default 1,000), then a few range queries of 1 minute steps.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <prometheus/registry.h>

#include "analytics/promql/engine.h"
#include "storage/memory/memory_storage.h"

namespace {

using namespace vedette;  // NOLINT: a program of one file

constexpr std::int64_t kScrapeMs = 15'000;
constexpr std::int64_t kDayMs = 24 * 3600 * 1000;

/// Counters that rise by a few per scrape and start anew now and then.
void Fill(storage::Storage& store, std::int64_t start, std::size_t series) {
  const auto appender = store.NewAppender();
  std::vector<storage::SeriesId> ids;
  for (std::size_t i = 0; i < series; ++i) {
    const std::string instance = "host-" + std::to_string(i), job = "job-" + std::to_string(i % 10);
    const auto id = appender->Series({{"__name__", "requests_total"}, {"instance", instance}, {"job", job}});
    if (!id) std::abort();
    ids.push_back(*id);
  }
  std::vector<double> values(series);
  for (std::int64_t time = start; time <= start + kDayMs; time += kScrapeMs) {
    for (std::size_t i = 0; i < series; ++i) {
      const bool restart = (time / kScrapeMs + static_cast<std::int64_t>(i)) % 3000 == 0;
      values[i] =
          restart ? 0 : values[i] + static_cast<double>((time / kScrapeMs * 7 + static_cast<std::int64_t>(i)) % 13);
    }
    appender->AddRow(TimeMs(time), ids, values);
  }
  if (!appender->Commit()) std::abort();
}

void Measure(const promql::Engine& engine, const char* query, std::int64_t start, double samples) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const std::clock_t begun = std::clock();
    const auto outcome = engine.Range(query, TimeMs(start), TimeMs(start + kDayMs), std::chrono::minutes(1));
    best = std::min(best, static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC);
    if (!outcome) {
      std::printf("%s: %s\n", query, outcome.error().message.c_str());
      return;
    }
  }
  std::printf("%-60s %8.1f ms  %7.1f M samples/s\n", query, best * 1e3, samples / best / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t series = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  storage::StorageOptions storage_options;
  storage_options.retention = Millis(0);
  const auto store = storage::NewMemoryStorage(storage_options, SystemClock());
  const std::int64_t start = (SystemClock().Now().ms - kDayMs) / kScrapeMs * kScrapeMs;
  Fill(*store, start, series);

  prometheus::Registry registry;
  promql::EngineOptions options;
  options.max_samples = 500'000'000;
  const promql::Engine engine(*store, options, SystemClock(), registry);
  const double samples = static_cast<double>(series) * static_cast<double>(kDayMs / kScrapeMs);
  for (const char* query : {
           "requests_total",
           "sum by (job) (rate(requests_total[5m]))",
           "sum by (job) (increase(requests_total[1h]))",
           "max_over_time(requests_total[6h])",
           "avg_over_time(requests_total[6h])",
           "quantile_over_time(0.9, requests_total[1h])",
           "topk(5, rate(requests_total[5m]))",
           "rate(requests_total[5m]) / on (instance) requests_total",
           "max_over_time(sum by (job) (rate(requests_total[5m]))[30m:1m])",
       }) {
    Measure(engine, query, start, samples);
  }
}
