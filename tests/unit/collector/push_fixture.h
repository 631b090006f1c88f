// A memory store behind an Intake, and what is in it as text: for the tests of the receivers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "collector/push/intake.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::test {

class PushFixture {
 public:
  explicit PushFixture(const collector::PushOptions& options = {})
      : store(storage::NewMemoryStorage({}, clock)), intake(*store, clock, registry, options) {}

  /// Series with their samples and histograms, times from `start` on.
  std::string Stored() const {
    const auto querier = store->NewQuerier({});
    std::string out;
    for (const auto& series : MustHave(querier->Select({}))) {
      storage::Columns columns;
      storage::HistogramColumns histograms;
      MustSucceed(querier->ReadMixed(series.id, {}, columns, histograms));
      out += series.labels.ToString();
      for (std::size_t i = 0; i < columns.size(); ++i) {
        out += fmt::format(" {}@{}", FormatSampleValue(columns.values[i]), columns.times[i] - start.ms);
      }
      for (std::size_t i = 0; i < histograms.size(); ++i) {
        out += fmt::format(" {}@{}", Text(histograms.histograms[i]), histograms.times[i] - start.ms);
      }
      std::vector<storage::StartTime> starts;
      MustSucceed(querier->ReadStarts(series.id, starts));
      for (const storage::StartTime& s : starts) out += fmt::format(" from {}", s.start.ms - start.ms);
      out += '\n';
    }
    return out;
  }
  static std::string Text(const Histogram& h) {
    std::string out =
        fmt::format("{}[s{} {}/{} z{}", h.integers ? "int" : "float", h.layout->schema, h.count, h.sum, h.zero_count);
    for (std::size_t i = 0; i < h.counts.size(); ++i) {
      const auto& positive = h.layout->positive;
      out += i < positive.size() ? fmt::format(" {}:{}", positive[i], h.counts[i])
                                 : fmt::format(" -{}:{}", h.layout->negative[i - positive.size()], h.counts[i]);
    }
    for (const double bound : h.layout->bounds) out += fmt::format(" <{}", bound);
    return out + "]";
  }
  std::string Said() const {
    std::string out;
    MustSucceed(store->NewQuerier({})->VisitMetadata({}, [&](const storage::MetadataEntry& entry) {
      out += fmt::format("{} {} {} '{}' '{}'\n", entry.target.ToString(), entry.family, entry.info.type,
                         entry.info.help, entry.info.unit);
      return true;
    }));
    return out;
  }
  std::string Exemplars() const {
    const std::vector<std::vector<Matcher>> all(1);
    std::string out;
    for (const auto& series : MustHave(store->NewQuerier({})->Exemplars(all, {}))) {
      for (const auto& e : series.exemplars) {
        out +=
            fmt::format("{} {} {}@{}\n", series.series.ToString(), e.labels.ToString(), e.value, e.time.ms - start.ms);
      }
    }
    return out;
  }
  std::string Metrics() const { return prometheus::TextSerializer().Serialize(registry.Collect()); }

  FakeClock clock;
  const TimeMs start = clock.Now();
  prometheus::Registry registry;
  std::unique_ptr<storage::Storage> store;
  collector::Intake intake;
};

}  // namespace vedette::test
