// `storage inspect` and `verify`: a whole store is found whole, and each kind of damage is named with its place.
#include <filesystem>
#include <fstream>
#include <functional>

#include <rocksdb/write_batch.h>

#include "storage/index/postings_codec.h"
#include "storage/rocks/bundle_cursor.h"
#include "storage/rocks/database.h"
#include "storage/rocks/inspect.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/verify.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

const Labels kUp{{"__name__", "up"}, {"job", "a"}};
const Labels kDown{{"__name__", "down"}, {"job", "a"}};

/// Two series on three days, re-packed, and some samples in the journal.
void Fill(RocksFixture& fixture) {
  RocksStorage& store = fixture.Open();
  for (int i = 0; i < 300; ++i) {
    AppendOne(store, kUp, fixture.clock.Now() - Millis(i * 600'000), i * 0.7);
    AppendOne(store, kDown, fixture.clock.Now() - Millis(i * 600'000), i);
  }
  MustSucceed(store.Flush());
  AppendOne(store, kUp, fixture.clock.Now() + Millis(1), 1);
  fixture.store.reset();
}

void Change(RocksFixture& fixture, const std::function<void(Database&, rocksdb::WriteBatch&)>& change) {
  const auto database = MustHave(Database::Open(fixture.options, nullptr));
  rocksdb::WriteBatch batch;
  change(*database, batch);
  MustSucceed(database->Write(batch, true));
}

std::string FirstKey(Database& database, Family family) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator(options, database.family(family)));
  at->SeekToFirst();
  REQUIRE(at->Valid());
  return at->key().ToString();
}

void CheckProblems(RocksFixture& fixture, const std::vector<std::string>& parts) {
  const VerifyReport report = MustHave(VerifyStore(fixture.options.path, false));
  CHECK(report.problem_count > 0);
  std::string all;
  for (const std::string& problem : report.problems) all += problem + "\n";
  INFO(all);
  for (const std::string& part : parts) CHECK(all.find(part) != std::string::npos);
}

TEST_CASE("a whole store is inspected and verified without complaint", "[storage][verify]") {
  RocksFixture fixture;
  Fill(fixture);
  const VerifyReport verified = MustHave(VerifyStore(fixture.options.path, false));
  for (const std::string& problem : verified.problems) CHECK(problem == "");
  CHECK(verified.problem_count == 0);
  CHECK(verified.series == 2);
  CHECK(verified.samples == 600);
  CHECK(verified.journal_records >= 1);
  const StoreReport inspected = MustHave(InspectStore(fixture.options.path));
  CHECK(inspected.definitions == 2);
  CHECK(inspected.days.size() == 3);
  std::uint64_t samples = 0;
  for (const DayReport& day : inspected.days) {
    CHECK(day.series == 2);
    CHECK(day.loose == 0);
    CHECK(day.packed >= 2);
    samples += day.samples;
  }
  CHECK(samples == 600);
  CHECK(!VerifyStore(fixture.dir.Write("file", ""), false));
}

TEST_CASE("a series that an index names keeps its definition, also on a day without samples", "[storage][verify]") {
  RocksFixture fixture;
  fixture.options.retention = Millis(15 * kDayMs);  // without one nobody looks for definitions to drop
  const TimeMs then = fixture.clock.Now() - Millis(5 * kDayMs);
  AppendOne(fixture.Open(), kUp, then, 1);
  MustSucceed(fixture.store->Flush());
  fixture.store.reset();
  // As an import leaves it that ends between the index and the samples.
  Change(fixture, [&](Database& database, rocksdb::WriteBatch& batch) {
    batch.DeleteRange(database.family(Family::kBundles), DayPrefix(DayOf(then)), DayPrefix(DayOf(then) + 1));
  });
  MustSucceed(fixture.Open().RunMaintenance(fixture.clock.Now()));
  AppendOne(*fixture.store, kDown, then, 2);
  MustSucceed(fixture.store->Flush());
  fixture.store.reset();
  CHECK(MustHave(VerifyStore(fixture.options.path, false)).problems == std::vector<std::string>());
}

TEST_CASE("verify names what is damaged", "[storage][verify]") {
  RocksFixture fixture;
  Fill(fixture);
  SECTION("a bundle, which --repair drops") {
    Change(fixture, [](Database& database, rocksdb::WriteBatch& batch) {
      batch.Put(database.family(Family::kBundles), FirstKey(database, Family::kBundles), "\x01\x0f?");
    });
    CheckProblems(fixture, {"bundle up to series 2, day 2023-11-12"});
    const VerifyReport repaired = MustHave(VerifyStore(fixture.options.path, true));
    REQUIRE(repaired.repairs.size() == 1);
    CHECK(repaired.repairs[0].find("dropped bundle up to series 2") != std::string::npos);
    CHECK(MustHave(VerifyStore(fixture.options.path, false)).problem_count == 0);
  }
  SECTION("a series of a bundle, which --repair drops and leaves the other") {
    std::size_t samples = 0;
    Change(fixture, [&](Database& database, rocksdb::WriteBatch& batch) {
      rocksdb::ReadOptions options;
      BundleCursor at(database.NewIterator(options, Family::kBundles));
      const std::string key = FirstKey(database, Family::kBundles);
      REQUIRE(MustHave(at.Find(ParseDay(key), SeriesId(1))));
      REQUIRE(at.bundle().parts().size() == 2);
      samples = at.bundle().parts()[0].count;
      std::string value(at.value());
      value.back() = '\xff';  // of the last series
      batch.Put(database.family(Family::kBundles), key, value);
    });
    CheckProblems(fixture, {"bundle up to series 2, day 2023-11-12", "samples of series 2 do not decode"});
    const VerifyReport repaired = MustHave(VerifyStore(fixture.options.path, true));
    REQUIRE(repaired.repairs.size() == 1);
    CHECK(repaired.repairs[0].find("dropped series 2 of bundle up to series 2") != std::string::npos);
    CHECK(MustHave(VerifyStore(fixture.options.path, false)).problem_count == 0);
    CHECK(MustHave(InspectStore(fixture.options.path)).days.front().samples == samples);
  }
  SECTION("a chunk, which --repair drops") {
    const std::int32_t day = DayOf(fixture.clock.Now());
    Change(fixture, [&](Database& database, rocksdb::WriteBatch& batch) {
      batch.Put(database.family(Family::kBlocks), EncodeChunkKey({day, SeriesId(1), StartOfDay(day), 1}), "\x01\x0f?");
    });
    CheckProblems(fixture, {"chunk of series 1, day " + DayText(day)});
    const VerifyReport repaired = MustHave(VerifyStore(fixture.options.path, true));
    REQUIRE(repaired.repairs.size() == 1);
    CHECK(repaired.repairs[0].find("dropped chunk of series 1") != std::string::npos);
    CHECK(MustHave(VerifyStore(fixture.options.path, false)).problem_count == 0);
  }
  SECTION("a definition that is gone") {
    Change(fixture, [](Database& database, rocksdb::WriteBatch& batch) {
      batch.Delete(database.family(Family::kSeries), SeriesBlockKey(SeriesId(1)));
    });
    CheckProblems(fixture,
                  {"names series 2, which has no definition", "its part of series 2: the series has no definition"});
  }
  SECTION("index rows") {
    Change(fixture, [](Database& database, rocksdb::WriteBatch& batch) {
      const std::int32_t day = ParseDay(FirstKey(database, Family::kIndex));
      std::string one;
      EncodePostings(std::vector{SeriesId(1)}, one);
      batch.Put(database.family(Family::kIndex), IndexKey(day, "job", "a"), one);
      batch.Put(database.family(Family::kIndex), IndexKey(day, "__name__", "down"), one);
    });
    CheckProblems(fixture, {"__name__=\"down\" names series 1", "labels are not in their rows"});
  }
  SECTION("the row of all series") {
    Change(fixture, [](Database& database, rocksdb::WriteBatch& batch) {
      batch.Delete(database.family(Family::kIndex), FirstKey(database, Family::kIndex));
    });
    CheckProblems(fixture, {"the index of the day does not name the series"});
  }
  SECTION("a journal record") {
    Change(fixture, [](Database& database, rocksdb::WriteBatch& batch) {
      batch.Put(database.family(Family::kJournal), JournalKey(1'000'000, 0), "\x01\xff\xff");
    });
    CheckProblems(fixture, {"journal record 1000000"});
  }
  SECTION("a flipped bit in a table file") {
    std::filesystem::path largest;
    for (const auto& entry : std::filesystem::directory_iterator(fixture.options.path + "/db")) {
      if (entry.path().extension() != ".sst") continue;
      if (largest.empty() || entry.file_size() > std::filesystem::file_size(largest)) largest = entry.path();
    }
    REQUIRE(!largest.empty());
    {
      std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(100);
      const char byte = static_cast<char>(file.get() ^ 4);
      file.seekp(100);
      file.put(byte);
    }
    CheckProblems(fixture, {largest.filename().string()});
  }
}

}  // namespace
}  // namespace vedette::storage
