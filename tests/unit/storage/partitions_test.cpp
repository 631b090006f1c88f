// Days on disk: seal rounds as table files, re-packing while readers and late samples come and go, leftovers of a
// crash.
#include <array>
#include <filesystem>

#include "storage/chunk/chunk.h"
#include "storage/rocks/chunk_writer.h"
#include "storage/rocks/inspect.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/table_writer.h"
#include "storage/rocks/verify.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

constexpr std::int32_t kDay = 19'000;

Result<std::unique_ptr<Database>> OpenDatabase(RocksFixture& fixture) {
  return Database::Open(fixture.options, nullptr);
}

std::vector<std::string> KeysOf(Database& database, Family family, const rocksdb::Snapshot* snapshot = nullptr) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.snapshot = snapshot;
  const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator(options, database.family(family)));
  std::vector<std::string> keys;
  for (at->SeekToFirst(); at->Valid(); at->Next()) keys.push_back(at->key().ToString());
  CHECK(at->status().ok());
  return keys;
}

std::string Key(std::int32_t day, std::uint64_t series, std::uint32_t seal = 1) {
  return EncodeChunkKey({day, SeriesId(series), StartOfDay(day), seal});
}

TEST_CASE("table files appear at once and replace what was there before, for new snapshots only", "[storage][files]") {
  RocksFixture fixture;
  const auto database = MustHave(OpenDatabase(fixture));
  const std::string value(100, 'v');
  for (const int round : {1, 2}) {
    const rocksdb::Snapshot* before = database->db().GetSnapshot();
    const std::size_t rows_before = KeysOf(*database, Family::kBlocks).size();
    // Files of a few rows each: the ranges they replace must join without a gap and without an overlap.
    TableWriter table(*database, Family::kBlocks, 1);
    table.Replace(DayPrefix(kDay), DayPrefix(kDay + 1));
    for (std::uint64_t series = static_cast<std::uint64_t>(round); series < 40; series += 2) {
      MustSucceed(table.Put(Key(kDay, series), value));
    }
    CHECK(KeysOf(*database, Family::kBlocks).size() == rows_before);
    MustSucceed(table.Ingest());
    CHECK(KeysOf(*database, Family::kBlocks).size() == (round == 1 ? 20 : 19));
    CHECK(KeysOf(*database, Family::kBlocks, before).size() == rows_before);
    database->db().ReleaseSnapshot(before);
  }
  for (const std::string& key : KeysOf(*database, Family::kBlocks)) {
    CHECK(static_cast<std::uint64_t>(ParseChunkKey(key)->series) % 2 == 0);
  }
  CHECK(std::filesystem::is_empty(fixture.options.path + "/ingest"));
}

TEST_CASE("a table that is not ingested leaves nothing, not even after a crash", "[storage][files]") {
  RocksFixture fixture;
  auto database = MustHave(OpenDatabase(fixture));
  {
    TableWriter table(*database, Family::kChunks);
    MustSucceed(table.Put(Key(kDay, 1), "v"));
  }
  CHECK(std::filesystem::is_empty(fixture.options.path + "/ingest"));
  const std::string left = database->NewTableFileName();
  fixture.dir.Write("data/ingest/" + left.substr(left.rfind('/') + 1), "half a file");
  database.reset();
  database = MustHave(OpenDatabase(fixture));
  CHECK(std::filesystem::is_empty(fixture.options.path + "/ingest"));
  CHECK(KeysOf(*database, Family::kChunks).empty());
}

TEST_CASE("small rounds go through the log, large ones become a file; both are read back", "[storage][files]") {
  RocksFixture fixture;
  const auto database = MustHave(OpenDatabase(fixture));
  ChunkWriter writer(*database, 1000);
  const std::vector<std::int64_t> times{StartOfDay(kDay).ms, StartOfDay(kDay).ms + 15'000};
  const std::vector<double> values{1.5, 2.5};
  for (const std::uint64_t series : {2, 300}) {
    rocksdb::WriteBatch batch;
    // Not in key order: rounds collect series by shard.
    for (std::uint64_t id = series; id > 0; --id)
      writer.Add(kDay, SeriesId(id), static_cast<std::uint32_t>(series), times, values);
    CHECK(writer.days() == std::set<std::int32_t>{kDay});
    MustSucceed(writer.Finish(batch));
    CHECK((batch.Count() == 0) == (series == 300));
    MustSucceed(database->Write(batch, false));
    CHECK(writer.chunks() == 0);
  }
  CHECK(KeysOf(*database, Family::kChunks).size() == 302);
}

TEST_CASE("re-packing moves a day into bundles; old and new queriers and late samples lose nothing",
          "[storage][files]") {
  RocksFixture fixture;
  RocksStorage* store = &fixture.Open();
  const Labels labels{{"__name__", "a"}};
  SeriesId id = SeriesId::kNone;
  const TimeMs start = StartOfDay(DayOf(fixture.clock.Now())) - Millis(3 * kDayMs);
  std::size_t count = 0;
  const auto append = [&](Millis offset) {
    id = AppendOne(*store, labels, start + offset, static_cast<double>(offset.count()));
    ++count;
  };
  for (int i = 0; i < 100; ++i) append(Millis(i * 60'000));
  MustSucceed(store->RunMaintenance(fixture.clock.Now()));
  const auto before = store->NewQuerier(TimeRange());
  MustSucceed(store->Flush());
  const auto packed = store->NewQuerier(TimeRange());
  append(Millis(30'500));  // late, in a packed day
  for (int round = 0; round < 2; ++round) {
    INFO("round " << round);
    CHECK(ReadAll(*store, id).size() == count);
    Columns out;
    if (round == 0) {
      MustSucceed(before->Read(id, TimeRange(), out));
      CHECK(out.size() == count - 1);
      out.clear();
      MustSucceed(packed->Read(id, TimeRange(), out));
      CHECK(out.size() == count - 1);
    }
    MustSucceed(store->Flush());
  }
}

TEST_CASE("re-packed days hold their series in bundles, and none of the old rows", "[storage][files]") {
  RocksFixture fixture;
  fixture.tuning.repack_samples = 1000;
  RocksStorage& store = fixture.Open();
  const TimeMs start = StartOfDay(DayOf(fixture.clock.Now())) - Millis(3 * kDayMs);
  for (int i = 0; i < 400; ++i) {
    const auto appender = store.NewAppender();
    for (const char* name : {"a", "b", "c"}) {
      appender->Add(MustHave(appender->Series({{"__name__", name}})), start + Millis(i * 300'000), i);
    }
    MustHave(appender->Commit());
  }
  MustSucceed(store.Flush());
  const SeriesId id = MustHave(store.NewAppender()->Series({{"__name__", "b"}}));
  CHECK(ReadAll(store, id).size() == 400);
  fixture.store.reset();
  const auto database = MustHave(OpenDatabase(fixture));
  CHECK(KeysOf(*database, Family::kChunks).empty());
  CHECK(KeysOf(*database, Family::kBlocks).empty());
  CHECK(KeysOf(*database, Family::kBundles).size() == 2);  // days
}

TEST_CASE("a series with too many samples for a bundle moves to rows of its own, and back when most are deleted",
          "[storage][files]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  const TimeMs start = StartOfDay(DayOf(fixture.clock.Now())) - Millis(3 * kDayMs);
  const Labels many{{"__name__", "many"}}, few{{"__name__", "few"}};
  const auto append = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      AppendOne(store, many, start + Millis(i * 1000), i % 7 * 0.7);
      if (i % 10 == 0) AppendOne(store, few, start + Millis(i * 1000), i);
    }
    MustSucceed(store.Flush());
  };
  const auto check = [&](std::size_t samples) {
    const SeriesId id = MustHave(store.NewAppender()->Series(many));
    CHECK(ReadAll(store, id).size() == samples);
    CHECK(ReadAll(store, MustHave(store.NewAppender()->Series(few))).size() == 40);
  };
  append(0, 200);
  append(200, 400);
  check(400);
  const auto rows_of_many = [&] {
    const StoreReport report = MustHave(InspectStore(MustHave(store.Snapshot())));
    return report.days.front().packed - report.days.front().bundles;
  };
  CHECK(rows_of_many() == 7);  // and one bundle of one part
  MustSucceed(
      store.Delete(std::array{Matcher::Equal("__name__", "many")}, {start + Millis(100'000), start + Millis(400'000)}));
  MustSucceed(store.CleanTombstones());
  check(100);
  append(0, 1);
  check(100);
  CHECK(rows_of_many() == 2);  // one bundle of three parts
}

TEST_CASE("deleting the last series of a bundle leaves its neighbours and the next bundle", "[storage][files]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  const TimeMs start = StartOfDay(DayOf(fixture.clock.Now())) - Millis(3 * kDayMs);
  std::vector<SeriesId> ids;
  for (int n = 0; n < 12; ++n) {
    for (int i = 0; i < 20; ++i) {
      const SeriesId id = AppendOne(store, {{"n", std::to_string(n)}}, start + Millis(i * 1000), i * n);
      if (i == 0) ids.push_back(id);
    }
  }
  MustSucceed(store.Flush());
  CHECK(MustHave(InspectStore(MustHave(store.Snapshot()))).days.front().bundles == 3);
  MustSucceed(store.Delete(std::array{MustHave(Matcher::Create(MatchOp::kRegex, "n", "4|5|11"))}, TimeRange()));
  MustSucceed(store.CleanTombstones());
  for (int n = 0; n < 12; ++n) {
    const bool gone = n == 4 || n == 5 || n == 11;
    CHECK(ReadAll(store, ids[static_cast<std::size_t>(n)]).size() == (gone ? 0 : 20));
  }
  const std::string path = MustHave(store.Snapshot());
  CHECK(MustHave(VerifyStore(path, false)).problem_count == 0);
  const DayReport day = MustHave(InspectStore(path)).days.front();
  CHECK(day.bundles == 3);
  CHECK(day.packed == 9);
}

TEST_CASE("a directory of the development format before is refused", "[storage][files]") {
  RocksFixture fixture;
  {
    const auto database = MustHave(OpenDatabase(fixture));
    rocksdb::WriteBatch batch;
    database->PutNumber(batch, kMetaVersion, 1);
    MustSucceed(database->Write(batch, true));
  }
  const auto opened = fixture.TryOpen();
  REQUIRE(!opened);
  CHECK(opened.error().code == Code::kBadData);
  CHECK(opened.error().message.find("version 1 is older than 2") != std::string::npos);
}

}  // namespace
}  // namespace vedette::storage
