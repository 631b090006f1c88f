// Any text: parse, print, parse again; the two prints are equal, and pretty text means the same. What parses is
// evaluated over a small store with floats and native histograms of every kind, at one time and over a range.
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include <prometheus/registry.h>

#include "analytics/promql/engine.h"
#include "analytics/promql/parser.h"
#include "analytics/promql/printer.h"
#include "core/clock.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"

namespace {

using namespace vedette;

constexpr int kSteps = 12;
constexpr Millis kStep = std::chrono::seconds(30);

/// Of a counter that begins anew every five steps, in one of three layouts.
Histogram Exponential(int step, int variant, CounterReset reset) {
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = variant - 1;
  layout->zero_threshold = variant == 2 ? 0.5 : 0;
  layout->positive = {0, 1 + variant, 5};
  layout->negative = {2};
  Histogram histogram;
  histogram.reset = reset;
  const double age = step % 5;
  histogram.counts = {age, 2 * age, 1, age};
  histogram.zero_count = variant;
  histogram.count = 4 * age + 1 + variant + (step == 7 ? 3 : 0);
  histogram.sum = step == 7 ? NormalNan() : age * 3;
  histogram.layout = std::move(layout);
  return histogram;
}

Histogram Custom(int step, bool wide) {
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = HistogramLayout::kCustomSchema;
  layout->bounds = wide ? std::vector<double>{-1, 0, 5} : std::vector<double>{0, 2, 5};
  layout->positive = {0, 3};
  Histogram histogram;
  histogram.counts = {1.0 * step, 2};
  histogram.count = step + 2;
  histogram.sum = step;
  histogram.layout = std::move(layout);
  return histogram;
}

std::unique_ptr<storage::Storage> Store(const Clock& clock) {
  storage::StorageOptions options;
  options.retention = Millis(0);
  auto store = storage::NewMemoryStorage(options, clock);
  const auto appender = store->NewAppender({.allow_future = true});
  const auto series = [&](std::string_view name, std::string_view label) {
    return *appender->Series(LabelsBuilder().Set("__name__", name).Set("a", label).Build());
  };
  const auto total = series("a_total", "1"), wild = series("b", "1");
  const auto counter = series("h", "1"), gauge = series("h", "2"), custom = series("c", "1"), mixed = series("m", "1");
  for (int i = 0; i < kSteps; ++i) {
    const TimeMs time = TimeMs(0) + kStep * i;
    appender->Add(total, time, i % 7);
    constexpr double kInf = std::numeric_limits<double>::infinity();
    appender->Add(wild, time, i % 4 == 0 ? NormalNan() : i % 4 == 1 ? kInf : i % 4 == 2 ? -kInf : StaleNan());
    appender->AddHistogram(counter, time, Exponential(i, i / 4, CounterReset::kUnknown));
    appender->AddHistogram(gauge, time, i == 9 ? StaleHistogram() : Exponential(i, 1, CounterReset::kGauge));
    appender->AddHistogram(custom, time, Custom(i, i > 6));
    if (i % 3 == 0) appender->Add(mixed, time, i);
    if (i % 3 == 1) appender->AddHistogram(mixed, time, Custom(i, false));
    if (i % 3 == 2) appender->AddHistogram(mixed, time, Exponential(i, 0, CounterReset::kReset));
    appender->AddStart(total, time, time - Millis(i * 5000 - 1000));
  }
  if (!appender->Commit()) std::abort();
  return store;
}

struct World {
  const Clock& clock = SystemClock();
  prometheus::Registry registry;
  std::unique_ptr<storage::Storage> store = Store(clock);
  promql::EngineOptions options = [] {
    promql::EngineOptions all;
    all.timeout = std::chrono::seconds(2);
    all.max_samples = 200'000;
    all.use_start_timestamps = true;
    all.parser = {true, true, true, true};
    return all;
  }();
  promql::Engine engine{*store, options, clock, registry};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  const promql::ParserOptions& everything = world.options.parser;
  const auto expr = promql::ParseExpr(std::string_view(reinterpret_cast<const char*>(data), size), everything);
  if (!expr) return 0;
  const std::string printed = promql::Print(**expr);
  for (const std::string& text : {printed, promql::PrettyPrint(**expr), promql::Print(*promql::Clone(**expr))}) {
    const auto again = promql::ParseExpr(text, everything);
    if (!again || promql::Print(**again) != printed) std::abort();
  }
  const TimeMs end = TimeMs(0) + kStep * kSteps;
  const auto instant = world.engine.Instant(**expr, end);
  if (!instant && instant.error().code == Code::kInternal) std::abort();
  const bool plottable = (*expr)->type == promql::ValueType::kVector || (*expr)->type == promql::ValueType::kScalar;
  if (!plottable) return 0;
  const auto range = world.engine.Range(**expr, TimeMs(0), end, kStep);
  if (!range && range.error().code == Code::kInternal) std::abort();
  return 0;
}
