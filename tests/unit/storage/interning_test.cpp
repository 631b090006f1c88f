// The parts that labels in memory are made of, each against the obvious container.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "storage/index/byte_arena.h"
#include "storage/index/hash_index.h"
#include "storage/index/id_set.h"
#include "storage/index/label_pairs.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

TEST_CASE("a byte arena gives back what was put in, short, long and larger than its blocks", "[storage][labels]") {
  std::mt19937 random(1);
  ByteArena arena;
  std::vector<std::pair<ByteArena::Ref, std::string>> put;
  std::vector<std::size_t> sizes = {0, 1, 254, 255, 256, 65'530, 65'535, 65'536, 200'000, 3};
  for (int i = 0; i < 5000; ++i) sizes.push_back(random() % 60);
  for (const std::size_t size : sizes) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    REQUIRE(arena.Fits(size, 1));
    put.emplace_back(arena.Add(text), text);
  }
  bool same = true;
  for (const auto& [ref, text] : put) same = same && arena.Get(ref) == text;
  CHECK(same);
  CHECK(!arena.Fits(std::size_t{1} << 32, 1));
  CHECK(!arena.MostlyDead());
  for (const auto& [ref, text] : put) arena.Discard(text.size());
  CHECK(arena.MostlyDead());
}

TEST_CASE("a hash index finds all numbers of equal, near and extreme hashes", "[storage][labels]") {
  std::mt19937 random(2);
  HashIndex index;
  std::multimap<std::uint32_t, std::uint32_t> want;
  // Crowded at both ends of the table, where there is nothing to wrap around to.
  const auto some_hash = [&]() -> std::uint32_t {
    switch (random() % 4) {
      case 0:
        return UINT32_MAX - random() % 5;
      case 1:
        return random() % 5;
      default:
        return static_cast<std::uint32_t>(random());
    }
  };
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    if (random() % 3 != 0 || want.empty()) {
      const std::uint32_t hash = some_hash();
      index.Insert(hash, n);
      want.emplace(hash, n);
    } else {
      auto victim = want.lower_bound(some_hash());
      if (victim == want.end()) victim = want.begin();
      index.Erase(victim->first, victim->second);
      want.erase(victim);
    }
  }
  CHECK(index.size() == want.size());
  std::size_t missing = 0;
  for (const auto& [hash, number] : want) {
    missing += index.Find(hash, [&, n = number](std::uint32_t found) { return found == n; }) == number ? 0 : 1;
  }
  CHECK(missing == 0);
  CHECK(index.Find(12345, [](std::uint32_t) { return false; }) == HashIndex::kNothing);
  CHECK(index.allocated_bytes() < want.size() * 32);
  SECTION("also many that come at once, into a full table and an empty one") {
    for (const std::uint32_t count : {30'000U, 3U, 0U}) {
      std::vector<std::uint64_t> entries;
      for (std::uint32_t n = 0; n < count; ++n) {
        const std::uint32_t hash = some_hash();
        want.emplace(hash, 100'000 + n);
        entries.push_back(HashIndex::EntryOf(hash, 100'000 + n));
      }
      index.InsertAll(entries);
      CHECK(index.size() == want.size());
      missing = 0;
      for (const auto& [hash, number] : want) {
        missing += index.Find(hash, [&, n = number](std::uint32_t found) { return found == n; }) == number ? 0 : 1;
      }
      CHECK(missing == 0);
      for (const auto& [hash, number] : want) index.Erase(hash, number);
      want.clear();
    }
  }
  for (const auto& [hash, number] : want) index.Erase(hash, number);
  CHECK(index.allocated_bytes() == 0);
}

TEST_CASE("sets of ids hold what was added in any order, and neighbours cost nearly nothing", "[storage][labels]") {
  std::mt19937 random(3);
  for (const int disorder : {0, 10, 100}) {
    IdSet set;
    std::set<SeriesId> want;
    std::uint64_t next = 1;
    for (int i = 0; i < 3000; ++i) {
      if (random() % 50 == 0) {
        const auto count = static_cast<std::uint32_t>(1 + random() % 40);
        set.AddRun(SeriesId(next + 1), count);
        for (std::uint32_t k = 0; k < count; ++k) want.insert(SeriesId(++next));
      }
      next += std::uint64_t{random() % 3 == 0 ? 1 + random() % 1000 : 1};
      const bool late = disorder != 0 && static_cast<int>(random() % 100) < disorder;
      const SeriesId id{std::uint64_t{late ? 1 + random() % next : next}};
      if (want.insert(id).second) set.Add(id);
    }
    Postings got;
    set.AppendTo(got);
    CHECK(got == Postings(want.begin(), want.end()));
    CHECK(set.size() == want.size());
    Postings gone;
    for (const SeriesId id : want) {
      if (random() % 2 == 0) gone.push_back(id);
    }
    for (const SeriesId id : gone) want.erase(id);
    gone.push_back(SeriesId(next + 1));
    set.Remove(gone);
    got = {SeriesId(7)};
    set.AppendTo(got);
    got.erase(got.begin());
    CHECK(got == Postings(want.begin(), want.end()));
    set.Remove(got);
    CHECK(set.empty());
    CHECK(set.allocated_bytes() == 0);
  }
  IdSet run;
  for (std::uint64_t id = 1; id <= 100'000; ++id) run.Add(SeriesId(id));
  CHECK(run.allocated_bytes() == 0);
  CHECK(run.size() == 100'000);
}

TEST_CASE("labels that come and go leave no numbers and no text behind", "[storage][labels]") {
  LabelPairs pairs;
  std::size_t most = 0;
  for (std::uint64_t round = 0; round < 200; ++round) {
    std::vector<PairId> added;
    for (std::uint64_t i = 0; i < 500; ++i) {
      const std::string value = "pod-" + std::to_string(round) + "-" + std::to_string(i) + std::string(40, 'x');
      added.push_back(pairs.Intern({"pod" + std::to_string(i % 3), value}));
      pairs.ids(added.back()).Add(SeriesId(round * 500 + i + 1));
    }
    if (round % 2 == 0) {
      CHECK(pairs.Values("pod1")->size() == pairs.ValueCount("pod1"));
    }
    Postings gone;
    for (std::uint64_t i = 0; i < 500; ++i) gone.push_back(SeriesId(round * 500 + i + 1));
    for (const PairId pair : added) pairs.ids(pair).Remove(gone);
    pairs.Sweep(added);
    CHECK(pairs.size() == 0);
    CHECK(pairs.Names().empty());
    CHECK(pairs.Values("pod1") == nullptr);
    if (round == 20) most = pairs.allocated_bytes();
    if (round > 20) CHECK(pairs.allocated_bytes() <= most + 70'000);
  }
}

TEST_CASE("values of a name are in order, whenever they are asked for", "[storage][labels]") {
  std::mt19937 random(4);
  LabelPairs pairs;
  std::map<std::string, PairId> want;
  for (std::uint64_t id = 1; id <= 2000; ++id) {
    const std::string value = std::to_string(random() % 3000);
    const PairId pair = pairs.Intern({"name", value});
    CHECK(pairs.Find("name", value) == pair);
    pairs.ids(pair).Add(SeriesId(id));
    want[value] = pair;
    if (random() % 50 != 0) continue;
    std::vector<PairId> in_order;
    for (const auto& [text, number] : want) in_order.push_back(number);
    CHECK(*pairs.Values("name") == in_order);
  }
  CHECK(pairs.Find("name", "none") == PairId::kNone);
  CHECK(pairs.Find("none", "1") == PairId::kNone);
}

}  // namespace
}  // namespace vedette::storage
