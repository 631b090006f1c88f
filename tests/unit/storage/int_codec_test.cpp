// Integer sequences: every way of coding gives them back, whole and in part; the quick loops do what the plain ones do.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "storage/chunk/bin_coder.h"
#include "storage/chunk/int_codec.h"
#include "storage/chunk/kernels.h"
#include "storage/chunk/packed_ints.h"
#include "storage/coding.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

using Ints = std::vector<std::int64_t>;

/// Lengths around the points where the number of states, the vector width and the careful tails change.
constexpr std::size_t kLengths[] = {0, 1, 2, 3, 7, 9, 63, 64, 65, 240, 511, 513, 2047, 2050, 5760};

Ints Random(std::mt19937_64& random, std::size_t n, int kind) {
  Ints out(n);
  std::normal_distribution<double> bell(100, std::ldexp(1, kind % 50));
  std::int64_t total = 0;
  const auto width = random() % 64;
  for (auto& v : out) {
    switch (kind % 7) {
      case 0:
        v = static_cast<std::int64_t>(random() >> width);
        break;
      case 1:
        v = static_cast<std::int64_t>(bell(random));
        break;
      case 2:
        v = total += static_cast<std::int64_t>(random() % 7);
        break;
      case 3:
        v = total += random() % 20 == 0 ? 4096 * static_cast<std::int64_t>(random() % 50) : 0;
        break;
      case 4:
        v = total += 15'000 + static_cast<std::int64_t>(random() % 5);
        break;
      case 5:  // near multiples of a step, sometimes far from any
        v = std::llround(static_cast<double>(random() % 5000) * 77.7) + (random() % 50 == 0 ? 30 : 0);
        break;
      default:
        v = random() % 3 == 0 ? 5 : -12;
    }
    if (kind % 4 == 3 && random() % 200 == 0) v = random() % 2 ? INT64_MIN : INT64_MAX;
  }
  return out;
}

TEST_CASE("integer sequences come back, whole and any first part", "[storage][chunk]") {
  std::mt19937_64 random(11);
  for (int kind = 0; kind < 60; ++kind) {
    for (const std::size_t n : kLengths) {
      const Ints values = Random(random, n, kind);
      INFO("kind " << kind << ", " << n << " values");
      for (const IntEffort effort : {IntEffort::kSmallest, IntEffort::kPackedOnly}) {
        std::string bytes;
        EncodeInts(values, bytes, effort);
        bytes += "what follows";
        for (const std::size_t part : {n, n / 2, std::min<std::size_t>(n, 1)}) {
          Ints out(part);
          ByteReader in(bytes);
          REQUIRE(DecodeInts(in, n, out));
          CHECK(std::equal(out.begin(), out.end(), values.begin()));
          if (part == n) CHECK(in.rest() == "what follows");
        }
      }
    }
  }
}

TEST_CASE("bins hold what they were planned for, and cost about the entropy", "[storage][chunk]") {
  std::mt19937_64 random(5);
  Ints values(5760);
  std::normal_distribution<double> bell(0, 859);
  for (auto& v : values) v = std::llround(bell(random));
  Ints sorted = values, spare;
  SortInts(sorted, spare);
  CHECK(std::ranges::is_sorted(sorted));
  const BinPlan plan = PlanBins(sorted);
  std::string bytes;
  EncodeBins(values, plan, bytes);
  // Differential entropy of a normal distribution: log2(sigma * sqrt(2 pi e)) bits.
  const double ideal = 5760 * std::log2(859 * 4.1327) / 8;
  CHECK(static_cast<double>(bytes.size()) < ideal * 1.01);
  CHECK_THAT(static_cast<double>(plan.bytes), WithinRel(static_cast<double>(bytes.size()), 0.01));
}

TEST_CASE("multiples of a step that is no whole number cost their number and the rounding", "[storage][chunk]") {
  std::mt19937_64 random(21);
  for (const double step : {40.7, 152.587890625, 915.52734375, 1e6 / 3, 3e9 / 7}) {
    for (const int order : {0, 1, 2}) {
      Ints values(5760);
      for (auto& v : values) {
        const auto multiple = static_cast<double>(random() % 60'000) - 20'000;
        v = std::llround(multiple * step) + static_cast<std::int64_t>(random() % 3) - 1;
      }
      for (int i = 0; i < order; ++i) std::partial_sum(values.begin(), values.end(), values.begin(), WrapAdd);
      INFO("step " << step << ", order " << order);
      std::string bytes;
      EncodeInts(values, bytes);
      CHECK(static_cast<double>(bytes.size()) < 5760 * (std::log2(60'000) + std::log2(3) + 0.7) / 8);
      bytes += "what follows";
      for (const std::size_t part : {values.size(), std::size_t{1000}, std::size_t{1}}) {
        Ints out(part);
        ByteReader in(bytes);
        REQUIRE(DecodeInts(in, values.size(), out));
        CHECK(std::equal(out.begin(), out.end(), values.begin()));
        if (part == values.size()) CHECK(in.rest() == "what follows");
      }
      for (int i = 0; i < 100; ++i) {
        std::string damaged = bytes;
        damaged[random() % 40] ^= static_cast<char>(1 + random() % 255);
        ByteReader in(damaged);
        Ints out(values.size());
        (void)DecodeInts(in, out.size(), out);
      }
    }
  }
}

TEST_CASE("sequences in parts are the same sequences", "[storage][chunk]") {
  std::mt19937_64 random(31);
  for (const std::uint64_t factor : {1, 1'000}) {
    for (const int order : {0, 1, 2}) {
      for (const std::uint64_t spread : {1, 200, 100'000'000}) {
        for (const std::size_t n : {1, 2, 9, 1024, 1025, 5000}) {
          Ints values(n);
          for (auto& v : values) v = static_cast<std::int64_t>(random() % spread * factor);
          for (int i = 0; i < order; ++i) std::partial_sum(values.begin(), values.end(), values.begin(), WrapAdd);
          for (const IntEffort effort : {IntEffort::kSmallest, IntEffort::kPackedOnly}) {
            std::string bytes;
            EncodeInts(values, bytes, effort);
            bytes += "what follows";
            for (const std::size_t wanted : {n, n / 2, std::size_t{0}}) {
              Ints got;
              ByteReader in(bytes);
              REQUIRE(DecodeIntsInParts(in, n, wanted, [&](std::size_t at, std::span<std::int64_t> part) {
                REQUIRE(at == got.size());
                got.insert(got.end(), part.begin(), part.end());
              }));
              CHECK(got == Ints(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(wanted)));
              if (wanted == n) CHECK(in.rest() == "what follows");
            }
          }
        }
      }
    }
  }
}

TEST_CASE("damaged sequences are refused or give that many integers", "[storage][chunk]") {
  std::mt19937_64 random(9);
  for (int kind = 0; kind < 30; ++kind) {
    std::string bytes;
    EncodeInts(Random(random, 700, kind), bytes);
    for (int i = 0; i < 200; ++i) {
      std::string damaged = bytes.substr(0, random() % 3 == 0 ? random() % bytes.size() : bytes.size());
      if (!damaged.empty()) damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
      Ints out(700);
      ByteReader in(damaged);
      if (DecodeInts(in, out.size(), out)) CHECK(in.size() <= damaged.size());
    }
  }
}

TEST_CASE("quick loops do what plain ones do", "[storage][chunk]") {
  std::mt19937_64 random(3);
  for (const std::size_t n : kLengths) {
    Ints values(n);
    for (auto& v : values) v = static_cast<std::int64_t>(random() >> (random() % 64)) * (random() % 2 ? 1 : -1);
    INFO(n << " values");
    Ints want = values, got = values;
    for (std::size_t i = 1; i < n; ++i) want[i] = WrapAdd(want[i], want[i - 1]);
    SumUp(got);
    CHECK(got == want);
    std::vector<double> doubles(n);
    const auto same = [&](auto value_of) {
      for (std::size_t i = 0; i < n; ++i) {
        if (doubles[i] != value_of(static_cast<double>(values[i]))) return false;
      }
      return true;
    };
    ToDoubles(values, doubles);
    CHECK(same([](double v) { return v; }));
    DivideInts(values, 1e7, doubles);
    CHECK(same([](double v) { return v / 1e7; }));
    MultiplyInts(values, 1e-3, doubles);
    CHECK(same([](double v) { return v * 1e-3; }));
    FillSteps(-5, 15'000, got);
    for (std::size_t i = 0; i < n; ++i) want[i] = -5 + static_cast<std::int64_t>(i) * 15'000;
    CHECK(got == want);
    for (unsigned width = 0; width <= 62; ++width) {  // beyond, the sum may pass what an int64 holds
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t bits = width == 0 ? 0 : random() >> (64 - width);
        want[i] = WrapAdd(-77, static_cast<std::int64_t>(bits));
      }
      std::string bytes;
      PackInts(want, {-77, width, 0, 0}, bytes);
      ByteReader in(bytes);
      REQUIRE(UnpackInts(in, n, got));
      CHECK(got == want);
      ByteReader again(bytes);
      const auto packing = ReadPlainPacking(again, n);
      REQUIRE(packing);
      UnpackSums(packing->bits, packing->width, packing->base, 1'000, got);
      std::int64_t sum = 1'000;
      for (auto& v : want) v = sum = WrapAdd(sum, v);
      CHECK(got == want);
    }
  }
}

}  // namespace
}  // namespace vedette::storage
