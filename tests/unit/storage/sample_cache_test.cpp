// Decoded samples kept between queries. Sequences of random changes are property_test.cpp's, which reads everything
// three times.
#include "storage/rocks/sample_cache.h"

#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include <rocksdb/write_batch.h>

#include "storage/chunk/chunk.h"
#include "storage/rocks/database.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/sample_changes.h"
#include "tests/unit/storage/random_histogram.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

class CacheFixture {
 public:
  explicit CacheFixture(std::size_t bytes) : cache(bytes, metrics_) {}

  void Put(std::uint64_t series, std::size_t n, std::uint64_t as_of = 1) {
    std::vector<std::int64_t> times(n);
    std::iota(times.begin(), times.end(), std::int64_t{1000});
    cache.Put(SeriesId(series), 0, times, std::vector<double>(n, static_cast<double>(series)), false, as_of);
  }
  /// Empty when it is not there.
  SampleCache::Block Get(std::uint64_t series) {
    const auto page = cache.Find(SeriesId(series), 0);
    return page == nullptr ? SampleCache::Block() : page->At(SeriesId(series));
  }
  std::size_t Kept(std::uint64_t series) { return Get(series).values.size(); }

 private:
  prometheus::Registry registry_;
  StorageMetrics metrics_{registry_};

 public:
  SampleCache cache;
};

TEST_CASE("a block is wanted when it is asked for again", "[storage][sample_cache]") {
  CacheFixture fixture(1 << 20);
  CHECK_FALSE(fixture.cache.Wanted(SeriesId(1), 5));
  CHECK_FALSE(fixture.cache.Wanted(SeriesId(1), 6));
  CHECK_FALSE(fixture.cache.Wanted(SeriesId(2), 5));
  CHECK(fixture.cache.Wanted(SeriesId(1), 5));
}

TEST_CASE("neighbours share their times; the newer of two blocks stays", "[storage][sample_cache]") {
  CacheFixture fixture(1 << 20);
  std::set<const void*> columns;
  for (std::uint64_t series = 32; series < 48; ++series) fixture.Put(series, 10);
  for (std::uint64_t series = 32; series < 48; ++series) {
    const SampleCache::Block found = fixture.Get(series);
    REQUIRE(found.values.size() == 10);
    CHECK(found.values[9] == static_cast<double>(series));
    columns.insert(found.times.get());
  }
  CHECK(columns.size() == 1);
  SampleCache::Memo memo;
  CHECK(fixture.cache.Find(SeriesId(40), 0, memo) == fixture.cache.Find(SeriesId(33), 0).get());
  CHECK(fixture.cache.Find(SeriesId(41), 0, memo) == fixture.cache.Find(SeriesId(33), 0).get());
  CHECK(fixture.cache.Find(SeriesId(48), 0, memo) == nullptr);
  CHECK(fixture.cache.Find(SeriesId(40), 1, memo) == nullptr);
  fixture.Put(1, 11);
  fixture.Put(1, 12, 3);
  fixture.Put(1, 11, 2);
  CHECK(fixture.Kept(1) == 12);
  fixture.Put(2, 0, 3);
  CHECK(fixture.Get(2).times == nullptr);
  CHECK(fixture.Get(2).as_of == 3);
}

TEST_CASE("what is not asked for goes first, and memory stays within its bound", "[storage][sample_cache]") {
  CacheFixture fixture(1 << 20);
  fixture.Put(1, 50'000);  // more than its share
  CHECK(fixture.Kept(1) == 0);
  CHECK(fixture.Get(1).too_much);
  for (std::uint64_t series = 1; series <= 20'000; ++series) {
    fixture.Put(series, 20, 2);
    CHECK(fixture.Kept(1) == 20);
  }
  std::size_t kept = 0;
  for (std::uint64_t series = 1; series <= 20'000; ++series) kept += fixture.Kept(series) > 0 ? 1 : 0;
  CHECK(kept * SampleCache::BytesOf(20) <= 1 << 20);
  CHECK(kept * SampleCache::BytesOf(20) > (1 << 20) / 2);
}

TEST_CASE("a change spoils what was read before its end, and nothing else", "[storage][sample_cache]") {
  SampleChanges changes;
  const auto stripe = SampleChanges::StripeOf(19'000, SeriesId(77)),
             other = SampleChanges::StripeOf(19'001, SeriesId(77));
  REQUIRE(stripe != other);
  CHECK(stripe == SampleChanges::StripeOf(19'000, SeriesId(78)));
  const std::uint64_t before = changes.Now();
  {
    const SampleChanges::Change change(changes, {stripe});
    CHECK_FALSE(changes.UnchangedSince(changes.Now(), stripe));
    CHECK(changes.UnchangedSince(before, other));
  }
  CHECK_FALSE(changes.UnchangedSince(before, stripe));
  CHECK(changes.UnchangedSince(changes.Now(), stripe));
  CHECK(changes.UnchangedSince(before, other));
  { const SampleChanges::Change change(changes); }
  CHECK_FALSE(changes.UnchangedSince(before, other));
  CHECK(changes.UnchangedSince(changes.Now(), other));
}

TEST_CASE("samples of the disk are read once while nothing changes", "[storage][sample_cache]") {
  RocksFixture fixture;
  fixture.Open();
  const TimeMs now = fixture.clock.Now();
  const SeriesId id = AppendOne(*fixture.store, {{"__name__", "a"}}, now - Millis(60'000), 1);
  const auto read = [&](TimeMs from) {
    Columns out;
    MustSucceed(fixture.store->NewQuerier({from, now})->Read(id, {from, now}, out));
    return out.size();
  };
  const auto counted = [&](const std::string& name) {
    for (const auto& family : fixture.registry->Collect()) {
      if (family.name == name) return family.metric.front().counter.value;
    }
    return -1.0;
  };
  AppendOne(*fixture.store, {{"__name__", "a"}}, now - Millis(30'000), 2);
  MustSucceed(fixture.store->Flush());
  for (int i = 0; i < 5; ++i) CHECK(read(now - Millis(70'000)) == 2);
  CHECK(read(now - Millis(40'000)) == 1);
  CHECK(counted("vedette_storage_sample_cache_hits_total") == 4);
  CHECK(counted("vedette_storage_sample_cache_misses_total") == 2);
  // A later sample of the same four hours.
  AppendOne(*fixture.store, {{"__name__", "a"}}, now, 3);
  MustSucceed(fixture.store->Flush());
  for (int i = 0; i < 3; ++i) CHECK(read(now - Millis(70'000)) == 3);
  CHECK(counted("vedette_storage_sample_cache_misses_total") > 2);
}

/// Of 100 samples; its head is whole, and its values are not.
std::string DamagedChunk(TimeMs first) {
  std::vector<std::int64_t> times;
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) {
    times.push_back(first.ms + i * 1000);
    values.push_back(std::sin(i));
  }
  std::string chunk;
  EncodeChunk(times, values, chunk);
  Columns out;
  while (DecodeChunk(chunk, out)) chunk.pop_back();
  REQUIRE(ReadChunkHeader(chunk).has_value());
  return chunk;
}

TEST_CASE("damage within the same four hours harms no reader of other times", "[storage][sample_cache]") {
  RocksFixture fixture;
  fixture.Open();
  const std::int32_t day = DayOf(fixture.clock.Now());
  const TimeMs begin = StartOfDay(day), later = begin + Millis(7'200'000);
  const SeriesId id = AppendOne(*fixture.store, {{"__name__", "a"}}, begin + Millis(60'000), 1);
  MustSucceed(fixture.store->Flush());
  fixture.store.reset();
  {
    const auto database = MustHave(Database::Open(fixture.options, nullptr));
    rocksdb::WriteBatch batch;
    batch.Put(database->family(Family::kChunks), EncodeChunkKey({day, id, later, 1}), DamagedChunk(later));
    batch.Put(database->family(Family::kMeta), UnpackedKey(day), rocksdb::Slice());
    MustSucceed(database->Write(batch, true));
  }
  fixture.Open();
  const TimeRange good{begin, begin + Millis(120'000)}, whole{begin, later + Millis(200'000)};
  for (int i = 0; i < 4; ++i) {
    INFO(i);
    Columns out;
    MustSucceed(fixture.store->NewQuerier(good)->Read(id, good, out));
    CHECK(out.size() == 1);
    CHECK(fixture.store->NewQuerier(whole)->Read(id, whole, out).error().code == Code::kCorruption);
  }
}

TEST_CASE("series with histograms are read anew each time, and as they are", "[storage][sample_cache]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  const TimeMs now = fixture.clock.Now();
  const auto appender = store.NewAppender();
  const SeriesId id = MustHave(appender->Series({{"__name__", "h"}}));
  std::mt19937 random(4);
  for (int i = 0; i < 20; ++i) appender->AddHistogram(id, now - Millis(i * 15'000), RandomHistogram(random));
  (void)MustHave(appender->Commit());
  MustSucceed(store.Flush());
  const TimeRange range{now - Millis(120'000), now};
  Columns floats;
  HistogramColumns first;
  MustSucceed(store.NewQuerier(range)->ReadMixed(id, range, floats, first));
  CHECK(first.size() == 9);
  for (int i = 0; i < 4; ++i) {
    HistogramColumns again;
    MustSucceed(store.NewQuerier(range)->ReadMixed(id, range, floats, again));
    REQUIRE(again.times == first.times);
    for (std::size_t n = 0; n < again.size(); ++n) CHECK(SameHistogram(again.histograms[n], first.histograms[n]));
  }
  CHECK(floats.size() == 0);
}

}  // namespace
}  // namespace vedette::storage
