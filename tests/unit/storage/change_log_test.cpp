// What whoever keeps answers is told: of every way in which samples come, change and go.
#include <map>
#include <optional>
#include <random>
#include <set>

#include "core/histogram.h"
#include "storage/change_log.h"
#include "storage/memory/memory_storage.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

constexpr Millis kDay = std::chrono::hours(24);
const Labels kOfLog{{"__name__", "a"}};

template <class Store>
void ImportOne(Store& store, TimeMs time) {
  const auto writer = store.NewBulkWriter();
  Columns samples;
  samples.times.push_back(time.ms);
  samples.values.push_back(1);
  MustSucceed(writer->Add(MustHave(writer->Series(kOfLog)), samples));
  (void)MustHave(writer->Flush());
}

template <class Store>
void CheckStore(Store& store, TimeMs now) {
  REQUIRE(store.ChangesByTime() != nullptr);
  const ChangeLog& changes = *store.ChangesByTime();
  const auto changed = [&](const auto& change) {
    const std::uint64_t before = changes.Now();
    REQUIRE(changes.ChangedSince(before) == TimeMs::Max());
    change();
    return changes.ChangedSince(before);
  };
  CHECK(changed([&] { AppendOne(store, kOfLog, now, 1); }) == now);
  CHECK(changed([&] { AppendOne(store, kOfLog, now - kDay, 1); }) == now - kDay);
  CHECK(changed([&] {
          const auto appender = store.NewAppender();
          const SeriesId id = MustHave(appender->Series(kOfLog));
          appender->Add(id, now, 2);
          appender->AddRow(now - Millis(5000), std::vector{id}, std::vector{2.0});
          appender->AddStart(id, now - Millis(7000), now - Millis(9000));
          (void)MustHave(appender->Commit());
        }) == now - Millis(7000));
  CHECK(changed([&] {
          const auto appender = store.NewAppender();
          appender->AddHistogram(MustHave(appender->Series(kOfLog)), now - Millis(3000), StaleHistogram());
          (void)MustHave(appender->Commit());
        }) == now - Millis(3000));
  CHECK(changed([&] { ImportOne(store, now - 2 * kDay); }) == now - 2 * kDay);
  CHECK(changed([&] { MustSucceed(store.Delete({}, {now - kDay, now})); }) == now - kDay);
  CHECK(changed([&] { (void)store.NewAppender()->Commit(); }) == TimeMs::Max());
  CHECK(changed([&] { MustSucceed(store.Flush()); }) == TimeMs::Max());
}

}  // namespace

TEST_CASE("every change of samples is noted with its earliest time", "[storage][changes]") {
  RocksFixture fixture;
  CheckStore(fixture.Open(), fixture.clock.Now());
  const auto memory = NewMemoryStorage(fixture.options, fixture.clock);
  CheckStore(*memory, fixture.clock.Now());
}

TEST_CASE("days that go are a change of everything", "[storage][changes]") {
  RocksFixture fixture;
  fixture.options.retention = 3 * kDay;
  fixture.Open();
  const ChangeLog& changes = *fixture.store->ChangesByTime();
  AppendOne(*fixture.store, kOfLog, fixture.clock.Now() - 2 * kDay, 1);
  AppendOne(*fixture.store, kOfLog, fixture.clock.Now(), 1);
  MustSucceed(fixture.store->Flush());
  const std::uint64_t before = changes.Now();
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  CHECK(changes.ChangedSince(before) == TimeMs::Max());
  fixture.clock.Advance(2 * kDay);
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));  // the clock has to prove itself
  fixture.clock.Advance(std::chrono::hours(2));
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  fixture.clock.Advance(std::chrono::minutes(1));
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  CHECK(changes.ChangedSince(before) == TimeMs::Min());
  const std::uint64_t after = changes.Now();
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  CHECK(changes.ChangedSince(after) == TimeMs::Max());
}

TEST_CASE("a change under way counts for everybody, and later for those who may have missed it", "[storage][changes]") {
  ChangeLog log;
  std::optional<ChangeLog::Change> change(std::in_place, log, TimeMs(500));
  const std::uint64_t meanwhile = log.Now();
  CHECK(log.ChangedSince(meanwhile) == TimeMs(500));
  change.reset();
  CHECK(log.ChangedSince(meanwhile) == TimeMs(500));
  CHECK(log.ChangedSince(log.Now()) == TimeMs::Max());
}

TEST_CASE("what the log answers is never later than the truth, and near it", "[storage][changes]") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  ChangeLog log;
  std::vector<TimeMs> all;  // by number
  std::int64_t now = 1'700'000'000'000;
  for (int i = 0; i < 20'000; ++i) {
    now += random() % 3000;
    std::int64_t from = now - static_cast<std::int64_t>(random() % 2000);
    if (random() % 50 == 0) from -= static_cast<std::int64_t>(random() % 10'000'000);
    if (random() % 5000 == 0) from = TimeMs::Min().ms + static_cast<std::int64_t>(random() % 3);
    if (random() % 50 == 0) from = TimeMs::Max().ms - static_cast<std::int64_t>(random() % 3);
    all.emplace_back(from);
    const ChangeLog::Change change(log, TimeMs(from));
  }
  REQUIRE(log.Now() == all.size());
  TimeMs truth = TimeMs::Max();
  for (std::size_t number = all.size(); number-- > 0;) {
    truth = std::min(truth, all[number]);
    const TimeMs told = log.ChangedSince(number);
    REQUIRE(told <= truth);
    // Of the latest changes it knows more than of those of an hour ago.
    if (number + 200 > all.size() && truth.ms > 0) REQUIRE(truth.ms - told.ms < 20'000);
  }
}

}  // namespace vedette::storage
