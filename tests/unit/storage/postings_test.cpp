// Sets of ids against std::set, and their stored form: round trip, appending, damage.
#include <algorithm>
#include <random>
#include <set>

#include "storage/index/postings_codec.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

/// Sets as they occur: runs (a target), strides (a metric), noise, and all of them in one.
Postings RandomSet(std::mt19937_64& random) {
  Postings out;
  std::uint64_t id = random() % 1000 + 1;
  for (std::uint64_t part = random() % 5; part > 0; --part) {
    const std::uint64_t kind = random() % 4, n = random() % 300;
    const std::uint64_t step = kind == 0 ? 1 : random() % 1000 + 1;
    for (std::uint64_t i = 0; i < n; ++i, id += kind < 2 ? step : random() % step + 1) out.push_back(SeriesId(id));
    id += random() % 100'000 + 1;
  }
  return out;
}

std::string Encoded(const Postings& ids) {
  std::string out;
  EncodePostings(ids, out);
  return out;
}

Postings Decoded(std::string_view bytes) {
  Postings out;
  MustSucceed(DecodePostings(bytes, out));
  return out;
}

TEST_CASE("set operations agree with the obvious ones", "[storage][postings]") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 500; ++round) {
    Postings a = RandomSet(random), b = RandomSet(random);
    if (round % 3 == 0) a.resize(std::min<std::size_t>(a.size(), 3));
    const std::set<SeriesId> in_a(a.begin(), a.end()), in_b(b.begin(), b.end());
    Postings both, either = b, only_a;
    for (const SeriesId id : a) (in_b.contains(id) ? both : only_a).push_back(id);
    either.insert(either.end(), only_a.begin(), only_a.end());
    std::ranges::sort(either);
    CHECK(Intersect(a, b) == both);
    CHECK(Intersect(b, a) == both);
    CHECK(Intersects(a, b) == !both.empty());
    CHECK(Unite(a, b) == either);
    CHECK(Subtract(a, b) == only_a);
    Postings mixed = b;
    mixed.insert(mixed.end(), a.begin(), a.end());
    std::ranges::shuffle(mixed, random);
    Normalize(mixed);
    CHECK(mixed == either);
  }
}

TEST_CASE("stored postings come back whole, in part and counted", "[storage][postings]") {
  std::mt19937_64 random(6);
  for (int round = 0; round < 500; ++round) {
    const Postings ids = RandomSet(random), wanted = RandomSet(random);
    const std::string bytes = Encoded(ids);
    CHECK(Decoded(bytes) == ids);
    CHECK(MustHave(CountPostings(bytes)) == ids.size());
    Postings within;
    MustSucceed(DecodePostingsWithin(bytes, wanted, within));
    CHECK(within == Intersect(ids, wanted));
  }
  const Postings ends = {SeriesId(1), SeriesId(2), SeriesId(1000), SeriesId(UINT64_MAX)};
  CHECK(Decoded(Encoded(ends)) == ends);
}

TEST_CASE("a run, a stride and a single id take a few bytes", "[storage][postings]") {
  Postings run, stride;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    run.push_back(SeriesId(1'000'000 + i));
    stride.push_back(SeriesId(7 + i * 500));
  }
  CHECK(Encoded(run).size() <= 9);
  CHECK(Encoded(stride).size() <= 8);
  CHECK(Encoded({SeriesId(1'000'000)}).size() <= 5);
}

TEST_CASE("appending in any order and grouping gives the union", "[storage][postings]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string row = Encoded({});
    Postings all;
    std::size_t grown = 0;
    for (int part = 0; part < 12; ++part) {
      Postings more = RandomSet(random);
      // Mostly ids behind what is there, as new series bring them; sometimes older ones.
      if (random() % 4 != 0 && !all.empty()) {
        for (SeriesId& id : more)
          id = SeriesId(static_cast<std::uint64_t>(id) + static_cast<std::uint64_t>(all.back()));
      }
      std::string next;
      MustSucceed(AppendMerged(row, more, next));
      row = next;
      all = Unite(all, more);
      grown = row.size();
    }
    CHECK(Decoded(row) == all);
    CHECK(grown <= 2 * Encoded(all).size() + 64);
  }
  // One id at a time, the worst case for what an append leaves behind.
  std::string row = Encoded({});
  Postings all;
  for (std::uint64_t id = 1; id < 3000; id += random() % 5 + 1) {
    std::string next;
    MustSucceed(AppendMerged(row, Postings{SeriesId(id)}, next));
    row = next;
    all.push_back(SeriesId(id));
  }
  CHECK(Decoded(row) == all);
  CHECK(row.size() <= Encoded(all).size() + 16);
}

TEST_CASE("damaged postings are refused or still a set", "[storage][postings]") {
  Postings out;
  for (const std::string_view bad : {std::string_view(""), std::string_view("\x07\x01"), std::string_view("\x02\x80"),
                                     std::string_view("\x02\x02\x00", 3), std::string_view("\x02\x04\x01\x00", 4),
                                     std::string_view("\x02\x00\x01", 3), std::string_view("\x02\x03\x01"),
                                     std::string_view("\x02\xfe\xff\xff\xff\xff\x01\x01\x01")}) {
    CHECK(DecodePostings(bad, out).error().code == Code::kCorruption);
    CHECK(CountPostings(bad).error().code == Code::kCorruption);
  }
  std::mt19937_64 random(8);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = Encoded(RandomSet(random));
    for (std::uint64_t flips = random() % 3; flips < 3; ++flips) {
      char& byte = bytes[random() % bytes.size()];
      byte = static_cast<char>(byte ^ (1 << random() % 8));
    }
    if (random() % 3 == 0) bytes.resize(random() % bytes.size());
    const auto count = CountPostings(bytes);
    if (!count || *count > 1'000'000) continue;  // a flipped count of a run may stand for a great many
    Postings ids;
    if (!DecodePostings(bytes, ids)) continue;
    CHECK(std::ranges::adjacent_find(ids, std::ranges::greater_equal{}) == ids.end());
  }
}

}  // namespace
}  // namespace vedette::storage
