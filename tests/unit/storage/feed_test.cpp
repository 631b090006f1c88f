// The feeds of the journal: everything that was committed, once and in order, whatever the store does meanwhile.
#include <bit>
#include <cmath>
#include <map>
#include <random>

#include <prometheus/registry.h>
#include <rocksdb/write_batch.h>

#include "core/numbers.h"
#include "storage/head/row_codec.h"
#include "storage/rocks/database.h"
#include "storage/rocks/keys.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

/// What a feed gave, by series and in order.
struct Taken {
  std::map<SeriesId, std::vector<std::pair<std::int64_t, std::uint64_t>>> samples;
  std::size_t histograms = 0, exemplars = 0, lost = 0, commits = 0;
  std::uint64_t last_commit = 0;

  void Take(const FeedCommit& commit) {
    CHECK(commit.number > last_commit);
    last_commit = commit.number;
    ++commits;
    lost += commit.lost;
    histograms += commit.histograms.size();
    exemplars += commit.exemplars.size();
    for (const FeedRow& row : commit.rows) {
      REQUIRE(row.present.size() == row.values.size());
      for (std::size_t i = 0; i < row.present.size(); ++i) {
        samples[row.columns[row.present[i]]].emplace_back(row.time.ms, std::bit_cast<std::uint64_t>(row.values[i]));
      }
    }
  }
  /// Commits at most.
  void ReadSome(FeedReader& reader, std::size_t most) {
    FeedCommit commit;
    for (std::size_t i = 0; i < most && MustHave(reader.Next(commit)); ++i) Take(commit);
  }
  void ReadAll(FeedReader& reader) { ReadSome(reader, SIZE_MAX); }
};

/// Appends rows of targets with gaps, changes and late samples, and remembers what went in.
struct Load {
  explicit Load(std::uint32_t seed) : random(seed) {}

  void Commit(Storage& store, TimeMs time) {
    const auto appender = store.NewAppender();
    for (int target = 0; target < 3; ++target) {
      std::vector<SeriesId> ids;
      std::vector<double> values;
      const std::size_t series = 5 + random() % 70;
      for (std::size_t i = 0; i < series; ++i) {
        if (random() % 20 == 0) continue;
        ids.push_back(MustHave(appender->Series(Labels{{"__name__", "m"},
                                                       {"target", std::to_string(target)},
                                                       {"i", std::to_string(i + (random() % 50 == 0 ? 1000 : 0))}})));
        values.push_back(Value());
      }
      // A series twice in one row is stored once only, in an order of its own: not here.
      std::map<SeriesId, double> unique;
      for (std::size_t i = 0; i < ids.size(); ++i) unique.emplace(ids[i], values[i]);
      ids.clear();
      values.clear();
      for (const auto& [id, value] : unique) {
        ids.push_back(id);
        values.push_back(value);
        expected.samples[id].emplace_back(time.ms + target, std::bit_cast<std::uint64_t>(value));
      }
      appender->AddRow(time + Millis(target), ids, values);
    }
    (void)MustHave(appender->Commit());
    if (random() % 4 == 0) {
      const double value = Value();
      const TimeMs late = time - Millis(60'000);
      const SeriesId id = AppendOne(store, Labels{{"__name__", "late"}}, late, value);
      expected.samples[id].emplace_back(late.ms, std::bit_cast<std::uint64_t>(value));
    }
  }

  double Value() {
    switch (random() % 6) {
      case 0:
        return static_cast<double>(random() % 1000);
      case 1:
        return static_cast<double>(random() % 100'000) / 100;
      case 2:
        return StaleNan();
      case 3:
        return std::ldexp(static_cast<double>(random()), -17) + 1e9;
      default:
        return 42;
    }
  }

  std::mt19937 random;
  Taken expected;
};

/// In the order of their times: what came late may have been stored in another order within its commit only.
void CheckSame(const Taken& taken, const Taken& expected) {
  CHECK(taken.lost == 0);
  REQUIRE(taken.samples.size() == expected.samples.size());
  for (const auto& [id, samples] : expected.samples) {
    const auto found = taken.samples.find(id);
    REQUIRE(found != taken.samples.end());
    CHECK(found->second == samples);
  }
}

}  // namespace

TEST_CASE("a row reader sees what a writer of rows coded", "[storage][feed]") {
  std::mt19937 random(7);
  RowChains writer;
  RowReader reader;
  std::size_t columns = 3;
  for (int n = 0; n < 300; ++n) {
    if (random() % 10 == 0) columns = std::min<std::size_t>(columns + random() % 60, 400);
    writer.Resize(columns);
    std::vector<double> values(columns);
    for (double& value : values)
      value = random() % 3 == 0 ? static_cast<double>(random()) / 7 : double(random() % 5000);
    ColumnBits present;
    if (random() % 3 == 0) {
      present.assign((columns + 63) / 64, 0);
      for (std::size_t i = 0; i < columns; ++i) present[i / 64] |= std::uint64_t{random() % 4 != 0} << (i % 64);
    }
    std::string row;
    writer.Encode(values, present, n % 32 == 0, row);
    REQUIRE(ValidateRow(row, columns));
    reader.Take(row);
    std::vector<std::uint16_t> places;
    std::vector<double> got;
    reader.Values(places, got);
    std::size_t at = 0;
    for (std::size_t i = 0; i < columns; ++i) {
      if (!present.empty() && ((present[i / 64] >> (i % 64)) & 1) == 0) continue;
      REQUIRE(at < places.size());
      REQUIRE(places[at] == i);
      REQUIRE(got[at] == values[i]);
      ++at;
    }
    REQUIRE(at == places.size());
  }
}

TEST_CASE("a feed gives every committed sample once, across sealing, restarts and kills", "[storage][feed]") {
  RocksFixture fixture;
  fixture.Open();
  const auto seed = GENERATE(1U, 2U, 3U);
  Load load(seed);
  Taken taken;
  auto reader = MustHave(fixture.store->OpenFeed("a", false));
  TimeMs time = fixture.clock.Now();
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 4; ++i) load.Commit(*fixture.store, time += std::chrono::seconds(5));
    fixture.clock.Advance(time - fixture.clock.Now());
    if (round % 3 == 0) MustSucceed(fixture.store->RunMaintenance(time));
    // Behind for a third of the time, so that what it needs was sealed and dropped long ago.
    if (round < 20 || round > 40) {
      taken.ReadSome(*reader, 1 + load.random() % 6);
      MustSucceed(reader->Save(reader->position(), fmt::format("note {}", round)));
    }
    if (round % 10 == 5) {
      const std::string note = reader->saved();
      reader.reset();
      if (round % 20 == 5) {
        fixture.KillAndOpen();
      } else {
        fixture.Open();
      }
      reader = MustHave(fixture.store->OpenFeed("a", false));
      CHECK(reader->position() == taken.last_commit);
    }
  }
  CHECK(reader->BacklogCommits() > 0);
  taken.ReadAll(*reader);
  CHECK(reader->BacklogCommits() == 0);
  CheckSame(taken, load.expected);
}

TEST_CASE("a position holds nothing that a start would replay", "[storage][feed]") {
  RocksFixture fixture;
  fixture.Open();
  Load load(11);
  Taken taken;
  (void)MustHave(fixture.store->OpenFeed("slow", false));
  TimeMs time = fixture.clock.Now();
  for (int i = 0; i < 50; ++i) load.Commit(*fixture.store, time += std::chrono::seconds(5));
  fixture.clock.Advance(time - fixture.clock.Now());
  MustSucceed(fixture.store->Flush());
  fixture.Open();
  double replayed = -1;
  for (const auto& family : fixture.registry->Collect()) {
    if (family.name == "vedette_storage_journal_samples") replayed = family.metric.front().gauge.value;
  }
  CHECK(replayed == 0);
  CHECK(fixture.store->Feeds() == std::vector<std::string>{"slow"});
  {
    const auto reader = MustHave(fixture.store->OpenFeed("slow", false));
    CHECK(reader->BacklogBytes() > 0);
    taken.ReadAll(*reader);
    CheckSame(taken, load.expected);
  }
  MustSucceed(fixture.store->DropFeed("slow"));
  CHECK(fixture.store->Feeds().empty());
  for (int i = 0; i < 50; ++i) load.Commit(*fixture.store, time += std::chrono::seconds(5));
  MustSucceed(fixture.store->Flush());
  // A feed of that name begins anew.
  const auto fresh = MustHave(fixture.store->OpenFeed("slow", false));
  FeedCommit commit;
  CHECK_FALSE(MustHave(fresh->Next(commit)));
}

TEST_CASE("a feed gets past damaged records, in front of its place and behind it", "[storage][feed]") {
  RocksFixture fixture;
  fixture.Open();
  Load load(5);
  Taken taken;
  TimeMs time = fixture.clock.Now();
  auto reader = MustHave(fixture.store->OpenFeed("a", false));
  for (int i = 0; i < 40; ++i) load.Commit(*fixture.store, time += std::chrono::seconds(5));
  fixture.clock.Advance(time - fixture.clock.Now());
  taken.ReadSome(*reader, 20);
  MustSucceed(reader->Save(reader->position(), ""));
  const std::uint64_t place = reader->position();
  reader.reset();
  MustSucceed(fixture.store->Flush());
  fixture.store.reset();
  {
    const auto database = MustHave(Database::Open(fixture.options, nullptr));
    rocksdb::WriteBatch batch;
    for (const std::uint64_t commit : {place - 1, place, place + 5}) {
      batch.Put(database->family(Family::kJournal), JournalKey(commit, 0), "\xff garbage");
    }
    MustSucceed(database->Write(batch, true));
  }
  fixture.Open();
  reader = MustHave(fixture.store->OpenFeed("a", false));
  std::size_t errors = 0;
  FeedCommit commit;
  for (;;) {
    const auto more = reader->Next(commit);
    if (!more) {
      REQUIRE(++errors < 5);
      continue;
    }
    if (!*more) break;
    taken.Take(commit);
  }
  CHECK(errors == 1);
  CHECK(taken.lost > 0);
  CHECK(reader->BacklogCommits() == 0);
  MustSucceed(reader->Save(reader->position(), ""));
  // What comes from now on is whole.
  Taken later;
  load.expected = {};
  for (int i = 0; i < 5; ++i) load.Commit(*fixture.store, time += std::chrono::seconds(5));
  later.ReadAll(*reader);
  CheckSame(later, load.expected);
}

TEST_CASE("labels of series that left memory are still found by a feed", "[storage][feed]") {
  RocksFixture fixture;
  fixture.Open();
  const auto reader = MustHave(fixture.store->OpenFeed("a", false));
  const Labels labels{{"__name__", "gone"}, {"x", "1"}};
  const SeriesId id = AppendOne(*fixture.store, labels, fixture.clock.Now(), 1);
  fixture.clock.Advance(std::chrono::hours(3));
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  FeedCommit commit;
  REQUIRE(MustHave(reader->Next(commit)));
  const std::vector<SeriesId> ids{id, SeriesId(9999), id};
  const std::vector<Labels> found = MustHave(reader->LabelsOf(ids));
  CHECK(found == std::vector<Labels>{labels, Labels(), labels});
}

TEST_CASE("a feed has histograms and new exemplars with their commit", "[storage][feed]") {
  RocksFixture fixture;
  fixture.Open();
  auto reader = MustHave(fixture.store->OpenFeed("a", true));
  const TimeMs now = fixture.clock.Now();
  std::mt19937 random(3);
  const auto commit_one = [&](TimeMs time, double exemplar) {
    const auto appender = fixture.store->NewAppender();
    const SeriesId id = MustHave(appender->Series(Labels{{"__name__", "h"}}));
    appender->AddHistogram(id, time, StaleHistogram());
    appender->AddExemplar(id, {.labels = Labels{{"trace_id", "abc"}}, .value = exemplar, .time = now});
    (void)MustHave(appender->Commit());
  };
  commit_one(now, 1);
  commit_one(now + Millis(1000), 1);  // the same exemplar again
  commit_one(now + Millis(2000), 2);
  Taken taken;
  taken.ReadSome(*reader, 1);
  CHECK(taken.exemplars == 1);
  MustSucceed(reader->Save(reader->position(), ""));
  reader.reset();
  MustSucceed(fixture.store->Flush());
  fixture.KillAndOpen();
  reader = MustHave(fixture.store->OpenFeed("a", true));
  taken.ReadAll(*reader);
  CHECK(taken.histograms == 3);
  CHECK(taken.exemplars == 2);
}

}  // namespace vedette::storage
