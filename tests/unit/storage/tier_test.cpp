// Down-sampled tiers: whatever happens to a store, a tier says what its samples say.
#include <cmath>
#include <map>
#include <random>

#include "core/numbers.h"
#include "storage/chunk/tier_codec.h"
#include "storage/rocks/inspect.h"
#include "storage/rocks/verify.h"
#include "tests/support/effort.h"
#include "tests/unit/storage/random_histogram.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

constexpr Millis kFive(300'000), kHour(3'600'000);
constexpr std::int64_t kDay0 = 1'699'920'000'000;  // 2023-11-14T00:00:00Z

bool SameBucket(const TierBucket& a, const TierBucket& b) {
  if (a.end != b.end || a.count != b.count || a.ends_stale != b.ends_stale) return false;
  if (a.count == 0) return true;
  const bool sums = SameBits(a.sum, b.sum) || std::fabs(a.sum - b.sum) <= 1e-12 * std::fabs(a.sum);
  return a.resets == b.resets && a.first_time == b.first_time && a.last_time == b.last_time &&
         SameBits(a.first, b.first) && SameBits(a.last, b.last) && SameBits(a.min, b.min) && SameBits(a.max, b.max) &&
         sums && SameBits(a.lost, b.lost);
}

void CheckSame(const std::vector<TierBucket>& got, const std::vector<TierBucket>& want) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("bucket that ends at " << want[i].end.ms);
    CHECK(SameBucket(got[i], want[i]));
  }
}

TEST_CASE("a bucket is left-open and says what PromQL asks of a range", "[storage][tier]") {
  const std::vector<std::int64_t> times{1, 100'000, 200'000, 300'000, 300'001, 400'000, 900'000};
  const std::vector<double> values{5, 7, 2, 4, 1, StaleNan(), NormalNan()};
  std::vector<TierBucket> got;
  DownSample(times, values, kFive, got);
  REQUIRE(got.size() == 3);
  CHECK(got[0].end == TimeMs(300'000));
  CHECK(got[0].count == 4);
  CHECK(got[0].min == 2);
  CHECK(got[0].max == 7);
  CHECK(got[0].sum == 18);
  CHECK(got[0].last - got[0].first + got[0].lost == 6);  // 5 to 7, then from nothing to 2 and 4
  CHECK(got[0].resets == 1);
  CHECK(got[1].count == 1);
  CHECK(got[1].ends_stale);
  CHECK(std::isnan(got[2].max));
  CHECK(BucketEnd(TimeMs(-1), kFive) == TimeMs(0));
  CHECK(BucketEnd(TimeMs(-300'000), kFive) == TimeMs(-300'000));
  const TierBucket both = Combine(got[0], got[1]);
  CHECK(both.count == 5);
  CHECK(both.resets == 2);
  CHECK(both.lost == 7 + 4);
  CHECK(both.ends_stale);
}

TEST_CASE("tier rows are given back as they were coded, and damage is noticed", "[storage][tier]") {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    std::vector<std::int64_t> times;
    std::vector<double> values;
    double value = 100;
    for (std::int64_t t = 0; t < 86'400'000; t += 15'000 * (1 + static_cast<std::int64_t>(random() % 20))) {
      times.push_back(kDay0 + t);
      value = round % 3 == 0 ? 1 : random() % 50 == 0 ? 0 : value + static_cast<double>(random() % 9) / (round % 2 + 1);
      values.push_back(random() % 200 == 0 ? StaleNan() : value);
    }
    for (const Millis step : {kFive, kHour}) {
      TierRow row{7, round % 5 == 0, {}};
      DownSample(times, values, step, row.buckets);
      const std::string bytes = EncodeTierRow(row, step);
      const TierRow got = MustHave(DecodeTierRow(bytes, step));
      CHECK(got.seal == 7);
      CHECK(got.has_histograms == row.has_histograms);
      CheckSame(got.buckets, row.buckets);
      CHECK_FALSE(DecodeTierRow(std::string_view(bytes).substr(0, random() % bytes.size()), step).has_value());
    }
  }
}

/// A store with tiers, and the samples it should have.
class TierRun {
 public:
  explicit TierRun(unsigned seed) : random_(seed) {
    fixture.clock.Jump(TimeMs(kDay0 + 40 * 3'600'000));
    fixture.options.tiers = {{kFive, Millis(0)}, {kHour, Millis(0)}};
    fixture.options.chunk_samples = 40;
    fixture.tuning.repack_samples = 4096;
    fixture.Open();
  }

  void Append(std::size_t samples) {
    const auto appender = fixture.store->NewAppender();
    for (std::size_t i = 0; i < samples; ++i) {
      const int n = static_cast<int>(random_() % 4);
      const std::int64_t time = random_() % 10 == 0
                                    ? kDay0 + static_cast<std::int64_t>(random_() % 400) * 300'000
                                    : kDay0 + static_cast<std::int64_t>(random_() % (40 * 240)) * 15'000;
      const double value = random_() % 30 == 0 ? StaleNan() : static_cast<double>(random_() % 1000) / 8;
      appender->Add(MustHave(appender->Series(LabelsOf(n))), TimeMs(time), value);
      const auto [at, fresh] = model[n].emplace(time, value);
      if (!fresh) at->second = ResolveDuplicate(at->second, value);
    }
    (void)MustHave(appender->Commit());
  }

  void Delete() {
    const int n = static_cast<int>(random_() % 4);
    const TimeMs from(kDay0 + static_cast<std::int64_t>(random_() % 30) * 3'600'000 + 77);
    const TimeRange range{from, from + Millis(5'000'000)};
    const Matcher matcher = Matcher::Equal("i", std::to_string(n));
    MustSucceed(fixture.store->Delete(std::span(&matcher, 1), range));
    std::erase_if(model[n], [&](const auto& entry) { return range.Contains(TimeMs(entry.first)); });
  }

  static Labels LabelsOf(int n) { return {{"__name__", "m"}, {"i", std::to_string(n)}}; }

  void Check() {
    const auto querier = fixture.store->NewQuerier(TimeRange());
    std::map<Labels, SeriesId> ids;
    for (const SeriesEntry& entry : MustHave(querier->Select({}))) ids[entry.labels] = entry.id;
    for (int n = 0; n < 4; ++n) {
      for (const Millis step : {kFive, kHour, Millis(600'000)}) {
        const std::int64_t from = kDay0 + static_cast<std::int64_t>(random_() % 30) * 3'600'000;
        const TimeMs first(random_() % 2 == 0 ? kDay0 - 3'600'000 : from), last(from + 12 * 3'600'000);
        std::vector<std::int64_t> times;
        std::vector<double> values;
        for (const auto& [time, value] : model[n]) {
          if (time <= first.ms || time > last.ms) continue;
          times.push_back(time);
          values.push_back(value);
        }
        std::vector<TierBucket> want, got;
        DownSample(times, values, step, want);
        const auto id = ids.find(LabelsOf(n));
        if (id != ids.end()) CHECK(MustHave(querier->ReadTier(id->second, first, last, step, got)));
        INFO("series " << n << ", step " << step.count());
        CheckSame(got, want);
      }
    }
  }

  std::size_t Pick(std::size_t n) { return random_() % n; }

  RocksFixture fixture;
  std::map<int, std::map<std::int64_t, double>> model;

 private:
  std::mt19937 random_;
};

TEST_CASE("tiers say what the samples say, with late samples, deletions and restarts", "[storage][tier]") {
  TierRun run(GENERATE(1U, 2U, 3U));
  run.Append(2000);
  for (int i = 0; i < test::Repetitions(60, 25); ++i) {
    switch (run.Pick(8)) {
      case 0:
        run.Append(1 + run.Pick(60));
        break;
      case 1:
        MustSucceed(run.fixture.store->RunMaintenance(run.fixture.clock.Now()));
        break;
      case 2:
        MustSucceed(run.fixture.store->Flush());
        break;
      case 3:
        run.fixture.KillAndOpen();
        break;
      case 4:
        run.Delete();
        break;
      case 5:
        MustSucceed(run.fixture.store->CleanTombstones());
        break;
      default:
        run.Check();
    }
  }
  MustSucceed(run.fixture.store->Flush());
  run.Check();
  run.fixture.store.reset();
  const VerifyReport verified = MustHave(VerifyStore(run.fixture.options.path, false));
  CHECK(verified.problems == std::vector<std::string>{});
  CHECK(verified.tier_rows > 0);
  CHECK(MustHave(InspectStore(run.fixture.options.path)).days.front().tier_rows == 8);
}

TEST_CASE("tiers outlive the samples they were made of, each for its own time", "[storage][tier]") {
  TierRun run(9);
  run.fixture.options.retention = std::chrono::hours(48);
  run.fixture.options.tiers = {{kFive, std::chrono::hours(24 * 4)}, {kHour, Millis(0)}};
  run.fixture.Open();
  run.Append(3000);
  MustSucceed(run.fixture.store->Flush());
  const TimeMs last(kDay0 + 40 * 3'600'000);
  const auto read = [&](Millis step) {
    const auto querier = run.fixture.store->NewQuerier(TimeRange());
    std::vector<TierBucket> out;
    const Matcher matcher = Matcher::Equal("i", "1");
    for (const SeriesEntry& entry : MustHave(querier->Select(std::span(&matcher, 1)))) {
      CHECK(MustHave(querier->ReadTier(entry.id, TimeMs(kDay0 - kHour.count()), last, step, out)));
    }
    return out;
  };
  const std::vector<TierBucket> five = read(kFive), hour = read(kHour);
  CHECK(run.fixture.store->NewQuerier(TimeRange())->RawFrom() == TimeMs::Min());

  // Samples go after three days, five minutes after five.
  const auto grow_older = [&](int days) {
    for (int i = 0; i < days; ++i) {
      run.fixture.clock.Advance(std::chrono::hours(24));
      MustSucceed(run.fixture.store->RunMaintenance(run.fixture.clock.Now()));
    }
    run.fixture.Open();
  };
  grow_older(3);
  {
    const auto querier = run.fixture.store->NewQuerier(TimeRange());
    CHECK(querier->RawFrom() == TimeMs(kDay0 + 2 * 86'400'000));
    const auto found = MustHave(querier->Select({}));
    REQUIRE(found.size() == 4);
    CHECK(ReadAll(*run.fixture.store, found[1].id).size() == 0);
  }
  CheckSame(read(kFive), five);
  CheckSame(read(kHour), hour);

  // What only a tier has loses whole buckets.
  const Matcher matcher = Matcher::Equal("i", "1");
  const TimeRange gone{TimeMs(kDay0 + 3'600'001), TimeMs(kDay0 + 3'600'002)};
  for (int round = 0; round < 2; ++round) {
    if (round == 0) MustSucceed(run.fixture.store->Delete(std::span(&matcher, 1), gone));
    if (round == 1) MustSucceed(run.fixture.store->CleanTombstones());
    std::vector<TierBucket> left = hour;
    std::erase_if(left, [](const TierBucket& bucket) { return bucket.end == TimeMs(kDay0 + 2 * 3'600'000); });
    CheckSame(read(kHour), left);
    CHECK(MustHave(run.fixture.store->NewQuerier(TimeRange())->Select({})).size() == 4);
  }
  grow_older(4);
  CHECK(read(kFive).empty());
  CHECK(read(kHour).size() + 1 == hour.size());
}

TEST_CASE("a series with native histograms has no tier to rely on", "[storage][tier]") {
  TierRun run(4);
  const auto appender = run.fixture.store->NewAppender();
  const SeriesId id = MustHave(appender->Series(TierRun::LabelsOf(0)));
  appender->Add(id, TimeMs(kDay0 + 1), 1);
  appender->AddHistogram(id, TimeMs(kDay0 + 2), GrowingHistogram(1, 2, 5).Next());
  (void)MustHave(appender->Commit());
  for (int round = 0; round < 2; ++round) {
    std::vector<TierBucket> out;
    const auto querier = run.fixture.store->NewQuerier(TimeRange());
    CHECK_FALSE(MustHave(querier->ReadTier(id, TimeMs(kDay0), TimeMs(kDay0) + kHour, kFive, out)));
    CHECK(out.empty());
    CHECK(querier->ReadTier(id, TimeMs(kDay0 + 1), TimeMs(kDay0) + kHour, kFive, out).error().code == Code::kBadData);
    CHECK(querier->ReadTier(id, TimeMs(kDay0), TimeMs(kDay0) + kHour, Millis(7), out).error().code == Code::kBadData);
    MustSucceed(run.fixture.store->Flush());
  }
}

}  // namespace
}  // namespace vedette::storage
