// A target, a memory store, and what the store holds of a scrape: for the tests of TargetAppender.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/scrape/target_appender.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::collector {

class AppenderFixture {
 public:
  AppenderFixture()
      : store_(storage::NewMemoryStorage({}, clock_)), metrics_(registry_), appender_(*store_, metrics_, pool_) {
    job.job_name = "j";
    job.InheritFrom({});
    target.labels = {{"instance", "i"}, {"job", "j"}};
    target.interval = target.timeout = std::chrono::seconds(10);
  }

  const storage::Storage& store() const { return *store_; }

  ScrapeOutcome Scrape(std::string_view text, ExpositionFormat format = ExpositionFormat::kText) {
    clock_.Advance(std::chrono::seconds(10));
    return appender_.Store(job, target, clock_.Now(), 0.25, ScrapeBody{text, format});
  }
  ScrapeOutcome Fail(Error error) {
    clock_.Advance(std::chrono::seconds(10));
    return appender_.Store(job, target, clock_.Now(), 0.25, Result<ScrapeBody>(std::move(error)));
  }

  /// "schema/threshold count sum zero | positive | negative" with what is not usual behind it.
  static std::string Printed(const Histogram& histogram) {
    if (IsStaleHistogram(histogram)) return "stale histogram";
    const HistogramLayout& layout = *histogram.layout;
    std::string out = fmt::format("{}/{} {} {} {}", layout.schema, layout.zero_threshold, histogram.count,
                                  histogram.sum, histogram.zero_count);
    for (const double bound : layout.bounds) out += fmt::format(" <{}", bound);
    out += " |";
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      const std::size_t negative = i - layout.positive.size();
      const bool is_negative = i >= layout.positive.size();
      if (i == layout.positive.size()) out += " |";
      out += fmt::format(" {}:{}", is_negative ? layout.negative[negative] : layout.positive[i], histogram.counts[i]);
    }
    if (!histogram.integers) out += " floats";
    if (histogram.reset == CounterReset::kGauge) out += " gauge";
    return out;
  }

  /// Samples at `time` (now, unless said) as "name{...} value", without the target's labels and the report series.
  std::string Stored(std::optional<TimeMs> time = {}, bool reports = false) {
    const TimeMs at = time.value_or(clock_.Now());
    const auto querier = store_->NewQuerier({at, at});
    std::string out;
    for (const auto& series : MustHave(querier->Select({}))) {
      const bool is_report = series.labels.MetricName() == "up" || series.labels.MetricName().starts_with("scrape_");
      storage::Columns columns;
      storage::HistogramColumns histograms;
      MustSucceed(querier->ReadMixed(series.id, {at, at}, columns, histograms));
      if (columns.size() + histograms.size() == 0 || is_report != reports) continue;
      LabelsBuilder labels(series.labels);
      if (labels.Get("instance") == "i") labels.Delete("instance");
      labels.Delete("job");
      out += labels.Build().ToString() + " ";
      for (const double value : columns.values) out += IsStaleNan(value) ? "stale" : FormatSampleValue(value);
      for (const Histogram& histogram : histograms.histograms) out += Printed(histogram);
      out += "\n";
    }
    return out;
  }

  /// "family type help" of the target and how long that held, line by line.
  std::string Metadata() const {
    std::string out;
    MustSucceed(store_->NewQuerier({})->VisitMetadata({}, [&](const storage::MetadataEntry& entry) {
      CHECK(entry.target == target.labels);
      const std::string unit = entry.info.unit.empty() ? "" : " [" + entry.info.unit + "]";
      out += fmt::format("{} {} {}{} {}\n", entry.family, entry.info.type, entry.info.help, unit,
                         entry.until ? fmt::format("{}s", (*entry.until - entry.from).count() / 1000) : "on");
      return true;
    }));
    return out;
  }

  /// "series labels value seconds", line by line, of the exemplars in the store.
  std::string Exemplars() const {
    const std::vector<std::vector<Matcher>> all{{Matcher::Equal("job", "j")}};
    std::string out;
    for (const auto& series : MustHave(store_->NewQuerier({})->Exemplars(all, {}))) {
      for (const storage::Exemplar& exemplar : series.exemplars) {
        out += fmt::format("{} {} {} {}\n", series.series.MetricName(), exemplar.labels.ToString(), exemplar.value,
                           (exemplar.time - clock_.Now()).count() / 1000);
      }
    }
    return out;
  }

  /// Seconds behind 1,700,000,000 at which the series started.
  std::string Starts(std::string_view name) const {
    const auto querier = store_->NewQuerier({});
    const std::vector<Matcher> matchers{Matcher::Equal("__name__", std::string(name))};
    std::string out;
    for (const auto& series : MustHave(querier->Select(matchers))) {
      std::vector<storage::StartTime> starts;
      MustSucceed(querier->ReadStarts(series.id, starts));
      for (const auto& start : starts)
        out += (out.empty() ? "" : " ") + std::to_string(start.start.ms / 1000 - 1'700'000'000);
    }
    return out;
  }

  TargetAppender& appender() { return appender_; }
  test::FakeClock& clock() { return clock_; }
  ScrapeConfig job;
  Target target;

 private:
  test::FakeClock clock_;
  prometheus::Registry registry_;
  std::unique_ptr<storage::Storage> store_;
  ScrapeMetrics metrics_;
  MetadataPool pool_;
  TargetAppender appender_;
};

}  // namespace vedette::collector
