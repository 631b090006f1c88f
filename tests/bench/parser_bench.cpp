// How fast a scrape is read: the parsers alone, with labels, and the whole way of a steady target into a store that
// only counts. Prints bytes and samples per second of one core. Text like node_exporter's, and the same as protobuf;
// then histograms in each form.
//
//   parser_bench [repetitions]
#include <fmt/format.h>
#include <prometheus/registry.h>

#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <unordered_map>

#include "collector/exposition/parser.h"
#include "collector/exposition/series_labels.h"
#include "collector/scrape/target_appender.h"
#include "tests/support/protobuf_writer.h"

namespace {

using namespace vedette;
using namespace vedette::collector;

/// About 1,700 samples with about 80 bytes each. `round` moves the values.
std::string NodeExporter(int round) {
  std::string text;
  const auto head = [&](std::string_view name, std::string_view type) {
    text += fmt::format("# HELP {0} Some help about {0} as long as such help is.\n# TYPE {0} {1}\n", name, type);
  };
  head("node_cpu_seconds_total", "counter");
  for (int cpu = 0; cpu < 64; ++cpu) {
    for (const char* mode : {"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"}) {
      text += fmt::format("node_cpu_seconds_total{{cpu=\"{}\",mode=\"{}\"}} {:.2f}\n", cpu, mode,
                          123456.78 + cpu * 17 + round * 0.25);
    }
  }
  for (int metric = 0; metric < 30; ++metric) {
    const std::string name = fmt::format("node_network_metric_{}_total", metric);
    head(name, "counter");
    for (int device = 0; device < 20; ++device) {
      text += fmt::format("{}{{device=\"eth{}\"}} {}\n", name, device, 1234567 * device + round * metric);
    }
  }
  for (int metric = 0; metric < 400; ++metric) {
    const std::string name = fmt::format("node_memory_field_{}_bytes", metric);
    head(name, "gauge");
    text += fmt::format(
        "{} {}\n", name,
        metric % 3 == 0 ? fmt::format("{:e}", 1.5e9 + metric * 4096.0 + round) : fmt::format("{}", metric * 4096));
  }
  return text;
}

/// The series of NodeExporter() as a Go client writes them.
std::string NodeExporterProtobuf(int round) {
  std::string out;
  const std::string help = "Some help about it as long as such help is.";
  std::vector<test::Proto> metrics;
  for (int cpu = 0; cpu < 64; ++cpu) {
    for (const char* mode : {"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"}) {
      metrics.push_back(test::ProtoMetric({{"cpu", std::to_string(cpu)}, {"mode", mode}})
                            .Message(3, test::ProtoCounter(123456.78 + cpu * 17 + round * 0.25)));
    }
  }
  out += test::ProtoFamily("node_cpu_seconds_total", test::kCounterType, metrics, help);
  for (int metric = 0; metric < 30; ++metric) {
    metrics.clear();
    for (int device = 0; device < 20; ++device) {
      metrics.push_back(test::ProtoMetric({{"device", fmt::format("eth{}", device)}})
                            .Message(3, test::ProtoCounter(1234567.0 * device + round * metric)));
    }
    out += test::ProtoFamily(fmt::format("node_network_metric_{}_total", metric), test::kCounterType, metrics, help);
  }
  for (int metric = 0; metric < 400; ++metric) {
    out += test::ProtoFamily(fmt::format("node_memory_field_{}_bytes", metric), test::kGaugeType,
                             {test::ProtoMetric().Message(2, test::ProtoCounter(metric * 4096.0 + round))}, help);
  }
  return out;
}

/// 100 histograms, each with 12 classic and 40 native buckets.
std::string Histograms(int round) {
  std::vector<test::Proto> metrics;
  for (int i = 0; i < 100; ++i) {
    test::Proto histogram;
    histogram.Varint(1, 40U * static_cast<unsigned>(round + 1)).Double(2, 1.5 * round);
    for (int bucket = 0; bucket < 12; ++bucket) {
      histogram.Message(3, test::ProtoBucket(0.001 * (1 << bucket), static_cast<std::uint64_t>(bucket + round)));
    }
    histogram.Signed(5, 3).Double(6, 1e-128).Message(12, test::ProtoSpan(-20, 40));
    test::Proto deltas;
    for (int bucket = 0; bucket < 40; ++bucket) deltas.Put(bucket == 0 ? 2U * static_cast<unsigned>(round + 1) : 0U);
    histogram.Message(13, deltas);
    metrics.push_back(test::ProtoMetric({{"handler", fmt::format("/api/v1/{}", i)}}).Message(7, histogram));
  }
  return test::ProtoFamily("http_request_duration_seconds", test::kHistogramType, metrics, "Latency.");
}

std::string HistogramsAsText(int round) {
  std::string out = "# HELP http_request_duration_seconds Latency.\n# TYPE http_request_duration_seconds histogram\n";
  for (int i = 0; i < 100; ++i) {
    const std::string name = "http_request_duration_seconds", labels = fmt::format("handler=\"/api/v1/{}\"", i);
    for (int bucket = 0; bucket < 12; ++bucket) {
      out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, 0.001 * (1 << bucket), bucket + round);
    }
    out += fmt::format("{0}_bucket{{{1},le=\"+Inf\"}} {2}\n{0}_sum{{{1}}} {3}\n{0}_count{{{1}}} {2}\n", name, labels,
                       40 * (round + 1), 1.5 * round);
  }
  return out;
}

/// Counts and forgets.
class CountingStorage final : public storage::Storage {
 public:
  class Counter final : public storage::Appender {
   public:
    explicit Counter(CountingStorage& owner) : owner_(owner) {}
    Result<storage::SeriesId> Series(const Labels& labels) override {
      return static_cast<storage::SeriesId>(owner_.ids_.try_emplace(labels, owner_.ids_.size() + 1).first->second);
    }
    storage::SeriesId FindSeries(const Labels&) override { return storage::SeriesId::kNone; }
    void Add(storage::SeriesId, TimeMs, double) override { ++owner_.samples; }
    void AddRow(TimeMs, std::span<const storage::SeriesId> series, std::span<const double>) override {
      owner_.samples += series.size();
    }
    void AddHistogram(storage::SeriesId, TimeMs, Histogram) override { ++owner_.samples; }
    void AddExemplar(storage::SeriesId, storage::Exemplar) override {}
    void AddStart(storage::SeriesId, TimeMs, TimeMs) override {}
    void SetMetadata(const Labels&, std::string_view, TimeMs, storage::MetricInfo) override {}
    void EndMetadata(const Labels&, TimeMs) override {}
    Result<storage::AppendOutcome> Commit() override { return storage::AppendOutcome{}; }

   private:
    CountingStorage& owner_;
  };
  std::unique_ptr<storage::Appender> NewAppender(const storage::AppendOptions&) override {
    return std::make_unique<Counter>(*this);
  }
  std::unique_ptr<storage::Querier> NewQuerier(TimeRange) const override { return nullptr; }
  storage::StoreStats Stats(std::size_t) const override { return {}; }
  Status Flush() override { return Ok(); }

  std::size_t samples = 0;

 private:
  std::unordered_map<Labels, std::size_t> ids_;
};

/// Of this process, so that other work on the machine does not count.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void Measure(std::string_view name, int repetitions, std::size_t bytes, const std::function<std::size_t(int)>& run) {
  std::size_t samples = 0;
  const double begin = CpuSeconds();
  for (int i = 0; i < repetitions; ++i) samples += run(i);
  const double seconds = CpuSeconds() - begin;
  fmt::print("{:<34} {:8.3f} GB/s {:8.2f} M samples/s {:7.1f} ns/sample\n", name,
             static_cast<double>(bytes) * repetitions / seconds / 1e9, static_cast<double>(samples) / seconds / 1e6,
             seconds * 1e9 / static_cast<double>(samples));
}

std::size_t Parse(std::string_view body, ExpositionFormat format, bool labels) {
  ExpositionParser parser(body, format);
  std::size_t samples = 0;
  for (auto event = parser.Next(); event != ExpositionParser::Event::kEnd; event = parser.Next()) {
    if (event == ExpositionParser::Event::kError) std::abort();
    if (event != ExpositionParser::Event::kSeries) continue;
    ++samples;
    if (labels && !ParseSeriesLabels(parser.series(), parser.type())) std::abort();
  }
  return samples;
}

}  // namespace

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 2000;
  const std::vector<std::string> bodies = {NodeExporter(0), NodeExporter(1), NodeExporter(2)};
  const std::string open_metrics = bodies[0] + "# EOF\n";
  const std::size_t bytes = bodies[0].size();
  fmt::print("{} bytes, {} samples, {} repetitions\n", bytes, Parse(bodies[0], ExpositionFormat::kText, false),
             repetitions);
  const auto body = [&](int i) -> const std::string& { return bodies[static_cast<std::size_t>(i) % bodies.size()]; };
  Measure("text, syntax only", repetitions, bytes,
          [&](int i) { return Parse(body(i), ExpositionFormat::kText, false); });
  Measure("OpenMetrics, syntax only", repetitions, bytes,
          [&](int) { return Parse(open_metrics, ExpositionFormat::kOpenMetrics, false); });
  Measure("text, with labels", repetitions, bytes,
          [&](int i) { return Parse(body(i), ExpositionFormat::kText, true); });

  prometheus::Registry registry;
  ScrapeMetrics metrics(registry);
  MetadataPool pool;
  CountingStorage store;
  TargetAppender appender(store, metrics, pool);
  ScrapeConfig job;
  job.job_name = "bench";
  job.InheritFrom({});
  Target target{{},
                {{"instance", "localhost:9100"}, {"job", "bench"}},
                "http://localhost:9100/metrics",
                Millis(15000),
                Millis(10000),
                {}};
  const auto scrape = [&](int i, std::string_view text, ExpositionFormat format = ExpositionFormat::kText) {
    return appender.Store(job, target, TimeMs(1'700'000'000'000 + i * 15'000LL), 0.1, ScrapeBody{text, format}).scraped;
  };
  Measure("first scrape of a target", std::max(1, repetitions / 20), bytes, [&](int i) {
    appender.Reset();
    return scrape(i, body(i));
  });
  Measure("steady scrape of a target", repetitions, bytes, [&](int i) { return scrape(i, body(i)); });

  struct Case {
    const char* name;
    std::string (*body)(int round);
    ExpositionFormat format;
    HistogramChoice histograms;
  };
  constexpr auto kText = ExpositionFormat::kText, kProtobuf = ExpositionFormat::kProtobuf;
  for (const Case& c : {Case{"protobuf, first", NodeExporterProtobuf, kProtobuf, {}},
                        Case{"protobuf, steady", NodeExporterProtobuf, kProtobuf, {}},
                        Case{"classic histograms, text", HistogramsAsText, kText, {}},
                        Case{"classic histograms, protobuf", Histograms, kProtobuf, {}},
                        Case{"native histograms, protobuf", Histograms, kProtobuf, {true, false, false}},
                        Case{"converted histograms, text", HistogramsAsText, kText, {false, false, true}},
                        Case{"converted histograms, protobuf", Histograms, kProtobuf, {false, false, true}}}) {
    const std::vector<std::string> pages = {c.body(0), c.body(1), c.body(2)};
    target.histograms = c.histograms;
    appender.Reset();
    const bool first = std::string_view(c.name).ends_with("first");
    Measure(c.name, first ? std::max(1, repetitions / 20) : repetitions, pages[0].size(), [&](int i) {
      if (first) appender.Reset();
      return scrape(i, pages[static_cast<std::size_t>(i) % pages.size()], c.format);
    });
  }
  return 0;
}
