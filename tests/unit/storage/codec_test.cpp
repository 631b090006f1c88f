// Chunk codecs: every value comes back bit for bit, damaged bytes are refused, the chosen codec is the small one.
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "core/numbers.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/merge.h"
#include "storage/chunk/open_chunk.h"
#include "storage/chunk/value_codec.h"
#include "storage/rocks/journal_record.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

std::vector<std::int64_t> RegularTimes(std::size_t n) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(1'700'000'000'123 + static_cast<std::int64_t>(i) * 15'000);
  return out;
}

struct Case {
  std::string name;
  std::vector<double> values;
  ValueCodec codec;
  double max_bytes_per_sample;
};

std::vector<Case> Cases() {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  std::mt19937_64 random(7);
  std::vector<double> counter, decimals, products, noise, gauge_with_stale, bits;
  double total = 1e6;
  for (int i = 0; i < 240; ++i) {
    counter.push_back(total += static_cast<double>(random() % 100));
    decimals.push_back(static_cast<double>(random() % 1000) / 100);
    products.push_back(static_cast<double>(random() % 1000) * 0.1);
    noise.push_back(static_cast<double>(random()) / 3e9);
    gauge_with_stale.push_back(i == 239 ? StaleNan() : 5);
    bits.push_back(std::bit_cast<double>(random()));
  }
  return {{"constant", std::vector<double>(240, 0.1), ValueCodec::kConstant, 0.2},
          {"constant staleness marker", std::vector<double>(240, StaleNan()), ValueCodec::kConstant, 0.2},
          {"counter", counter, ValueCodec::kIntegers, 1.1},
          {"decimals", decimals, ValueCodec::kIntegers, 1.6},
          {"noise", noise, ValueCodec::kFloatBits, 7.5},
          {"stale at the end", gauge_with_stale, ValueCodec::kIntegers, 0.2},
          {"products", products, ValueCodec::kProducts, 1.4},
          {"any bits", bits, ValueCodec::kFloatBits, 8.3},
          {"specials", {0.0, -0.0, kInf, -kInf, NormalNan(), StaleNan(), 5e-324, 1.7e308}, ValueCodec::kXor, 12},
          {"largest exact integers", {9007199254740991, -9007199254740991, 1, 0}, ValueCodec::kXor, 14},
          {"beyond exact integers", {9007199254740994, 9.3e18, -1e300}, ValueCodec::kXor, 14},
          {"one sample", {42}, ValueCodec::kConstant, 24}};
}

TEST_CASE("chunks give back every bit and choose the smallest codec", "[storage][chunk]") {
  for (const Case& c : Cases()) {
    INFO(c.name);
    const auto times = RegularTimes(c.values.size());
    std::string bytes;
    EncodeChunk(times, c.values, bytes);
    const ChunkHeader header = MustHave(ReadChunkHeader(bytes));
    CHECK(header.count == times.size());
    CHECK(header.range == TimeRange{TimeMs(times.front()), TimeMs(times.back())});
    CHECK(header.value_codec == c.codec);
    CHECK(header.time_codec == TimeCodec::kRegular);
    CHECK(static_cast<double>(bytes.size()) <= c.max_bytes_per_sample * static_cast<double>(times.size()));
    Columns out{{1}, {1.5}};
    MustSucceed(DecodeChunk(bytes, out));
    out.times.erase(out.times.begin());
    out.values.erase(out.values.begin());
    CHECK(out.times == times);
    CHECK(SameBits(out.values, c.values));
    if (header.summary) {
      CHECK(header.summary->min == *std::min_element(c.values.begin(), c.values.end()));
      CHECK(header.summary->max == *std::max_element(c.values.begin(), c.values.end()));
      CHECK(header.summary->first == c.values.front());
      CHECK(header.summary->last == c.values.back());
      double sum = 0;
      for (const double v : c.values) sum += v;
      CHECK_THAT(header.summary->sum, WithinRel(sum, 1e-9));
    }
    for (const ValueCodec forced :
         {ValueCodec::kConstant, ValueCodec::kIntegers, ValueCodec::kXor, ValueCodec::kFloatBits}) {
      bytes.clear();
      EncodeChunk(times, c.values, bytes, forced);
      Columns again;
      MustSucceed(DecodeChunk(bytes, again));
      CHECK(SameBits(again.values, c.values));
    }
  }
}

TEST_CASE("irregular times come back, and an outlier costs a few bytes only", "[storage][chunk]") {
  std::mt19937 random(3);
  std::vector<std::int64_t> times;
  std::int64_t time = -5'000'000'000;
  for (int i = 0; i < 240; ++i) times.push_back(time += 15'000 + static_cast<int>(random() % 9) - 4);
  const std::vector<double> values(times.size(), 1);
  std::string jitter, gap;
  EncodeChunk(times, values, jitter);
  for (std::size_t i = 120; i < times.size(); ++i) times[i] += 1'000'000'000'000;
  EncodeChunk(times, values, gap);
  CHECK(jitter.size() < 240);
  CHECK(gap.size() < jitter.size() + 24);
  Columns out;
  MustSucceed(DecodeChunk(gap, out));
  CHECK(out.times == times);
}

TEST_CASE("cut and flipped chunks are refused or decode within bounds, never more", "[storage][chunk]") {
  std::mt19937 random(5);
  for (const Case& c : Cases()) {
    std::string bytes;
    EncodeChunk(RegularTimes(c.values.size()), c.values, bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      Columns out;
      const Status status = DecodeChunk(std::string_view(bytes).substr(0, cut), out);
      CHECK(!status);
      CHECK(out.size() == 0);
    }
    for (int i = 0; i < 300; ++i) {
      std::string damaged = bytes;
      damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
      Columns out;
      if (DecodeChunk(damaged, out)) CHECK(out.size() <= kMaxChunkSamples);
    }
  }
  // What version 3 added to version 2 is not used here.
  std::string old;
  EncodeChunk(RegularTimes(3), std::vector<double>{1, 2, 5}, old);
  old[0] = 2;
  Columns read;
  MustSucceed(DecodeChunk(old, read));
  CHECK(read.values == std::vector<double>{1, 2, 5});

  Columns out;
  CHECK(DecodeChunk("\x04 a chunk of a later release", out).error().code == Code::kBadData);
  CHECK(DecodeChunk("\x01 a chunk of a development version", out).error().code == Code::kBadData);
  CHECK(DecodeChunk("\x02\x08 native histograms, reserved", out).error().code == Code::kBadData);
  CHECK(DecodeChunk("", out).error().code == Code::kCorruption);
}

TEST_CASE("a part of a chunk is what cutting the whole gives", "[storage][chunk]") {
  std::mt19937_64 random(21);
  for (const Case& c : Cases()) {
    for (const bool jitter : {false, true}) {
      std::vector<std::int64_t> times = RegularTimes(c.values.size());
      for (auto& t : times) t += jitter ? static_cast<std::int64_t>(random() % 9) : 0;
      std::string bytes;
      EncodeChunk(times, c.values, bytes);
      for (int i = 0; i < 40; ++i) {
        const auto around = [&] {
          return times[random() % times.size()] + static_cast<std::int64_t>(random() % 3) - 1;
        };
        const TimeRange range{TimeMs(around()), TimeMs(around())};
        Columns part{{7}, {7}}, whole{{7}, {7}};
        MustSucceed(DecodeChunkRange(bytes, range, part));
        MustSucceed(DecodeChunk(bytes, whole));
        CutToRange(whole, 1, range);
        CHECK(part.times == whole.times);
        CHECK(SameBits(part.values, whole.values));
      }
    }
  }
}

TEST_CASE("the summary of a chunk reads it as a counter, too", "[storage][chunk]") {
  struct Counter {
    std::string name;
    double scale;
  };
  const auto c = GENERATE(values<Counter>({{"integers", 1}, {"decimals", 0.125}, {"any doubles", 1.0 / 3}}));
  INFO(c.name);
  std::mt19937_64 random(17);
  std::vector<double> values;
  double value = 0, increase = 0;
  std::uint32_t resets = 0;
  for (int i = 0; i < 600; ++i) {
    const double next = random() % 100 == 0 ? 2 * c.scale : value + static_cast<double>(1 + random() % 9) * c.scale;
    if (i > 0) increase += next < value ? next : next - value;
    if (i > 0 && next < value) ++resets;
    values.push_back(value = next);
  }
  std::string bytes;
  EncodeChunk(RegularTimes(values.size()), values, bytes);
  const ChunkHeader header = MustHave(ReadChunkHeader(bytes));
  REQUIRE(header.summary);
  CHECK(header.summary->resets == resets);
  CHECK_THAT(header.summary->increase, WithinRel(increase, 1e-12));
  CHECK(header.summary->first == values.front());
  CHECK(header.summary->last == values.back());
}

TEST_CASE("an open chunk can be read at any length while it grows", "[storage][chunk]") {
  std::mt19937_64 random(9);
  OpenChunk chunk;
  Columns want;
  std::int64_t time = 0;
  for (int i = 0; i < 500; ++i) {
    const int kind = static_cast<int>(random() % 6);
    time += kind == 0 ? static_cast<std::int64_t>(random() >> 20) : kind == 1 ? 14'998 : 15'000;
    const double value = kind < 3 ? static_cast<double>(random() % 100) : std::bit_cast<double>(random());
    chunk.Append(TimeMs(time), value);
    want.times.push_back(time);
    want.values.push_back(value);
  }
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{137}, chunk.count()}) {
    Columns got;
    OpenChunk::Decode(chunk.bytes(), n, got);
    CHECK(std::equal(got.times.begin(), got.times.end(), want.times.begin()));
    CHECK(SameBits(got.values, {want.values.begin(), want.values.begin() + static_cast<std::ptrdiff_t>(n)}));
  }
  CHECK(chunk.last_time() == TimeMs(time));
}

TEST_CASE("journal records come back, and damaged ones are refused", "[storage][journal]") {
  std::mt19937_64 random(13);
  AppendBatch batch;
  for (int i = 0; i < 500; ++i) {
    const double values[] = {static_cast<double>(random() % 300),
                             -1234567.0,
                             0.125,
                             12.5,
                             1e15,
                             4503599627370495,
                             4503599627370497,
                             StaleNan(),
                             NormalNan(),
                             -0.0,
                             0.1,
                             1e300};
    batch.Add(SeriesId(1 + random() % 2000), TimeMs(1'700'000'000'000 + i / 100 * 15'000), values[random() % 12]);
  }
  std::atomic<std::uint64_t> next_block{7};
  RowGroup group(5, next_block);
  RowDrafts drafts;
  std::vector<std::uint16_t> columns;
  std::vector<double> values;
  for (const int grown : {70, 0, 3}) {
    for (int i = 0; i < grown; ++i) columns.push_back(group.AddColumn(SeriesId(100 + random() % 300)));
    values.assign(columns.size(), static_cast<double>(random() % 100));
    group.Draft(TimeMs(1'000 + static_cast<std::int64_t>(drafts.rows.size())), columns, values, 0, drafts);
  }
  const std::string bytes = EncodeCommit(drafts, batch);
  JournalRecord record;
  MustSucceed(DecodeRecord(bytes, record));
  CHECK(record.kind == RecordKind::kCommit);
  REQUIRE(record.rows.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const RowPart& part = record.rows[i];
    CHECK(part.block == 7);
    CHECK(part.opens_block == (i == 0));
    CHECK(part.ordinal == i);
    CHECK(part.time == drafts.rows[i].time);
    CHECK(part.row == drafts.RowBytes(drafts.rows[i]));
    CHECK(ValidateRow(part.row, group.ids().size()));
  }
  CHECK(record.rows[0].group == 5);
  CHECK(std::ranges::equal(record.rows[0].ids, group.ids().first(70)));
  CHECK(record.rows[1].ids.empty());
  CHECK(record.rows[2].first_column == 70);
  CHECK(std::ranges::equal(record.rows[2].ids, group.ids().last(3)));
  CHECK(record.singles.series == batch.series);
  CHECK(SameBits(record.singles.values, batch.values));
  REQUIRE(record.singles.rows.size() == batch.rows.size());
  CHECK(record.singles.rows.back().time == batch.rows.back().time);

  const std::vector<SeriesId> sealed = {SeriesId(3), SeriesId(4), SeriesId(5), SeriesId(900)};
  const std::vector<std::uint64_t> blocks = {9, 1'000'000};
  MustSucceed(DecodeRecord(EncodeSealed(sealed, blocks), record));
  CHECK(record.sealed == sealed);
  CHECK(record.sealed_blocks == blocks);
  const std::vector<CarriedSamples> carried = {{SeriesId(7), {{1, 2}, {0.5, StaleNan()}}}, {SeriesId(2), {{-9}, {1}}}};
  MustSucceed(DecodeRecord(EncodeCarried(carried), record));
  REQUIRE(record.carried.size() == 2);
  CHECK(record.carried[0].samples.times == carried[0].samples.times);
  CHECK(SameBits(record.carried[0].samples.values, carried[0].samples.values));
  CHECK(record.carried[1].id == SeriesId(2));

  CHECK(DecodeRecord("", record).error().code == Code::kCorruption);
  CHECK(DecodeRecord("\x09", record).error().code == Code::kBadData);
  CHECK(DecodeRecord(bytes.substr(0, bytes.size() - 3), record).error().code == Code::kCorruption);
  for (int i = 0; i < 1000; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    if (DecodeRecord(damaged, record)) CHECK(record.singles.values.size() == record.singles.series.size());
  }
}

TEST_CASE("which duplicate stays depends on nothing but the values", "[storage]") {
  const std::vector<double> order = {
      std::bit_cast<double>(0xfff8000000000001ULL), NormalNan(), StaleNan(), -1e9, -0.0, 0.0, 3,
      std::numeric_limits<double>::infinity()};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      CHECK(SameBits({ResolveDuplicate(order[i], order[j])}, {order[std::max(i, j)]}));
    }
  }
  Columns columns{{9, 5, 3, 5, 3}, {9, StaleNan(), 1, 7, 2}};
  SortAndResolve(columns, 1);
  CHECK(columns.times == std::vector<std::int64_t>{9, 3, 5});
  CHECK(columns.values == std::vector<double>{9, 2, 7});
  CutToRange(columns, 1, {TimeMs(4), TimeMs(8)});
  CHECK(columns.times == std::vector<std::int64_t>{9, 5});
}

}  // namespace
}  // namespace vedette::storage
