// The index against the naive answer: every matcher on every label set.
#include <algorithm>
#include <random>

#include "storage/head/label_order.h"
#include "storage/index/label_index.h"
#include "storage/options.h"
#include "storage/rocks/keys.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

std::vector<SeriesEntry> RandomSeries(std::mt19937& random, std::size_t n) {
  std::vector<SeriesEntry> out;
  for (std::size_t i = 0; i < n; ++i) {
    LabelsBuilder builder;
    builder.Set("__name__", random() % 3 == 0 ? "up" : "down").Set("id", std::to_string(i));
    if (random() % 2 == 0) builder.Set("job", "job" + std::to_string(random() % 5));
    if (random() % 3 == 0) builder.Set("zone", "z-" + std::to_string(random() % 3));
    out.push_back({SeriesId(i + 1), builder.Build()});
  }
  return out;
}

Matcher RandomMatcher(std::mt19937& random) {
  const std::vector<std::string> names = {"__name__", "job", "zone", "none", "id"};
  const std::vector<std::string> texts = {"", "up", "job1", "z-0"};
  const std::vector<std::string> patterns = {"",     ".*",      ".+",     "job1|job3|", "job[13]",
                                             "z-.*", "up|down", "(?i)UP", "1.*"};
  const auto op = static_cast<MatchOp>(random() % 4);
  const auto& values = op == MatchOp::kEqual || op == MatchOp::kNotEqual ? texts : patterns;
  return MustHave(Matcher::Create(op, names[random() % names.size()], values[random() % values.size()]));
}

TEST_CASE("any set of matchers selects what checking every series would", "[storage][index]") {
  std::mt19937 random(21);
  std::vector<SeriesEntry> series = RandomSeries(random, 400);
  LabelIndex index;
  for (const SeriesEntry& entry : series) index.Add(entry.id, entry.labels);
  for (int round = 0; round < 2000; ++round) {
    if (round == 1000) {
      const std::vector<SeriesEntry> gone(series.begin() + 100, series.begin() + 300);
      index.Remove(gone);
      series.erase(series.begin() + 100, series.begin() + 300);
    }
    std::vector<Matcher> matchers;
    for (unsigned i = 0; i < random() % 4; ++i) matchers.push_back(RandomMatcher(random));
    std::string text;
    for (const Matcher& m : matchers) text += m.ToString() + " ";
    INFO(text);
    const Selection selection = MustHave(SelectSeries(index, matchers));
    Postings want, got;
    for (const SeriesEntry& entry : series) {
      if (MatchesAll(matchers, entry.labels)) want.push_back(entry.id);
      if (std::ranges::binary_search(selection.ids, entry.id) && selection.Accepts(entry.labels)) {
        got.push_back(entry.id);
      }
    }
    CHECK(got == want);
  }
  index.Remove(series);
  CHECK(index.pair_count() == 0);
}

TEST_CASE("series are put in the order of their labels without comparing texts", "[storage][index]") {
  std::mt19937 random(22);
  SeriesTable table;
  std::vector<const HeadSeries*> all;
  std::vector<SeriesId> gone;
  for (const SeriesEntry& entry : RandomSeries(random, 3000)) {
    HeadSeries& series = table.Insert(entry.id, entry.labels);
    if (random() % 10 == 0) {
      gone.push_back(entry.id);  // numbers of pairs are used again
    } else {
      all.push_back(&series);
    }
  }
  table.Remove(gone);
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{40}, all.size()}) {
    std::ranges::shuffle(all, random);
    const std::span<const HeadSeries* const> some(all.data(), count);
    std::vector<Labels> want, got;
    for (const HeadSeries* series : some) want.push_back(table.LabelsOf(*series));
    std::ranges::sort(want);
    for (const HeadSeries* series : OrderByLabels(table, some)) got.push_back(table.LabelsOf(*series));
    CHECK(got == want);
  }
  CHECK(IsOrderedCheaply(table, all.size()));
  CHECK(!IsOrderedCheaply(table, 10));
}

TEST_CASE("an index tells which series came since, until they are too many", "[storage][index]") {
  LabelIndex index;
  std::uint64_t n = 0;
  const auto add = [&](std::size_t count) {
    for (; count > 0; --count) index.Add(SeriesId(++n), Labels{{"__name__", "up"}});
  };
  add(3);
  const std::uint64_t then = index.additions();
  CHECK(index.AddedSince(then)->empty());
  add(2);
  const auto since = index.AddedSince(then);
  REQUIRE(since);
  CHECK(std::ranges::equal(*since, std::vector{SeriesId(4), SeriesId(5)}));
  add(200'000);
  CHECK(!index.AddedSince(then));
  const std::uint64_t lately = index.additions();
  add(10'000);
  CHECK(index.AddedSince(lately)->size() == 10'000);
}

TEST_CASE("keys keep the order of what they name, whatever bytes labels hold", "[storage][keys]") {
  CHECK(DayOf(TimeMs(0)) == 0);
  CHECK(DayOf(TimeMs(-1)) == -1);
  CHECK(DayOf(TimeMs(-kDayMs)) == -1);
  CHECK(DayText(20'000) == "2024-10-04");
  CHECK(DayPrefix(-1) < DayPrefix(0));
  const ChunkKey key{-3, SeriesId(77), TimeMs(-3 * kDayMs + 5), 9};
  const auto parsed = ParseChunkKey(EncodeChunkKey(key));
  REQUIRE(parsed);
  CHECK(parsed->day == -3);
  CHECK(parsed->series == SeriesId(77));
  CHECK(parsed->first == key.first);
  CHECK(parsed->seal == 9);
  const std::string odd("a\0b", 3);
  CHECK(IndexKey(1, "a", "z") < IndexNameEnd(1, "a"));
  CHECK(IndexNameEnd(1, "a") < IndexKey(1, odd, ""));
  const std::string index_key = IndexKey(1, odd, odd);
  const auto index_parts = ParseIndexKey(index_key);
  REQUIRE(index_parts);
  CHECK(index_parts->name == odd);
  CHECK(index_parts->value == odd);
  CHECK(SeriesBlockKey(SeriesId(255)) < SeriesBlockKey(SeriesId(256)));
  CHECK(ParseSeriesKey(SeriesHashKey(7, SeriesId(77))) == SeriesId(77));
}

TEST_CASE("options that make no sense are refused with their name", "[storage]") {
  StorageOptions options;
  MustSucceed(options.Validate());
  options.chunk_samples = 1;
  CHECK(options.Validate().error().message.find("storage.chunk_samples is 1") != std::string::npos);
  options = {};
  options.path.clear();
  CHECK(options.Validate().error().code == Code::kBadData);
}

}  // namespace
}  // namespace vedette::storage
