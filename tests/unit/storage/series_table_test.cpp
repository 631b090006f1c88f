// The table of series in memory: found by id and by labels, gone without a trace, and small.
#include <random>
#include <unordered_map>

#include "core/labels_hash.h"
#include "storage/head/series_table.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

Labels SomeLabels(std::uint64_t i) {
  return {{"__name__", "metric_" + std::to_string(i % 50)},
          {"instance", "host-" + std::to_string(i / 500)},
          {"job", "node"},
          {"device", "d" + std::to_string(i % 97)},
          {"unique", std::to_string(i)}};
}

TEST_CASE("a label set hashes the same in pieces and as a whole", "[storage][labels]") {
  const auto check = [](const Labels& labels) {
    const std::vector<LabelView> views(labels.begin(), labels.end());
    CHECK(HashLabels(views) == labels.Hash());
  };
  check({});
  check(SomeLabels(7));
  check({{"a", std::string(10'000, 'x')}});
  LabelsBuilder many;
  for (int i = 0; i < 200; ++i) many.Set("name" + std::to_string(i), "v");
  check(many.Build());
  CHECK(Labels{{"ab", "c"}}.Hash() != Labels{{"a", "bc"}}.Hash());
}

TEST_CASE("series are found by id and by labels while others come and go", "[storage][series]") {
  std::mt19937 random(5);
  SeriesTable table;
  std::unordered_map<std::uint64_t, Labels> want;
  std::uint64_t next = 1;
  std::size_t most = 0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 1000; ++i, ++next) {
      const Labels labels = SomeLabels(next);
      REQUIRE(table.Fits(labels));
      table.Insert(SeriesId(next), labels);
      want[next] = labels;
    }
    // A few stay for long: what was around them must not stay with them.
    std::vector<SeriesId> gone;
    for (const auto& [id, labels] : want) {
      if (random() % 100 != 0) gone.push_back(SeriesId(id));
    }
    if (round % 2 == 1) {
      table.Remove(gone);
      for (const SeriesId id : gone) want.erase(static_cast<std::uint64_t>(id));
    }
    if (round == 21) most = table.allocated_bytes();
    if (round > 21) CHECK(table.allocated_bytes() < most * 3 / 2);
  }
  CHECK(table.size() == want.size());
  CHECK(table.index().series_count() == want.size());
  for (const auto& [id, labels] : want) {
    HeadSeries* const series = table.Find(SeriesId(id));
    REQUIRE(series != nullptr);
    CHECK(series->id == SeriesId(id));
    CHECK(table.Find(labels) == series);
    CHECK(table.LabelsOf(*series) == labels);
    CHECK(table.ValueOf(*series, "job") == "node");
    CHECK(table.ValueOf(*series, "unique") == labels.Get("unique"));
    CHECK(table.ValueOf(*series, "kind").empty());
  }
  CHECK(table.Find(SomeLabels(next)) == nullptr);
  CHECK(table.Find(Labels{{"__name__", "metric_1"}}) == nullptr);
  std::size_t walked = 0;
  SeriesId last = SeriesId::kNone;
  for (HeadSeries* series = table.After(last); series != nullptr; series = table.After(last), ++walked) {
    CHECK(series->id > last);
    last = series->id;
  }
  CHECK(walked == want.size());

  std::vector<SeriesId> all;
  for (const auto& [id, labels] : want) all.push_back(SeriesId(id));
  table.Remove(all);
  CHECK(table.size() == 0);
  CHECK(table.index().pair_count() == 0);
  CHECK(table.Find(SeriesId(next - 1)) == nullptr);
  CHECK(table.After(SeriesId::kNone) == nullptr);
}

TEST_CASE("a series that comes back keeps its place in every set of the index", "[storage][series]") {
  SeriesTable table;
  for (std::uint64_t id = 1; id <= 300; ++id) table.Insert(SeriesId(id), SomeLabels(id));
  std::vector<SeriesId> gone;
  for (std::uint64_t id = 50; id < 250; ++id) gone.push_back(SeriesId(id));
  table.Remove(gone);
  for (std::uint64_t id = 249; id >= 50; --id) table.Insert(SeriesId(id), SomeLabels(id));
  Postings ids;
  MustSucceed(table.index().WithLabel("job", "node", ids));
  REQUIRE(ids.size() == 300);
  for (std::uint64_t id = 1; id <= 300; ++id) CHECK(ids[id - 1] == SeriesId(id));
}

TEST_CASE("labels that many series get at once are those that each would get", "[storage][series]") {
  std::mt19937 random(6);
  // Labels change their places: some series have one more in front of the others.
  const auto labels_of = [](std::uint64_t id) {
    LabelsBuilder builder;
    builder.Set("__name__", "metric_" + std::to_string(id / 7 % 20)).Set("job", id % 11 == 0 ? "b" : "a");
    if (id % 3 == 0) builder.Set("device", "d" + std::to_string(id % 2));
    if (id % 5 != 0) builder.Set("zone", "z" + std::to_string(id / 100));
    return builder.Build();
  };
  SeriesTable one_by_one, bulk;
  std::vector<SeriesId> ids;
  for (std::uint64_t id = 1; id < 3000; id += 1 + (random() % 10 == 0 ? random() % 50 : 0)) ids.push_back(SeriesId(id));
  for (const SeriesId id : ids) bulk.InsertBare(id);
  SeriesTable::BulkLabels labels(bulk, ids.size());
  for (const SeriesId id : ids) {
    const Labels own = labels_of(Raw(id));
    one_by_one.Insert(id, own);
    std::vector<PairId> pairs;
    for (const LabelView label : own) pairs.push_back(bulk.Intern(label));
    labels.Set(*bulk.Find(id), pairs, own.Hash());
  }
  labels.Finish();
  for (const SeriesId id : ids) {
    HeadSeries* const series = bulk.Find(labels_of(Raw(id)));
    REQUIRE(series != nullptr);
    CHECK(bulk.LabelsOf(*series) == labels_of(Raw(series->id)));
  }
  Postings want, got;
  MustSucceed(one_by_one.index().All(want));
  MustSucceed(bulk.index().All(got));
  CHECK(got == want);
  MustSucceed(one_by_one.index().VisitNames([&](std::string_view name) {
    MustSucceed(one_by_one.index().VisitValues(name, [&](std::string_view value) {
      want.clear();
      got.clear();
      MustSucceed(one_by_one.index().WithLabel(name, value, want));
      MustSucceed(bulk.index().WithLabel(name, value, got));
      CHECK(got == want);
      return true;
    }));
    return true;
  }));
  CHECK(bulk.index().additions() == ids.size());
  CHECK(bulk.index().AddedSince(0)->size() == ids.size());
}

TEST_CASE("a series is bare until it gets its labels", "[storage][series]") {
  SeriesTable table;
  HeadSeries& bare = table.InsertBare(SeriesId(9));
  CHECK(table.LabelsOf(bare).empty());
  CHECK(table.ValueOf(bare, "a").empty());
  const Labels labels{{"a", "b"}};
  CHECK(table.Find(labels) == nullptr);
  table.SetLabels(bare, std::vector<LabelView>(labels.begin(), labels.end()));
  CHECK(table.Find(labels) == &bare);
  const SeriesId ids[] = {SeriesId(10)};
  table.InsertBare(ids[0]);
  table.Remove(ids);
  CHECK(table.size() == 1);
}

TEST_CASE("bounds of times lose less than a second and never promise too little", "[storage][series]") {
  CHECK(!TimeBound().Reaches(INT64_MIN));
  CHECK(TimeBound(INT64_MIN).ms() == INT64_MIN);
  for (const std::int64_t ms : {std::int64_t{-5}, std::int64_t{0}, std::int64_t{1}, std::int64_t{999},
                                std::int64_t{1000}, std::int64_t{1'700'000'000'123}}) {
    const TimeBound bound(ms);
    CHECK(bound.Reaches(ms));
    CHECK(bound.ms() >= ms);
    if (ms >= 0) CHECK(!bound.Reaches(ms + 1000));
  }
  CHECK(TimeBound(INT64_MAX).ms() == INT64_MAX);
  CHECK(TimeBound(5'000'000'000'000'000).Reaches(INT64_MAX));
  TimeBound raised(1000);
  raised.Raise(TimeBound(500));
  CHECK(raised.ms() == 1000);
}

}  // namespace
}  // namespace vedette::storage
