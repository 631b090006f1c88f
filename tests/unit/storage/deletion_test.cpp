// Deleting, bulk loads and snapshots: the same promises in both engines, and what only files can do.
#include <cmath>
#include <filesystem>
#include <random>

#include "storage/memory/memory_storage.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/snapshot.h"
#include "storage/rocks/tombstones.h"
#include "storage/rocks/verify.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

const Labels kOne{{"__name__", "m"}, {"only", "one"}};
const Labels kTwo{{"__name__", "m"}, {"job", "two"}};
const Matcher kIsOne = Matcher::Equal("only", "one");

Column<std::int64_t> TimesOf(const Querier& querier, SeriesId id) {
  Columns out;
  MustSucceed(querier.Read(id, TimeRange(), out));
  return out.times;
}

std::vector<std::string> NamesIn(const Storage& store) { return MustHave(store.NewQuerier({})->LabelNames({})); }
std::vector<std::string> ValuesIn(const Storage& store, const char* name) {
  return MustHave(store.NewQuerier({})->LabelValues(name, {}));
}

/// Deletes in the middle, then all of a series, and looks at every step with queriers from before and after.
template <class Store>
void CheckDelete(Store& store, TimeMs now, const std::function<void(Storage&)>& maintain) {
  std::vector<std::int64_t> all;
  SeriesId one = SeriesId::kNone, two = SeriesId::kNone;
  for (int i = 0; i < 40; ++i) {
    const TimeMs time = now - Millis((40 - i) * 60'000LL);
    one = AppendOne(store, kOne, time, i);
    two = AppendOne(store, kTwo, time, i);
    all.push_back(time.ms);
  }
  maintain(store);
  const auto before = store.NewQuerier({});
  const TimeRange middle{TimeMs(all[10]), TimeMs(all[29])};
  MustSucceed(store.Delete(std::span(&kIsOne, 1), middle));
  std::vector<std::int64_t> rest(all.begin(), all.begin() + 10);
  rest.insert(rest.end(), all.begin() + 30, all.end());
  CHECK(TimesOf(*before, one) == all);
  CHECK(TimesOf(*store.NewQuerier({}), one) == rest);
  CHECK(TimesOf(*store.NewQuerier({}), two) == all);
  CHECK(MustHave(store.NewQuerier(middle)->Select({})).size() == 1);
  CHECK(MustHave(store.NewQuerier({})->Select({})).size() == 2);

  // What arrives later for a deleted time is new.
  AppendOne(store, kOne, TimeMs(all[15]), 7);
  rest.insert(rest.begin() + 10, all[15]);
  CHECK(TimesOf(*store.NewQuerier({}), one) == rest);
  maintain(store);
  CHECK(TimesOf(*store.NewQuerier({}), one) == rest);
  CHECK(TimesOf(*before, one) == all);

  MustSucceed(store.Delete(std::span(&kIsOne, 1), TimeRange()));
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round);
    CHECK(TimesOf(*store.NewQuerier({}), one).empty());
    CHECK(MustHave(store.NewQuerier({})->Select(std::span(&kIsOne, 1))).empty());
    CHECK(NamesIn(store) == std::vector<std::string>{"__name__", "job"});
    CHECK(ValuesIn(store, "only").empty());
    CHECK(ValuesIn(store, "__name__") == std::vector<std::string>{"m"});
    CHECK(TimesOf(*store.NewQuerier({}), two) == all);
    if (round == 0) CHECK(TimesOf(*before, one) == all);
    if (round == 0) MustSucceed(store.CleanTombstones());
    if (round == 1) MustSucceed(store.Flush());
  }
  // The series comes back with its next sample.
  const auto appender = store.NewAppender();
  appender->Add(one, now, 1);
  CHECK(MustHave(appender->Commit()).stored == 1);
  CHECK(ValuesIn(store, "only") == std::vector<std::string>{"one"});
  maintain(store);
  MustSucceed(store.Flush());
  CHECK(TimesOf(*store.NewQuerier({}), one) == std::vector<std::int64_t>{now.ms});
}

TEST_CASE("deleted samples are gone for new queriers, and series without samples are not listed", "[storage][delete]") {
  SECTION("in memory") {
    test::FakeClock clock{TimeMs::FromSeconds(1'700'000'000)};
    StorageOptions options;
    options.retention = Millis(0);
    const auto store = NewMemoryStorage(options, clock);
    CheckDelete(*store, clock.Now(), [](Storage&) {});
  }
  SECTION("on disk") {
    RocksFixture fixture;
    const auto maintain = [&](Storage&) { MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now())); };
    CheckDelete(fixture.Open(), fixture.clock.Now(), maintain);
  }
  SECTION("on disk, nothing sealed yet") {
    RocksFixture fixture;
    fixture.options.chunk_samples = 1000;
    fixture.tuning.journal_samples = 100'000;
    CheckDelete(fixture.Open(), fixture.clock.Now(), [](Storage&) {});
  }
}

TEST_CASE("a deletion survives restarts before and after the space is free", "[storage][delete]") {
  RocksFixture fixture;
  RocksStorage* store = &fixture.Open();
  SeriesId one = SeriesId::kNone;
  for (int i = 0; i < 30; ++i) one = AppendOne(*store, kOne, fixture.clock.Now() - Millis(i * 1000), i);
  AppendOne(*store, kTwo, fixture.clock.Now(), 1);
  MustSucceed(store->Delete(std::span(&kIsOne, 1), {fixture.clock.Now() - Millis(9'000), TimeMs::Max()}));
  for (int round = 0; round < 4; ++round) {
    INFO("round " << round);
    store = &fixture.Open();
    CHECK(ReadAll(*store, one).size() == 20);
    if (round == 1) MustSucceed(store->CleanTombstones());
    if (round == 2) MustSucceed(store->Delete(std::span(&kIsOne, 1), TimeRange()));
    if (round == 2) break;
  }
  for (int round = 0; round < 2; ++round) {
    INFO("round " << round);
    store = &fixture.Open();
    CHECK(ReadAll(*store, one).size() == 0);
    CHECK(MustHave(store->NewQuerier({})->Select(std::span(&kIsOne, 1))).empty());
    CHECK(ValuesIn(*store, "only").empty());
    CHECK(NamesIn(*store) == std::vector<std::string>{"__name__", "job"});
    MustSucceed(store->CleanTombstones());
    CHECK(NamesIn(*store) == std::vector<std::string>{"__name__", "job"});
  }
  fixture.store.reset();
  for (const std::string& problem : MustHave(VerifyStore(fixture.options.path, false)).problems) CHECK(problem == "");
}

TEST_CASE("tombstones are read back as written, and damage is refused", "[storage][delete]") {
  const Tombstone written{7, {TimeMs(-5), TimeMs::Max()}, 12, {SeriesId(1), SeriesId(2), SeriesId(900)}};
  const std::string bytes = EncodeTombstone(written);
  const Tombstone read = MustHave(DecodeTombstone(7, bytes));
  CHECK(read.range == written.range);
  CHECK(read.seal == written.seal);
  CHECK(read.series == written.series);
  for (std::size_t n = 0; n < 4; ++n) CHECK(!DecodeTombstone(7, std::string_view(bytes).substr(0, n)));
  CHECK(DecodeTombstone(7, "\x09").error().code == Code::kBadData);
}

TEST_CASE("a bulk load appears at Flush(), merges with what is there and survives a restart", "[storage][bulk]") {
  RocksFixture fixture;
  RocksStorage* store = &fixture.Open();
  const TimeMs now = fixture.clock.Now();
  const SeriesId old = AppendOne(*store, kOne, now - Millis(3 * kDayMs), 1);
  {
    const auto bulk = store->NewBulkWriter();
    Columns samples;
    for (const Labels& labels : {kOne, kTwo}) {
      // Three days, newest first.
      for (int i = 0; i < 3 * 24; ++i) {
        samples.times.push_back((now - Millis(i * 3'600'000LL)).ms);
        samples.values.push_back(i);
      }
      MustSucceed(bulk->Add(MustHave(bulk->Series(labels)), samples));
      CHECK(samples.size() == 0);
    }
    samples.times = {(now + Millis(3 * kDayMs)).ms};
    samples.values = {1};
    MustSucceed(bulk->Add(old, samples));
    const BulkOutcome outcome = MustHave(bulk->Flush());
    CHECK(outcome.stored == 2 * 3 * 24);
    CHECK(outcome.too_new == 1);
    CHECK(MustHave(bulk->Flush()).stored == 0);
  }
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round);
    CHECK(ReadAll(*store, old).size() == 3 * 24 + 1);
    const auto found = MustHave(store->NewQuerier({now - Millis(7'200'000), now})->Select({}));
    CHECK(found.size() == 2);
    if (round == 0) MustSucceed(store->Flush());
    if (round == 1) store = &fixture.Open();
  }
  const SeriesId two = MustHave(store->NewAppender()->Series(kTwo));
  CHECK(ReadAll(*store, two).size() == 3 * 24);
  // Deleting reaches what was loaded.
  MustSucceed(store->Delete(std::span(&kIsOne, 1), TimeRange()));
  CHECK(ReadAll(*store, old).size() == 0);
}

TEST_CASE("a snapshot is a data directory with everything acknowledged before it", "[storage][snapshot]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  SeriesId id = SeriesId::kNone;
  for (int i = 0; i < 20; ++i) id = AppendOne(store, kOne, fixture.clock.Now() + Millis(i), i);
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  AppendOne(store, kOne, fixture.clock.Now() + Millis(20), 20);
  const std::string snapshot = MustHave(store.Snapshot());
  AppendOne(store, kOne, fixture.clock.Now() + Millis(21), 21);
  MustSucceed(store.Flush());
  fixture.store.reset();

  const std::string data = fixture.options.path, copy = fixture.dir.Sub("copy");
  CHECK(std::filesystem::path(snapshot).filename().string().starts_with("20231114T221320Z-"));
  MustSucceed(CopyDataDirectory(snapshot, copy, true));
  CHECK(CopyDataDirectory(snapshot, copy, true).error().code == Code::kBadData);
  CHECK(CopyDataDirectory(fixture.dir.Sub("nothing"), fixture.dir.Sub("x"), false).error().code == Code::kNotFound);
  for (const std::string& path : {snapshot, copy, data}) {
    INFO(path);
    fixture.options.path = path;
    CHECK(ReadAll(fixture.Open(), id).size() == (path == data ? 22 : 21));
    fixture.store.reset();
  }
}

TEST_CASE("the oldest days go when the store is larger than it may be, the last stays", "[storage][retention]") {
  RocksFixture fixture;
  RocksStorage* store = &fixture.Open();
  const auto bulk = store->NewBulkWriter();
  Columns samples;
  for (int day = 5; day >= 0; --day) {
    for (int i = 0; i < 2000; ++i) {
      samples.times.push_back((fixture.clock.Now() - Millis(day * kDayMs) - Millis(i * 1000)).ms);
      samples.values.push_back(std::sin(i * 0.1 + day));  // not to be compressed
    }
  }
  const SeriesId id = MustHave(bulk->Series(kOne));
  MustSucceed(bulk->Add(id, samples));
  MustHave(bulk->Flush());
  fixture.options.retention_bytes = 40'000;
  store = &fixture.Open();
  MustSucceed(store->RunMaintenance(fixture.clock.Now()));
  const std::size_t left = ReadAll(*store, id).size();
  CHECK(left >= 2000);
  CHECK(left <= 6000);
  CHECK(ReadAll(*store, id).times.back() == fixture.clock.Now().ms);
  fixture.options.retention_bytes = 1;
  store = &fixture.Open();
  MustSucceed(store->RunMaintenance(fixture.clock.Now()));
  CHECK(ReadAll(*store, id).size() == 2000);
}

TEST_CASE("what waits for a feed costs no day of the store", "[storage][retention][feed]") {
  const auto table_bytes = [](const std::string& path) {
    std::uint64_t sum = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(path)) {
      if (file.path().extension() == ".sst") sum += file.file_size();
    }
    return sum;
  };
  std::uint64_t fits = 0;
  for (const bool with_feed : {false, true}) {
    RocksFixture fixture;
    RocksStorage* store = &fixture.Open();
    std::unique_ptr<FeedReader> feed;
    if (with_feed) feed = MustHave(store->OpenFeed("away", false));
    std::mt19937 random(5);
    constexpr int kCommits = 300;
    std::vector<SeriesId> ids;
    for (int n = 0; n < kCommits; ++n) {
      const TimeMs time = fixture.clock.Now();
      const auto appender = store->NewAppender();
      ids.clear();
      std::vector<double> values;
      for (int i = 0; i < 20; ++i) {
        ids.push_back(MustHave(appender->Series(Labels{{"__name__", "m"}, {"i", std::to_string(i)}})));
        values.push_back(std::ldexp(static_cast<double>(random()), -17));
      }
      appender->AddRow(time, ids, values);
      (void)MustHave(appender->Commit());
      if (n % 10 == 9) MustSucceed(store->RunMaintenance(time));
      fixture.clock.Advance(Millis(3 * kDayMs / kCommits));
    }
    MustSucceed(store->Flush());
    const std::uint64_t bytes = table_bytes(fixture.options.path);
    if (!with_feed) fits = bytes + bytes / 5;
    if (with_feed) CHECK(bytes > fits);  // the journal comes on top
    INFO(bytes << " bytes, " << fits << " fit");
    feed.reset();
    fixture.options.retention_bytes = fits;
    store = &fixture.Open();
    MustSucceed(store->RunMaintenance(fixture.clock.Now()));
    CHECK(ReadAll(*store, ids[0]).size() == kCommits);
  }
}

TEST_CASE("retention rules take whole days of the series they match", "[storage][retention]") {
  RocksFixture fixture;
  fixture.options.retention_rules = {{{kIsOne}, std::chrono::hours(48)}};
  RocksStorage& store = fixture.Open();
  SeriesId one = SeriesId::kNone, two = SeriesId::kNone;
  for (int day = 6; day >= 0; --day) {
    one = AppendOne(store, kOne, fixture.clock.Now() - Millis(day * kDayMs), day);
    two = AppendOne(store, kTwo, fixture.clock.Now() - Millis(day * kDayMs), day);
  }
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  CHECK(ReadAll(store, one).values == std::vector<double>{2, 1, 0});
  CHECK(ReadAll(store, two).size() == 7);
  fixture.clock.Advance(std::chrono::hours(24));
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  CHECK(ReadAll(store, one).values == std::vector<double>{1, 0});
}

}  // namespace
}  // namespace vedette::storage
