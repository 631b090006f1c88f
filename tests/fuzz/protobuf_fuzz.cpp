// Any bytes as a protobuf exposition, for a target that wants all kinds of histograms: no crash, what goes to the store
// is valid, and the second scrape of the same bytes knows every series.
#include <prometheus/registry.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

#include "collector/scrape/target_appender.h"

namespace {

using namespace vedette;
using namespace vedette::collector;

/// Looks at what it is given and forgets it.
class WatchingStorage final : public storage::Storage {
 public:
  class Watcher final : public storage::Appender {
   public:
    explicit Watcher(WatchingStorage& owner) : owner_(owner) {}
    Result<storage::SeriesId> Series(const Labels& labels) override {
      VEDETTE_CHECK(storage::ValidateSeries(labels));
      return static_cast<storage::SeriesId>(owner_.ids_.try_emplace(labels, owner_.ids_.size() + 1).first->second);
    }
    storage::SeriesId FindSeries(const Labels&) override { return storage::SeriesId::kNone; }
    void Add(storage::SeriesId, TimeMs, double) override {}
    void AddRow(TimeMs, std::span<const storage::SeriesId> series, std::span<const double> values) override {
      if (series.size() != values.size()) std::abort();
    }
    void AddHistogram(storage::SeriesId, TimeMs, Histogram histogram) override {
      if (!ValidateHistogram(histogram)) std::abort();
    }
    void AddExemplar(storage::SeriesId, storage::Exemplar) override {}
    void AddStart(storage::SeriesId, TimeMs, TimeMs) override {}
    void SetMetadata(const Labels&, std::string_view, TimeMs, storage::MetricInfo) override {}
    void EndMetadata(const Labels&, TimeMs) override {}
    Result<storage::AppendOutcome> Commit() override { return storage::AppendOutcome{}; }

   private:
    WatchingStorage& owner_;
  };
  std::unique_ptr<storage::Appender> NewAppender(const storage::AppendOptions&) override {
    return std::make_unique<Watcher>(*this);
  }
  std::unique_ptr<storage::Querier> NewQuerier(TimeRange) const override { return nullptr; }
  storage::StoreStats Stats(std::size_t) const override { return {}; }
  Status Flush() override { return Ok(); }

 private:
  std::unordered_map<Labels, std::size_t> ids_;
};

/// Made once: the metrics of a scraper are many.
struct World {
  prometheus::Registry registry;
  ScrapeMetrics metrics{registry};
  ScrapeConfig job;
  World() {
    job.job_name = "fuzz";
    job.InheritFrom({});
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  Target target;
  target.labels = {{"instance", "i"}, {"job", "j"}};
  target.histograms = {(data[0] & 1) != 0, (data[0] & 2) != 0, (data[0] & 4) != 0};
  world.job.native_histogram_bucket_limit = (data[0] & 8) != 0 ? 3 : 0;
  world.job.native_histogram_min_bucket_factor = (data[0] & 16) != 0 ? 1.5 : 0;
  WatchingStorage store;
  MetadataPool pool;
  TargetAppender appender(store, world.metrics, pool);
  const ScrapeBody body{{reinterpret_cast<const char*>(data) + 1, size - 1}, ExpositionFormat::kProtobuf};
  const auto first = appender.Store(world.job, target, TimeMs(1'700'000'000'000), 0, body);
  const auto second = appender.Store(world.job, target, TimeMs(1'700'000'010'000), 0, body);
  if (first.status.has_value() != second.status.has_value()) std::abort();
  if (first.status && (second.added != 0 || first.kept != second.kept)) std::abort();
  return 0;
}
