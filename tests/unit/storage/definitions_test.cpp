// Definitions of series as bytes, and on their way from records to blocks, out of memory, back, and gone.
#include <random>

#include <rocksdb/write_batch.h>

#include "storage/rocks/definition_store.h"
#include "storage/rocks/keys.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

Labels SeriesLabels(std::uint64_t i) {
  return {{"__name__", "metric_" + std::to_string(i % 31)},
          {"instance", "host-" + std::to_string(i / 200)},
          {"job", "node"},
          {"n", std::to_string(i)}};
}

std::string Encode(std::span<const SeriesEntry> series) {
  DefinitionsEncoder encoder;
  std::vector<std::vector<LabelView>> views;
  for (const SeriesEntry& entry : series) {
    views.emplace_back(entry.labels.begin(), entry.labels.end());
    encoder.Add(entry.id, views.back());
  }
  return encoder.Take();
}

TEST_CASE("definitions come back as they were, in a few bytes per series", "[storage][series]") {
  std::vector<SeriesEntry> series;
  for (std::uint64_t i = 0; i < 500; ++i) series.push_back({SeriesId(1 + i * (i % 7 == 0 ? 3 : 1) + i * i), {}});
  for (std::uint64_t i = 0; i < 500; ++i) series[i].labels = SeriesLabels(i);
  series.push_back({SeriesId(UINT64_MAX - 1), {}});
  series.push_back({SeriesId(UINT64_MAX), {{"a", std::string(70'000, 'x')}, {"b", std::string("\0\xff", 2)}}});
  std::erase_if(series, [&](const SeriesEntry& entry) { return &entry != &series[0] && entry.id <= (&entry - 1)->id; });
  const std::string bytes = Encode(series);
  Definitions decoded;
  MustSucceed(decoded.Decode(bytes));
  REQUIRE(decoded.size() == series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    CHECK(decoded.id(i) == series[i].id);
    CHECK(decoded.LabelsOf(i) == series[i].labels);
    CHECK(decoded.Find(series[i].id) == i);
  }
  CHECK(decoded.Find(SeriesId(UINT64_MAX - 2)) == Definitions::kNotThere);
  CHECK(bytes.size() - 70'000 < series.size() * 14);
}

TEST_CASE("damaged definitions are refused or decode to label sets in order", "[storage][series]") {
  std::vector<SeriesEntry> series;
  for (std::uint64_t i = 0; i < 40; ++i) series.push_back({SeriesId(i + 1), SeriesLabels(i)});
  const std::string whole = Encode(series);
  Definitions decoded;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK(decoded.Decode(whole.substr(0, size)).error().code == Code::kCorruption);
    CHECK(decoded.empty());
  }
  CHECK(decoded.Decode(whole + "x").error().code == Code::kCorruption);
  CHECK(decoded.Decode("\x09" + whole.substr(1)).error().code == Code::kBadData);
  std::mt19937 random(9);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = whole;
    for (unsigned i = 0; i <= random() % 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (!decoded.Decode(bytes)) continue;
    bool in_order = true;
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      const Labels labels = decoded.LabelsOf(i);
      for (std::size_t l = 1; l < labels.size(); ++l) in_order = in_order && labels[l - 1].name < labels[l].name;
    }
    CHECK(in_order);
  }
}

std::size_t CountRows(RocksFixture& fixture, char tag) {
  fixture.store.reset();
  const auto database = MustHave(Database::Open(fixture.options, nullptr));
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> at(database->db().NewIterator(options, database->family(Family::kSeries)));
  std::size_t rows = 0;
  for (at->SeekToFirst(); at->Valid(); at->Next()) rows += at->key()[0] == tag ? 1 : 0;
  return rows;
}

std::vector<SeriesId> AppendMany(Storage& store, TimeMs time, std::uint64_t begin, std::uint64_t end) {
  const auto appender = store.NewAppender();
  std::vector<SeriesId> ids;
  for (std::uint64_t i = begin; i < end; ++i) ids.push_back(MustHave(appender->Series(SeriesLabels(i))));
  appender->AddRow(time, ids, std::vector<double>(ids.size(), 1));
  CHECK(MustHave(appender->Commit()).stored == ids.size());
  return ids;
}

TEST_CASE("a start finds series in records and in any number of blocks", "[storage][series]") {
  const std::uint64_t count = GENERATE(std::uint64_t{1}, std::uint64_t{511}, std::uint64_t{512}, std::uint64_t{5000});
  INFO(count);
  RocksFixture fixture;
  fixture.tuning.journal_samples = 1'000'000;
  const auto ids = AppendMany(fixture.Open(), fixture.clock.Now(), 0, count);
  CHECK(CountRows(fixture, kSeriesRecordTag) == 1);
  CHECK(CountRows(fixture, kSeriesBlockTag) == 0);
  CHECK(AppendMany(fixture.Open(), fixture.clock.Now() + Millis(1), 0, count) == ids);
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  CHECK(CountRows(fixture, kSeriesRecordTag) == 0);
  CHECK(CountRows(fixture, kSeriesBlockTag) == (count + 511) / 512);
  CHECK(CountRows(fixture, 'h') == count);
  CHECK(AppendMany(fixture.Open(), fixture.clock.Now() + Millis(2), 0, count) == ids);
  CHECK(fixture.store->Stats(1).head_series == count);
  CHECK(MustHave(fixture.store->NewQuerier(TimeRange())->Select({})).size() == count);
  CHECK(ReadAll(*fixture.store, ids.back()).size() == 3);
  // An id behind all of them.
  const auto more = AppendMany(fixture.Open(), fixture.clock.Now(), count, count + 1);
  CHECK(static_cast<std::uint64_t>(more[0]) == count + 1);
}

TEST_CASE("series that were named early and used late go into blocks that are there", "[storage][series]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  std::mt19937 random(6);
  std::vector<SeriesId> ids;
  const auto appender = store.NewAppender();
  for (std::uint64_t i = 0; i < 3000; ++i) ids.push_back(MustHave(appender->Series(SeriesLabels(i))));
  std::vector<std::size_t> order(ids.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::shuffle(order, random);
  for (std::size_t i = 0; i < order.size(); ++i) {
    appender->Add(ids[order[i]], fixture.clock.Now(), static_cast<double>(order[i]));
    if (i % 150 != 149) continue;
    CHECK(MustHave(appender->Commit()).stored == 150);
    MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  }
  fixture.clock.Advance(std::chrono::hours(2));
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  CHECK(store.Stats(1).head_series == 0);
  const auto found = MustHave(store.NewQuerier(TimeRange())->Select({}));
  REQUIRE(found.size() == ids.size());
  // Back by labels and by id, in any order.
  for (std::size_t i = 0; i < 200; ++i) CHECK(MustHave(appender->Series(SeriesLabels(order[i]))) == ids[order[i]]);
  for (std::size_t i = 200; i < 400; ++i) appender->Add(ids[order[i]], fixture.clock.Now(), 1);
  CHECK(MustHave(appender->Commit()).stored == 200);
  CHECK(store.Stats(1).head_series == 400);
  for (std::size_t i = 0; i < 400; i += 37) {
    CHECK(ReadAll(store, ids[order[i]]).values.front() == static_cast<double>(order[i]));
  }
  CHECK(CountRows(fixture, kSeriesBlockTag) <= 12);
  CHECK(CountRows(fixture, 'h') == ids.size());
}

TEST_CASE("a querier names series that left memory after it was made", "[storage][series]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  AppendMany(store, fixture.clock.Now(), 0, 50);
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  AppendMany(store, fixture.clock.Now(), 50, 100);
  MustSucceed(store.Flush());
  AppendMany(store, fixture.clock.Now(), 100, 150);
  const auto querier = store.NewQuerier(TimeRange());
  fixture.clock.Advance(std::chrono::hours(2));
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  CHECK(store.Stats(1).head_series <= 50);  // those whose samples the querier still needs
  CHECK(MustHave(querier->Select({})).size() >= 100);
  CHECK(MustHave(store.NewQuerier(TimeRange())->Select({})).size() == 150);
}

TEST_CASE("churn leaves neither definitions nor rows by hash behind", "[storage][series]") {
  RocksFixture fixture;
  fixture.options.retention = std::chrono::hours(24 * 2);
  std::uint64_t next = 0;
  std::uint64_t last_id = 0;
  for (int day = 0; day < 8; ++day) {
    RocksStorage& store = day % 3 == 0 ? fixture.Open() : *fixture.store;
    const auto ids = AppendMany(store, fixture.clock.Now(), next, next + 700);
    CHECK(static_cast<std::uint64_t>(ids.front()) > last_id);
    last_id = static_cast<std::uint64_t>(ids.back());
    next += 700;
    AppendOne(store, {{"__name__", "stays"}}, fixture.clock.Now(), day);
    fixture.clock.Advance(std::chrono::hours(24));
    MustSucceed(store.RunMaintenance(fixture.clock.Now()));
    MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  }
  fixture.clock.Advance(std::chrono::hours(24));
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  CHECK(CountRows(fixture, 'h') <= 4 * 700 + 1);
  CHECK(CountRows(fixture, kSeriesBlockTag) <= 12);
  RocksStorage& store = fixture.Open();
  CHECK(ReadAll(store, AppendOne(store, {{"__name__", "stays"}}, fixture.clock.Now(), 99)).values.back() == 99);
  const auto again = AppendMany(store, fixture.clock.Now(), 0, 1);
  CHECK(static_cast<std::uint64_t>(again[0]) > last_id);
}

}  // namespace
}  // namespace vedette::storage
