// Native histograms: codecs, and their way through both engines beside floats, against an obvious model.
#include <map>
#include <random>

#include "storage/chunk/histogram_chunk.h"
#include "storage/chunk/histogram_codec.h"
#include "storage/chunk/merge.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/effort.h"
#include "tests/unit/storage/random_histogram.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

constexpr std::int64_t kHistogramStart = 1'699'990'000'000;

bool SameColumns(const HistogramColumns& a, const HistogramColumns& b) {
  if (a.times != b.times) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!SameHistogram(a.histograms[i], b.histograms[i])) return false;
  }
  return true;
}

std::shared_ptr<const HistogramLayout> LayoutOf(std::vector<std::int32_t> positive,
                                                std::vector<std::int32_t> negative) {
  HistogramLayout layout;
  layout.positive = std::move(positive);
  layout.negative = std::move(negative);
  return std::make_shared<const HistogramLayout>(std::move(layout));
}

TEST_CASE("a histogram is the same whichever empty buckets it names", "[storage][histogram]") {
  Histogram a, b;
  a.layout = LayoutOf({1, 2, 3, 9}, {-1});
  a.counts = {0, 5, 0, 7, 0};
  b.layout = LayoutOf({2, 9}, {});
  b.counts = {5, 7};
  CHECK(SameHistogram(a, b));
  b.counts = {5, 8};
  CHECK(std::is_lt(CompareHistograms(a, b)));
  CHECK(std::is_lt(CompareHistograms(StaleHistogram(), a)));
  a.counts.pop_back();
  CHECK(ValidateHistogram(a).error().message == "histogram with 4 counts for 5 buckets");
}

TEST_CASE("spans and bucket numbers are two ways of saying the same", "[storage][histogram]") {
  const std::vector<BucketSpan> spans{{-3, 2}, {0, 1}, {5, 3}};
  std::vector<std::int32_t> numbers;
  MustSucceed(AppendSpans(spans, numbers));
  CHECK(numbers == std::vector<std::int32_t>{-3, -2, -1, 5, 6, 7});
  CHECK(SpansOf(numbers) == std::vector<BucketSpan>{{-3, 3}, {5, 3}});
  const std::vector<BucketSpan> overlap{{3, 2}, {-1, 1}}, huge{{0, UINT32_MAX}};
  CHECK(AppendSpans(overlap, numbers).error().code == Code::kBadData);
  CHECK(AppendSpans(huge, numbers).error().code == Code::kBadData);
}

TEST_CASE("histograms are given back as they were coded, each against the one before", "[storage][histogram]") {
  std::mt19937 random(11);
  std::string bytes;
  std::vector<Histogram> want;
  for (int i = 0; i < 300; ++i) {
    Histogram next = RandomHistogram(random);
    if (i % 3 != 0 && !IsStaleHistogram(want.back())) {
      next = want.back();
      next.sum += 1;
      if (!next.counts.empty()) next.counts.front() += 2;
    }
    MustSucceed(ValidateHistogram(next));
    PutHistogram(next, want.empty() ? nullptr : &want.back(), bytes);
    want.push_back(std::move(next));
  }
  ByteReader in(bytes);
  Histogram last;
  for (std::size_t i = 0; i < want.size(); ++i) {
    REQUIRE(GetHistogram(in, i == 0 ? nullptr : &last, last));
    CHECK(SameHistogram(last, want[i]));
  }
  CHECK(in.empty());
  for (std::size_t cut = 0; cut < 60; ++cut) {
    ByteReader part(std::string_view(bytes).substr(0, cut));
    Histogram out;
    while (GetHistogram(part, nullptr, out) && !part.empty()) MustSucceed(ValidateHistogram(out));
  }
}

TEST_CASE("a histogram chunk gives back what it was made of", "[storage][histogram]") {
  std::mt19937 random(GENERATE(1U, 2U, 3U));
  for (int round = 0; round < 60; ++round) {
    HistogramColumns want;
    const bool steady = round % 2 == 0;
    GrowingHistogram growing(random(), 2, 3);
    std::int64_t time = kHistogramStart;
    for (std::size_t i = 0; i < 1 + random() % 40; ++i) {
      time += random() % 6 == 0 ? 1 + static_cast<std::int64_t>(random() % 9000) : 15'000;
      want.times.push_back(time);
      want.histograms.push_back(steady && random() % 20 != 0 ? growing.Next() : RandomHistogram(random));
    }
    std::string bytes;
    EncodeHistogramChunk(want.times, want.histograms, bytes);
    const HistogramChunkHeader header = MustHave(ReadHistogramChunkHeader(bytes));
    CHECK(header.count == want.size());
    CHECK(header.range == TimeRange{TimeMs(want.times.front()), TimeMs(want.times.back())});
    HistogramColumns got;
    MustSucceed(DecodeHistogramChunk(bytes, got));
    CHECK(SameColumns(got, want));
    for (const Histogram& histogram : got.histograms) MustSucceed(ValidateHistogram(histogram));
    // Damaged in any place: an error or valid samples, never more.
    std::string damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    got.clear();
    if (DecodeHistogramChunk(damaged, got)) CHECK(got.size() == got.histograms.size());
    CHECK_FALSE(DecodeHistogramChunk(std::string_view(bytes).substr(0, bytes.size() - 1), got).has_value());
  }
}

TEST_CASE("a chunk of histograms is bounded in buckets and cells, whatever they are", "[storage][histogram]") {
  const auto [count, buckets] = GENERATE(table<std::int32_t, std::int32_t>({{40, 10'000}, {100, 160}}));
  std::vector<Histogram> histograms;
  std::vector<std::int64_t> times;
  for (std::int32_t i = 0; i < count; ++i) {
    std::vector<std::int32_t> numbers;
    for (std::int32_t b = 0; b < buckets; ++b) numbers.push_back(i * buckets + b);
    Histogram& histogram = histograms.emplace_back();
    histogram.counts.assign(numbers.size(), 1);
    histogram.count = buckets;
    histogram.integers = true;
    histogram.layout = LayoutOf(std::move(numbers), {});
    times.push_back(kHistogramStart + i);
  }
  std::size_t done = 0;
  while (done < histograms.size()) {
    const auto rest = std::span(histograms).subspan(done);
    const std::size_t n = FitHistograms(rest, 1000);
    CHECK(n < histograms.size());
    std::string bytes;
    EncodeHistogramChunk(std::span(times).subspan(done, n), rest.first(n), bytes);
    HistogramColumns got;
    MustSucceed(DecodeHistogramChunk(bytes, got));
    REQUIRE(got.size() == n);
    for (std::size_t i = 0; i < n; ++i) CHECK(SameHistogram(got.histograms[i], rest[i]));
    done += n;
  }
}

struct Mixed {
  std::map<std::int64_t, double> floats;
  std::map<std::int64_t, Histogram> histograms;
};

/// What ReadMixed() has to give.
void Expect(const Mixed& model, TimeRange range, Columns& floats, HistogramColumns& histograms) {
  const auto has_marker = [&](std::int64_t time) {
    const auto at = model.histograms.find(time);
    return at == model.histograms.end() || IsStaleHistogram(at->second);
  };
  for (const auto& [time, value] : model.floats) {
    if (!range.Contains(TimeMs(time)) || !has_marker(time)) continue;
    floats.times.push_back(time);
    floats.values.push_back(value);
  }
  for (const auto& [time, histogram] : model.histograms) {
    if (!range.Contains(TimeMs(time)) || (IsStaleHistogram(histogram) && model.floats.contains(time))) continue;
    histograms.times.push_back(time);
    histograms.histograms.push_back(histogram);
  }
}

class MixedRun {
 public:
  explicit MixedRun(unsigned seed) : random_(seed) {
    for (int i = 0; i < 6; ++i) labels_.push_back({{"__name__", "latency"}, {"i", std::to_string(i)}});
    models_.resize(labels_.size());
  }

  void Append(Storage& store) {
    const auto appender = store.NewAppender();
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const SeriesId id = MustHave(appender->Series(labels_[i]));
      for (int n = static_cast<int>(random_() % 3); n > 0; --n) {
        const std::int64_t time = RandomTime();
        if (i % 3 != 0 || random_() % 4 == 0) {
          appender->AddHistogram(id, TimeMs(time), NewHistogram(i, time));
        } else {
          const double value = static_cast<double>(random_() % 100);
          const auto [at, fresh] = models_[i].floats.emplace(time, value);
          if (!fresh) at->second = ResolveDuplicate(at->second, value);
          appender->Add(id, TimeMs(time), value);
        }
      }
    }
    const AppendOutcome outcome = MustHave(appender->Commit());
    CHECK(outcome.invalid + outcome.unknown == 0);
  }

  void Import(StoreAdmin& store) {
    const auto bulk = store.NewBulkWriter();
    const std::size_t i = random_() % labels_.size();
    HistogramColumns samples;
    for (std::size_t n = random_() % 30; n > 0; --n) {
      samples.times.push_back(RandomTime());
      samples.histograms.push_back(NewHistogram(i, samples.times.back()));
    }
    MustSucceed(bulk->AddHistograms(MustHave(bulk->Series(labels_[i])), samples));
    (void)MustHave(bulk->Flush());
  }

  void Delete(StoreAdmin& store) {
    const std::size_t i = random_() % labels_.size();
    const TimeMs from(kHistogramStart + static_cast<std::int64_t>(random_() % 90'000) * 1000);
    const TimeRange range{from, from + Millis(3'600'000)};
    const Matcher matcher = Matcher::Equal("i", std::to_string(i));
    MustSucceed(store.Delete(std::span(&matcher, 1), range));
    const auto gone = [&](const auto& entry) { return range.Contains(TimeMs(entry.first)); };
    std::erase_if(models_[i].floats, gone);
    std::erase_if(models_[i].histograms, gone);
  }

  void Check(const Storage& store) { CheckOn(*store.NewQuerier(TimeRange()), models_, TimeRange()); }
  void CheckOn(const Querier& querier, const std::vector<Mixed>& models, TimeRange range) {
    std::map<Labels, SeriesId> ids;
    for (const SeriesEntry& entry : MustHave(querier.Select({}))) ids[entry.labels] = entry.id;
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      Columns floats, want_floats;
      HistogramColumns histograms, want;
      Expect(models[i], range, want_floats, want);
      const auto id = ids.find(labels_[i]);
      if (id != ids.end()) MustSucceed(querier.ReadMixed(id->second, range, floats, histograms));
      INFO("series " << i);
      CHECK(floats.times == want_floats.times);
      CHECK(floats.values == want_floats.values);
      CHECK(SameColumns(histograms, want));
    }
  }
  const std::vector<Mixed>& models() const { return models_; }
  std::size_t Pick(std::size_t n) { return random_() % n; }

 private:
  /// For series i at the time, which the model has from now on.
  Histogram NewHistogram(std::size_t i, std::int64_t time) {
    Histogram histogram = RandomHistogram(random_);
    const auto [at, fresh] = models_[i].histograms.emplace(time, histogram);
    if (!fresh) at->second = Histogram(ResolveDuplicate(at->second, histogram));
    return histogram;
  }
  std::int64_t RandomTime() {
    if (random_() % 6 == 0) return kHistogramStart + static_cast<std::int64_t>(random_() % 90'000) * 1000;
    return next_ += random_() % 5 == 0 ? 0 : 15'000;
  }

  std::mt19937 random_;
  std::vector<Labels> labels_;
  std::vector<Mixed> models_;
  std::int64_t next_ = kHistogramStart;
};

TEST_CASE("series of floats, of histograms and of both answer as the model in memory", "[storage][histogram]") {
  test::FakeClock clock{TimeMs(kHistogramStart + 200'000'000)};
  StorageOptions options;
  options.retention = Millis(0);
  const auto store = NewMemoryStorage(options, clock);
  MixedRun run(7);
  for (int i = 0; i < 150; ++i) {
    run.Append(*store);
    if (run.Pick(20) == 0) run.Delete(*store);
    if (run.Pick(20) == 0) run.Import(*store);
    if (run.Pick(10) == 0) run.Check(*store);
  }
  run.Check(*store);
}

TEST_CASE("series of floats, of histograms and of both answer as the model on disk", "[storage][histogram]") {
  RocksFixture fixture;
  fixture.clock.Jump(TimeMs(kHistogramStart + 200'000'000));
  fixture.Open();
  MixedRun run(GENERATE(1U, 2U, 3U));
  std::unique_ptr<Querier> older;
  std::vector<Mixed> older_models;
  for (int i = 0; i < test::Repetitions(200, 70); ++i) {
    run.Append(*fixture.store);
    switch (run.Pick(16)) {
      case 0:
        MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
        break;
      case 1:
        MustSucceed(fixture.store->Flush());
        break;
      case 2:
        older.reset();  // must not outlive its store
        if (run.Pick(2) == 0) {
          fixture.Open();
        } else {
          fixture.KillAndOpen();
        }
        break;
      case 3:
        run.Delete(*fixture.store);
        break;
      case 4:
        fixture.clock.Advance(std::chrono::minutes(11));
        break;
      case 5:
        older = fixture.store->NewQuerier(TimeRange());
        older_models = run.models();
        break;
      case 6:
        run.Check(*fixture.store);
        break;
      case 7:
        run.Import(*fixture.store);
        break;
      default:
        break;
    }
    if (older && i % 8 == 0) run.CheckOn(*older, older_models, TimeRange());
  }
  run.CheckOn(*fixture.store->NewQuerier(TimeRange()), run.models(),
              {TimeMs(kHistogramStart + 100'000), TimeMs(kHistogramStart + 50'000'000)});
  older.reset();
  MustSucceed(fixture.store->Flush());
  run.Check(*fixture.store);
  fixture.Open();
  run.Check(*fixture.store);
}

TEST_CASE("histograms that contradict themselves are refused and counted", "[storage][histogram]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  const auto appender = store.NewAppender();
  const SeriesId id = MustHave(appender->Series({{"__name__", "h"}}));
  Histogram histogram = GrowingHistogram(1, 1, 20).Next();
  appender->AddHistogram(id, fixture.clock.Now(), histogram);
  histogram.counts.front() = 0.5;
  appender->AddHistogram(id, fixture.clock.Now() - Millis(1), histogram);
  appender->AddHistogram(id, fixture.clock.Now(), Histogram());
  const AppendOutcome outcome = MustHave(appender->Commit());
  CHECK(outcome.stored == 1);
  CHECK(outcome.invalid == 2);
}

}  // namespace
}  // namespace vedette::storage
