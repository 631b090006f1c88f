// Bundles: every sample of every part comes back bit for bit, what is alike is stored once, damaged bytes are refused.
#include "storage/chunk/bundle.h"

#include <bit>
#include <cmath>
#include <random>

#include "core/numbers.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/merge.h"
#include "tests/support/catch.h"
#include "tests/support/effort.h"

namespace vedette::storage {
namespace {

struct Part {
  SeriesId series;
  std::uint32_t seal;
  Columns samples;
};

Column<std::int64_t> Times(std::size_t n, std::int64_t step, std::mt19937_64* jitter = nullptr) {
  Column<std::int64_t> out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(1'700'000'000'000 + static_cast<std::int64_t>(i) * step +
                  (jitter == nullptr ? 0 : static_cast<std::int64_t>((*jitter)() % 5)));
  }
  return out;
}

/// The cumulative buckets of a histogram of `n` scrapes: the larger ones count what the smaller ones do.
std::vector<Columns> Buckets(std::size_t buckets, std::size_t n, std::mt19937_64& random) {
  std::vector<Columns> out(buckets, Columns{Times(n, 15'000), Column<double>(n, 0.0)});
  std::vector<double> totals(buckets);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::uint64_t request = random() % 40; request > 0; --request) {
      const std::size_t from =
          std::min<std::size_t>(static_cast<std::size_t>(std::countr_zero(random() | 4096)), buckets - 1);
      for (std::size_t bucket = from; bucket < buckets; ++bucket) ++totals[bucket];
    }
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) out[bucket].values[i] = totals[bucket];
  }
  return out;
}

/// Series of all kinds in an order and in parts as chance will have it.
std::vector<Part> AnyParts(std::mt19937_64& random) {
  std::vector<Part> out;
  std::vector<Column<std::int64_t>> times;
  for (int i = 0; i < 3; ++i) {
    times.push_back(Times(1 + random() % 300, 1 + static_cast<std::int64_t>(random() % 20'000),
                          random() % 2 == 0 ? &random : nullptr));
  }
  for (auto& set : times) {
    std::ranges::sort(set);
    set.erase(std::unique(set.begin(), set.end()), set.end());
  }
  std::uint64_t id = random() % 100, parts_of_id = 0;
  Column<double> before;
  for (std::uint64_t n = 1 + random() % 30; n > 0; --n) {
    const bool another_part = random() % 4 == 0 && parts_of_id > 0 && parts_of_id < kMaxSeriesParts;
    if (!another_part) id += 1 + random() % 3;
    parts_of_id = another_part ? parts_of_id + 1 : 1;
    Part part{SeriesId(id), static_cast<std::uint32_t>(random() % 3 == 0 ? random() : 7), {}};
    part.samples.times = times[random() % times.size()];
    if (another_part) {
      const std::int64_t later = out.back().samples.times.back() + 1 - part.samples.times.front();
      for (std::int64_t& time : part.samples.times) time += later;
    }
    const std::uint64_t kind = random() % 8;
    double total = static_cast<double>(random() % 1'000'000);
    for (std::size_t i = 0; i < part.samples.times.size(); ++i) {
      const double like = i < before.size() ? before[i] : 0;
      total += static_cast<double>(random() % 100);
      switch (kind) {
        case 0:
          part.samples.values.push_back(3.5);
          break;
        case 1:
          part.samples.values.push_back(total);
          break;
        case 2:
          part.samples.values.push_back(like + static_cast<double>(random() % 4));
          break;
        case 3:
          part.samples.values.push_back(like * 100 + 0.25);
          break;
        case 4:
          part.samples.values.push_back(total / 100);
          break;
        case 5:
          part.samples.values.push_back(std::bit_cast<double>(random()));
          break;
        case 6:
          part.samples.values.push_back(random() % 50 == 0 ? StaleNan() : like);
          break;
        default:
          part.samples.values.push_back(std::sin(total));
          break;
      }
    }
    before = part.samples.values;
    out.push_back(std::move(part));
  }
  return out;
}

std::string Encoded(const std::vector<Part>& parts) {
  BundleEncoder encoder;
  for (const Part& part : parts) encoder.Add(part.series, part.seal, part.samples.times, part.samples.values);
  return encoder.Take();
}

TEST_CASE("a bundle gives back every part, in any order and any range", "[storage][bundle]") {
  std::mt19937_64 random(GENERATE(1U, 2U));
  for (int round = 0; round < test::Repetitions(150, 20); ++round) {
    const std::vector<Part> parts = AnyParts(random);
    const std::string bytes = Encoded(parts);
    BundleReader reader;
    MustSucceed(reader.Open(bytes));
    REQUIRE(reader.parts().size() == parts.size());
    for (int look = 0; look < 60; ++look) {
      const std::size_t i = look < 30 ? static_cast<std::size_t>(look) % parts.size() : random() % parts.size();
      const Part& want = parts[i];
      CHECK(reader.parts()[i].series == want.series);
      CHECK(reader.parts()[i].seal == want.seal);
      CHECK(reader.parts()[i].count == want.samples.size());
      Columns expected = want.samples, out{{1}, {2}};
      TimeRange range = reader.parts()[i].range;
      if (random() % 2 == 0) {
        range = {TimeMs(want.samples.times[random() % want.samples.size()]),
                 TimeMs(want.samples.times[random() % want.samples.size()])};
      }
      CutToRange(expected, 0, range);
      MustSucceed(reader.Decode(i, range, out));
      REQUIRE(out.size() == expected.size() + 1);
      out.times.erase(out.times.begin());
      out.values.erase(out.values.begin());
      CHECK(out.times == expected.times);
      CHECK(SameBits(out.values, expected.values));
    }
    const auto [begin, end] = reader.Find(parts.back().series);
    CHECK(end == parts.size());
    CHECK(parts[begin].series == parts.back().series);
    CHECK((begin == 0 || parts[begin - 1].series < parts.back().series));
  }
}

TEST_CASE("what series share is stored once in a bundle", "[storage][bundle]") {
  std::mt19937_64 random(3);
  SECTION("buckets are coded next to each other, up to a depth") {
    std::string chunks;
    BundleEncoder encoder;
    std::uint64_t id = 0;
    const auto buckets = Buckets(14, 2000, random);
    for (const Columns& bucket : buckets) {
      EncodeChunk(bucket.times, bucket.values, chunks);
      encoder.Add(SeriesId(++id), 1, bucket.times, bucket.values);
    }
    const std::string bytes = encoder.Take();
    CHECK(bytes.size() * 10 < chunks.size() * 8);
    BundleReader reader;
    MustSucceed(reader.Open(bytes));
    Columns last;
    MustSucceed(reader.Decode(buckets.size() - 1, last));
    CHECK(SameBits(last.values, buckets.back().values));
  }
  SECTION("irregular times") {
    Columns one{Times(500, 15'000, &random), {}};
    for (std::size_t i = 0; i < one.times.size(); ++i) one.values.push_back(static_cast<double>(i));
    BundleEncoder encoder;
    encoder.Add(SeriesId(1), 1, one.times, one.values);
    const std::size_t alone = encoder.bytes();
    encoder.Add(SeriesId(2), 1, one.times, one.values);
    CHECK(encoder.bytes() - alone < alone / 10);
  }
}

TEST_CASE("a damaged bundle is refused or gives samples in order, and nothing else", "[storage][bundle]") {
  std::mt19937_64 random(5);
  const auto read_all = [](std::string_view bytes) {
    BundleReader reader;
    if (!reader.Open(bytes)) {
      CHECK(reader.parts().empty());
      return;
    }
    for (std::size_t i = 0; i < reader.parts().size(); ++i) {
      Columns out;
      if (!reader.Decode(i, out)) {
        CHECK(out.size() == 0);
      } else {
        CHECK(out.size() == reader.parts()[i].count);
        CHECK(std::ranges::is_sorted(out.times, std::less_equal{}));
      }
    }
  };
  for (int round = 0; round < test::Repetitions(20, 4); ++round) {
    const std::string bytes = Encoded(AnyParts(random));
    for (int i = 0; i < 60; ++i) {
      read_all(std::string_view(bytes).substr(0, random() % bytes.size()));
      std::string damaged = bytes;
      for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
        const std::size_t at =
            random() % 2 == 0 ? random() % std::min<std::size_t>(damaged.size(), 120) : random() % damaged.size();
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
      }
      read_all(damaged);
    }
  }
  BundleReader reader;
  CHECK(reader.Open("\x02").error().code == Code::kBadData);
  CHECK(reader.Open("").error().code == Code::kCorruption);
}

}  // namespace
}  // namespace vedette::storage
