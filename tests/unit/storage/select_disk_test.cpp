// Selecting and label queries over days on disk, with their cache, against checking every series: random label sets on
// random days, asked again and again while series come, are sealed, leave memory and come back.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "storage/rocks/keys.h"
#include "tests/support/effort.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

constexpr int kDays = 4;

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    fixture_.options.index_cache_bytes = 64 << 10;  // entries fall out all the time
    fixture_.Open();
    today_ = DayOf(fixture_.clock.Now());
  }

  void AddSeries() {
    LabelsBuilder builder;
    builder.Set("__name__", Pick(3) == 0 ? "up" : "down_" + std::to_string(Pick(4)));
    if (Pick(2) == 0) builder.Set("job", "job" + std::to_string(Pick(5)));
    if (Pick(3) == 0) builder.Set("zone", "z-" + std::to_string(Pick(3)));
    if (Pick(2) == 0) builder.Set("id", std::to_string(Pick(40)));
    const Labels labels = builder.Build();
    const int back = Pick(kDays);
    const TimeMs time = StartOfDay(today_ - back) + Millis(Pick(60) * 1000);
    AppendOne(*fixture_.store, labels, time, 1);
    days_[labels].insert(today_ - back);
  }

  void Shake() {
    switch (Pick(6)) {
      case 0:
        MustSucceed(fixture_.store->Flush());
        return;
      case 1:
        fixture_.clock.Advance(std::chrono::minutes(11));  // idle series leave memory
        MustSucceed(fixture_.store->RunMaintenance(fixture_.clock.Now()));
        return;
      case 2:
        fixture_.Open();
        return;
      default:
        AddSeries();
    }
  }

  void CheckCardinality() {
    const int back = Pick(kDays - 1) + 1;
    std::vector<Matcher> matchers;
    for (int i = Pick(3); i > 0; --i) matchers.push_back(RandomMatcher());
    std::map<std::string, std::uint64_t> metrics, jobs, pairs, names;
    std::uint64_t series = 0;
    for (const auto& [labels, days] : days_) {
      if (!days.contains(today_ - back) || !MatchesAll(matchers, labels)) continue;
      ++series;
      for (const LabelView label : labels) {
        const std::string value(label.value), name(label.name);
        if (name == "__name__") ++metrics[value];
        if (name == "job") ++jobs[value];
        ++pairs[name + "=" + value];
        ++names[name];
      }
    }
    const auto list = [](StoreStats::Top top) {
      std::map<std::string, std::uint64_t> out;
      for (auto& [name, count] : top) out[name] = count;
      return out;
    };
    // What is not sealed yet counts as well.
    if (Pick(2) == 0) MustSucceed(fixture_.store->Flush());
    CardinalityQuery query;
    query.top = 1000;
    query.day = StartOfDay(today_ - back) + Millis(5);
    query.matchers = matchers;
    query.focus_label = "job";
    const StoreStats stats = MustHave(fixture_.store->Cardinality(query));
    CHECK(stats.head_series == series);
    CHECK(stats.label_pairs == pairs.size());
    CHECK(list(stats.series_by_metric) == metrics);
    CHECK(list(stats.series_by_focus_value) == jobs);
    CHECK(list(stats.series_by_pair) == pairs);
    CHECK(list(stats.series_by_label) == names);
    query.top = 1;
    CHECK(MustHave(fixture_.store->Cardinality(query)).series_by_pair.size() <= 1);
  }

  void Check() {
    const int first = Pick(kDays), last = Pick(first + 1);
    TimeRange range{StartOfDay(today_ - first), StartOfDay(today_ - last + 1) - Millis(1)};
    if (Pick(4) == 0) range = TimeRange();
    std::vector<Matcher> matchers;
    for (int i = Pick(4); i > 0; --i) matchers.push_back(RandomMatcher());
    std::string text;
    for (const Matcher& m : matchers) text += m.ToString() + " ";
    INFO(text << " in " << range.min.ms << " to " << range.max.ms);

    std::vector<Labels> want, got;
    std::set<std::string> names, jobs;
    for (const auto& [labels, days] : days_) {
      const bool in_range =
          std::ranges::any_of(days, [&](int day) { return range.Contains(StartOfDay(day) + Millis(30'000)); });
      if (!in_range || !MatchesAll(matchers, labels)) continue;
      want.push_back(labels);
      for (const LabelView label : labels) names.emplace(label.name);
      if (labels.Has("job")) jobs.emplace(labels.Get("job"));
    }
    const auto querier = fixture_.store->NewQuerier(range);
    for (const SeriesEntry& entry : MustHave(querier->Select(matchers))) got.push_back(entry.labels);
    std::ranges::sort(want);
    CHECK(std::ranges::includes(got, want));
    if (range == TimeRange()) CHECK(got == want);
    CHECK(std::ranges::is_sorted(got));

    CheckSomeLabels(*querier, matchers);

    const auto found_names = MustHave(querier->LabelNames(matchers));
    const auto found_jobs = MustHave(querier->LabelValues("job", matchers));
    CHECK(std::ranges::includes(found_names, names));
    CHECK(std::ranges::includes(found_jobs, jobs));
    if (range == TimeRange()) {
      CHECK(std::ranges::equal(found_names, names));
      CHECK(std::ranges::equal(found_jobs, jobs));
    }
    const std::size_t limit = static_cast<std::size_t>(Pick(3)) + 1;
    auto first_jobs = found_jobs;
    if (first_jobs.size() > limit) first_jobs.resize(limit);
    CHECK(MustHave(querier->LabelValues("job", matchers, limit)) == first_jobs);
    if (!got.empty()) {
      CHECK(querier->Select(matchers, got.size()).has_value());
      if (got.size() > 1) CHECK(querier->Select(matchers, got.size() - 1).error().code == Code::kLimit);
    }
  }

 private:
  /// SelectFor() finds the same series with the labels asked for; of others it may give more.
  void CheckSomeLabels(const Querier& querier, const std::vector<Matcher>& matchers) {
    std::vector<std::string> names;
    for (const std::string name : {"job", "zone", "none", "id"}) {
      if (Pick(2) == 0) names.push_back(name);
    }
    const auto some = [&](const Labels& labels) { return LabelsBuilder(labels).Keep(names).Build(); };
    std::map<SeriesId, Labels> want, got;
    for (const SeriesEntry& entry : MustHave(querier.Select(matchers))) want[entry.id] = some(entry.labels);
    const auto found = MustHave(querier.SelectFor(matchers, names));
    for (const SeriesEntry& entry : found) got[entry.id] = some(entry.labels);
    CHECK(got.size() == found.size());
    for (const auto& [id, labels] : want) CHECK(got[id] == labels);
    CHECK(got.size() == want.size());
  }

  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  Matcher RandomMatcher() {
    const std::vector<std::string> names = {"__name__", "job", "zone", "none", "id"};
    const std::vector<std::string> texts = {"", "up", "job1", "z-0", "7"};
    const std::vector<std::string> patterns = {"", ".*", ".+", "job1|job3|", "job[13]", "z-.*", "up|down_1", "1.*"};
    const auto op = static_cast<MatchOp>(Pick(4));
    const auto& values = op == MatchOp::kEqual || op == MatchOp::kNotEqual ? texts : patterns;
    return MustHave(Matcher::Create(op, names[random_() % names.size()], values[random_() % values.size()]));
  }

  RocksFixture fixture_;
  std::mt19937 random_;
  std::int32_t today_ = 0;
  std::map<Labels, std::set<int>> days_;
};

TEST_CASE("selecting over days on disk finds what checking every series would", "[storage][index]") {
  for (unsigned seed = 1; seed <= test::Repetitions(3U, 1U); ++seed) {
    INFO("seed " << seed);
    World world(seed);
    for (int i = 0; i < 60; ++i) world.AddSeries();
    for (int i = 0; i < test::Repetitions(100, 60); ++i) {
      world.Shake();
      for (int n = 0; n < 4; ++n) world.Check();
      if (i % 15 == 0) world.CheckCardinality();
    }
  }
}

TEST_CASE("a past day counts samples in memory, of that day only", "[storage][index]") {
  RocksFixture fixture;
  fixture.options.chunk_span = std::chrono::hours(24 * 30);
  fixture.Open();
  const TimeMs now = fixture.clock.Now();
  const Millis day = std::chrono::hours(24);
  const auto count = [&](int back) {
    CardinalityQuery query;
    query.day = now - back * day;
    return MustHave(fixture.store->Cardinality(query)).head_series;
  };
  // Around yesterday: memory knows the first and the last time of a series, not what lies between.
  const Labels around{{"__name__", "around"}}, of_it{{"__name__", "of_it"}};
  AppendOne(*fixture.store, around, now - 2 * day, 1);
  AppendOne(*fixture.store, around, now, 1);
  CHECK(count(1) == 0);
  CHECK(count(2) == 1);
  AppendOne(*fixture.store, of_it, now - day, 1);
  CHECK(count(1) == 1);
  MustSucceed(fixture.store->Flush());
  CHECK(count(1) == 1);
  AppendOne(*fixture.store, of_it, now - day + Millis(1), 1);  // in both
  CHECK(count(1) == 1);
  MustSucceed(fixture.store->Delete({}, {now - day, now - day + Millis(1)}));
  MustSucceed(fixture.store->CleanTombstones());
  CHECK(count(1) == 0);
}

TEST_CASE("many series that left memory come in the order of their labels, time after time", "[storage][select]") {
  RocksFixture fixture;
  fixture.Open();
  std::mt19937 random(7);
  std::set<Labels> all;
  const TimeMs time = fixture.clock.Now() - Millis(std::chrono::hours(3));
  const TimeRange range{time - Millis(1), time + Millis(1)};
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 400; ++i) {
      const Labels labels{{"__name__", "m" + std::to_string(random() % 3)}, {"id", std::to_string(random())}};
      all.insert(labels);
      AppendOne(*fixture.store, labels, time, 1);
    }
    MustSucceed(fixture.store->Flush());
    fixture.clock.Advance(std::chrono::minutes(11));
    MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
    for (int again = 0; again < 3; ++again) {
      const auto found = MustHave(fixture.store->NewQuerier(range)->Select({}));
      REQUIRE(found.size() == all.size());
      CHECK(std::ranges::equal(found, all, {}, &SeriesEntry::labels));
    }
  }
}

}  // namespace
}  // namespace vedette::storage
