// Exemplars, start times and metadata: both engines give the same answers, after crashes too.
#include <random>

#include "storage/fact_codec.h"
#include "storage/memory/memory_storage.h"
#include "storage/rocks/fact_keys.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

struct BothEngines {
  BothEngines() {
    fixture.options.max_exemplars = 40;
    StorageOptions options = fixture.options;
    memory = NewMemoryStorage(options, fixture.clock);
    fixture.Open();
  }
  /// One batch on both.
  template <class Fill>
  void Commit(Fill fill) {
    for (Storage* store : {static_cast<Storage*>(memory.get()), static_cast<Storage*>(fixture.store.get())}) {
      const auto appender = store->NewAppender();
      fill(*appender);
      (void)MustHave(appender->Commit());
    }
  }

  RocksFixture fixture;
  std::unique_ptr<MemoryStore> memory;
};

std::vector<std::string> Print(const std::vector<SeriesExemplars>& all) {
  std::vector<std::string> out;
  for (const SeriesExemplars& series : all) {
    for (const Exemplar& exemplar : series.exemplars) {
      out.push_back(fmt::format("{} {} {} {}", series.series.ToString(), exemplar.labels.ToString(), exemplar.value,
                                exemplar.time.ms));
    }
  }
  return out;
}

std::vector<std::string> ExemplarsOf(const Storage& store, TimeRange range, const std::string& metric = "h") {
  const std::vector<std::vector<Matcher>> selectors{{Matcher::Equal("__name__", metric)}};
  auto out = Print(MustHave(store.NewQuerier(TimeRange())->Exemplars(selectors, range)));
  std::ranges::sort(out);
  return out;
}

TEST_CASE("exemplars are kept per series, the newest ones, and found by selector and time", "[storage][facts]") {
  BothEngines both;
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    const auto pick = [&](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
    const Labels series{{"__name__", pick(4) == 0 ? "other" : "h"}, {"i", std::to_string(pick(3))}};
    const Exemplar exemplar{
        {{"trace_id", std::to_string(pick(30))}}, static_cast<double>(pick(5)), TimeMs(kNow - pick(50) * 1000)};
    const bool with_sample = pick(2) == 0;
    both.Commit([&](Appender& appender) {
      const SeriesId id = MustHave(appender.Series(series));
      if (with_sample) appender.Add(id, exemplar.time, 1);
      appender.AddExemplar(id, exemplar);
      appender.AddExemplar(id, exemplar);  // a target shows it again
    });
    if (round % 7 == 0) MustSucceed(both.fixture.store->RunMaintenance(both.fixture.clock.Now()));
    if (round % 20 == 9) both.fixture.KillAndOpen();
  }
  MustSucceed(both.fixture.store->RunMaintenance(both.fixture.clock.Now()));
  for (const TimeRange range : {TimeRange(), TimeRange{TimeMs(kNow - 30'000), TimeMs(kNow - 10'000)}}) {
    const auto want = ExemplarsOf(*both.memory, range);
    CHECK_FALSE(want.empty());
    const auto got = ExemplarsOf(*both.fixture.store, range);
    // The bound has some slack on disk.
    CHECK(std::ranges::includes(got, want));
    CHECK(got.size() <= want.size() + 2);
  }
  const Matcher h = Matcher::Equal("__name__", "h");
  MustSucceed(both.fixture.store->Delete(std::span(&h, 1), TimeRange()));
  CHECK(ExemplarsOf(*both.fixture.store, TimeRange()).empty());
}

TEST_CASE("exemplars that are too long or too far ahead are refused", "[storage][facts]") {
  BothEngines both;
  const auto appender = both.fixture.store->NewAppender();
  const SeriesId id = MustHave(appender->Series({{"__name__", "h"}}));
  appender->AddExemplar(id, {{{"trace_id", std::string(121, 'x')}}, 1, TimeMs(kNow)});
  appender->AddExemplar(id, {{{"trace_id", "x"}}, 1, TimeMs(kNow + 86'400'000)});
  appender->AddExemplar(SeriesId(999), {{{"trace_id", "x"}}, 1, TimeMs(kNow)});
  const AppendOutcome outcome = MustHave(appender->Commit());
  CHECK(outcome.invalid == 2);
  CHECK(outcome.too_new == 0);
  CHECK(outcome.unknown == 1);
  CHECK(ExemplarsOf(*both.fixture.store, TimeRange()).empty());
}

TEST_CASE("an appender finds series that are there and makes none of those that are not", "[storage]") {
  BothEngines both;
  for (Storage* store : {static_cast<Storage*>(both.memory.get()), static_cast<Storage*>(both.fixture.store.get())}) {
    const auto appender = store->NewAppender();
    CHECK(appender->FindSeries({{"__name__", "there"}}) == SeriesId::kNone);
    const SeriesId id = MustHave(appender->Series({{"__name__", "there"}}));
    appender->Add(id, TimeMs(kNow), 1);
    MustHave(appender->Commit());
    const auto another = store->NewAppender();
    CHECK(another->FindSeries({{"__name__", "there"}}) == id);
    CHECK(another->FindSeries({{"__name__", "there"}, {"a", "b"}}) == SeriesId::kNone);
    CHECK(MustHave(store->NewQuerier({})->Select({})).size() == 1);
  }
}

TEST_CASE("the age of exemplars is bounded", "[storage][facts]") {
  RocksFixture fixture;
  fixture.options.exemplar_age = std::chrono::hours(1);
  RocksStorage& store = fixture.Open();
  const auto appender = store.NewAppender();
  const SeriesId id = MustHave(appender->Series({{"__name__", "h"}}));
  for (int minutes : {90, 30, 0}) {
    appender->AddExemplar(id,
                          {{{"m", std::to_string(minutes)}}, 1, fixture.clock.Now() - std::chrono::minutes(minutes)});
  }
  (void)MustHave(appender->Commit());
  CHECK(ExemplarsOf(store, TimeRange()).size() == 3);
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  CHECK(ExemplarsOf(store, TimeRange()).size() == 2);
}

TEST_CASE("a sample's start time is the last one before it that was named by then", "[storage][facts]") {
  BothEngines both;
  const Labels labels{{"__name__", "c_total"}};
  const auto add = [&](std::int64_t time, std::int64_t start) {
    both.Commit([&](Appender& appender) {
      const SeriesId id = MustHave(appender.Series(labels));
      appender.Add(id, TimeMs(kNow + time), 1);
      appender.AddStart(id, TimeMs(kNow + time), TimeMs(kNow + start));
    });
  };
  // Restarted at -50; what came before arrives late and out of order.
  add(-10, -50);
  add(0, -50);
  add(-40, -50);
  add(-60, -900);
  add(-80, -900);
  add(-90, -900);
  both.fixture.KillAndOpen();
  add(0, -50);
  for (const Storage* store :
       {static_cast<Storage*>(both.memory.get()), static_cast<Storage*>(both.fixture.store.get())}) {
    const auto querier = store->NewQuerier(TimeRange());
    const auto found = MustHave(querier->Select({}));
    REQUIRE(found.size() == 1);
    std::vector<StartTime> starts;
    MustSucceed(querier->ReadStarts(found[0].id, starts));
    CHECK(starts ==
          std::vector<StartTime>{{TimeMs(kNow - 900), TimeMs(kNow - 90)}, {TimeMs(kNow - 50), TimeMs(kNow - 40)}});
    CHECK(StartOf(starts, TimeMs(kNow - 85)) == TimeMs(kNow - 900));
    CHECK(StartOf(starts, TimeMs(kNow - 60)) == TimeMs(kNow - 900));
    CHECK(StartOf(starts, TimeMs(kNow - 40)) == TimeMs(kNow - 50));
    CHECK(StartOf(starts, TimeMs(kNow)) == TimeMs(kNow - 50));
    CHECK_FALSE(StartOf(starts, TimeMs(kNow - 95)));
  }
}

std::vector<std::string> MetadataOf(const Storage& store, const MetadataQuery& query) {
  std::vector<std::string> out;
  MustSucceed(store.NewQuerier(TimeRange())->VisitMetadata(query, [&](const MetadataEntry& entry) {
    out.push_back(fmt::format("{} {} {}/{}/{} {}-{}", entry.target.ToString(), entry.family, entry.info.type,
                              entry.info.help, entry.info.unit, entry.from.ms - kNow,
                              entry.until ? std::to_string(entry.until->ms - kNow) : "now"));
    return true;
  }));
  std::ranges::sort(out);
  return out;
}

TEST_CASE("metadata is kept per target and family with the time of each change", "[storage][facts]") {
  BothEngines both;
  const Labels a{{"instance", "a"}, {"job", "x"}}, b{{"instance", "b"}, {"job", "x"}};
  const auto set = [&](const Labels& target, const char* family, std::int64_t time, MetricInfo info) {
    both.Commit([&](Appender& appender) { appender.SetMetadata(target, family, TimeMs(kNow + time), info); });
  };
  for (const Labels& target : {a, b}) {
    set(target, "up", 0, {"gauge", "is it up", ""});
    set(target, "requests_total", 0, {"counter", "requests", ""});
  }
  set(a, "up", 10, {"gauge", "is it up", ""});  // nothing new
  set(a, "up", 20, {"gauge", "whether it is up", ""});
  both.fixture.KillAndOpen();
  set(a, "up", 30, {"gauge", "whether it is up", ""});
  set(a, "up", 40, {"gauge", "is it up", ""});
  both.Commit([&](Appender& appender) { appender.EndMetadata(b, TimeMs(kNow + 50)); });
  const Matcher is_a = Matcher::Equal("instance", "a");
  for (const Storage* store :
       {static_cast<Storage*>(both.memory.get()), static_cast<Storage*>(both.fixture.store.get())}) {
    CHECK(MetadataOf(*store, {{}, "", {TimeMs(kNow + 60), TimeMs::Max()}}) ==
          std::vector<std::string>{R"({instance="a", job="x"} requests_total counter/requests/ 0-now)",
                                   R"({instance="a", job="x"} up gauge/is it up/ 40-now)"});
    CHECK(MetadataOf(*store, {std::span(&is_a, 1), "up", TimeRange()}) ==
          std::vector<std::string>{R"({instance="a", job="x"} up gauge/is it up/ 0-20)",
                                   R"({instance="a", job="x"} up gauge/is it up/ 40-now)",
                                   R"({instance="a", job="x"} up gauge/whether it is up/ 20-40)"});
    CHECK(MetadataOf(*store, {{}, "up", {TimeMs(kNow + 45), TimeMs(kNow + 45)}}).size() == 2);
  }
}

TEST_CASE("what metadata said before the retention goes, what still holds stays", "[storage][facts]") {
  RocksFixture fixture;
  fixture.options.retention = std::chrono::hours(24);
  RocksStorage& store = fixture.Open();
  const Labels gone{{"instance", "gone"}}, here{{"instance", "here"}};
  const auto appender = store.NewAppender();
  const TimeMs now = fixture.clock.Now();
  for (const Labels& target : {gone, here}) {
    appender->SetMetadata(target, "up", now, {"gauge", "first", ""});
    appender->SetMetadata(target, "up", now + Millis(1), {"gauge", "second", ""});
  }
  (void)MustHave(appender->Commit());
  appender->EndMetadata(gone, now + Millis(2));
  (void)MustHave(appender->Commit());
  AppendOne(store, {{"__name__", "up"}}, now, 1);
  MustSucceed(store.Flush());
  fixture.clock.Advance(std::chrono::hours(72));
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  CHECK(MetadataOf(store, {{}, "", TimeRange()}) ==
        std::vector<std::string>{R"({instance="here"} up gauge/second/ 1-now)"});
}

TEST_CASE("keys and values of facts are read back", "[storage][facts]") {
  const std::string family("a\0b", 3);
  const auto metadata = ParseMetadataKey(EncodeMetadataKey({7, family, TimeMs(-5)}));
  REQUIRE(metadata);
  CHECK(metadata->family == family);
  CHECK(metadata->time == TimeMs(-5));
  const auto exemplar = ParseExemplarKey(EncodeExemplarKey({TimeMs(5), SeriesId(3), 9}));
  REQUIRE(exemplar);
  CHECK(exemplar->series == SeriesId(3));
  const auto info = DecodeInfo(EncodeInfo({"gauge", std::string(9000, 'x'), "s"}));
  REQUIRE(info);
  CHECK(info->help.size() == kMaxInfoText);
  CHECK_FALSE(DecodeLabels("\x01\x05"));
}

}  // namespace
}  // namespace vedette::storage
