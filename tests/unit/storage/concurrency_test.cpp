// Appenders, queriers, sealing and eviction at once: readers see whole commits, in order, and never lose a sample.
#include <atomic>
#include <thread>

#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

constexpr int kWriters = 2;
constexpr int kSeries = 70;  // of each writer: more than one shard of the head
constexpr int kCommitsEach = 300;

TEST_CASE("snapshots stay whole while others append, seal, spill and evict", "[storage][threads]") {
  RocksFixture fixture;
  fixture.tuning.evict_after = Millis(0);
  RocksStorage& store = fixture.Open();
  const std::int64_t start = fixture.clock.Now().ms - 1'000'000;
  std::vector<std::vector<SeriesId>> ids(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    const auto appender = store.NewAppender();
    for (int i = 0; i < kSeries; ++i) {
      ids[static_cast<std::size_t>(w)].push_back(
          MustHave(appender->Series({{"w", std::to_string(w)}, {"i", std::to_string(i)}})));
    }
  }
  std::vector<std::atomic<int>> acknowledged(kWriters);
  std::atomic<int> writing{kWriters}, failures{0};

  const auto write = [&](std::size_t w) {
    const auto appender = store.NewAppender();
    for (int n = 0; n < kCommitsEach; ++n) {
      const std::vector<double> values(kSeries, n);
      appender->AddRow(TimeMs(start + n * 1000), ids[w], values);
      const auto outcome = appender->Commit();
      if (!outcome || outcome->stored != kSeries) ++failures;
      acknowledged[w] = n + 1;
    }
    --writing;
  };
  // Each snapshot holds n whole rows of a writer: at least those acknowledged before it was made.
  const auto read = [&] {
    do {
      for (std::size_t w = 0; w < kWriters; ++w) {
        const auto at_least = static_cast<std::size_t>(acknowledged[w]);
        const auto querier = store.NewQuerier(TimeRange());
        Columns first, other;
        if (!querier->Read(ids[w].front(), TimeRange(), first) || first.size() < at_least) ++failures;
        for (const SeriesId id : ids[w]) {
          other.clear();
          if (!querier->Read(id, TimeRange(), other) || other.times != first.times || other.values != first.values) {
            ++failures;
          }
        }
        const Matcher matcher = Matcher::Equal("w", std::to_string(w));
        const auto found = querier->Select(std::span(&matcher, 1));
        if (!found || (!first.times.empty() && found->size() != kSeries)) ++failures;
      }
    } while (writing > 0);
  };
  const auto maintain = [&] {
    do {
      if (!store.RunMaintenance(fixture.clock.Now())) ++failures;
      (void)store.Stats(3);
    } while (writing > 0);
    if (!store.Flush()) ++failures;
  };
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < kWriters; ++w) threads.emplace_back(write, w);
  threads.emplace_back(read);
  threads.emplace_back(read);
  threads.emplace_back(maintain);
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  fixture.Open();
  for (const auto& row : ids) {
    for (const SeriesId id : row) CHECK(ReadAll(*fixture.store, id).size() == kCommitsEach);
  }
}

}  // namespace
}  // namespace vedette::storage
