// The Storage interface against an obvious model, with both engines: random batches in and out of order, scrapes of
// targets whose series come and go, remote write, duplicates, queriers that outlive what they saw, sealing, spilling,
// re-packing, eviction and reopening at random points.
#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/effort.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

using Model = std::map<Labels, std::map<std::int64_t, double>>;

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Storage& store() = 0;
  virtual void Maintain() {}
  virtual void Flush() {}
  virtual void Reopen() {}
  virtual test::FakeClock& clock() = 0;
};

class MemoryEngine final : public Engine {
 public:
  Storage& store() override { return *store_; }
  test::FakeClock& clock() override { return clock_; }

 private:
  static StorageOptions Options() {
    StorageOptions options;
    options.retention = Millis(0);
    return options;
  }
  test::FakeClock clock_;
  std::unique_ptr<Storage> store_ = NewMemoryStorage(Options(), clock_);
};

class RocksEngine final : public Engine {
 public:
  /// With `long_blocks` rows stay in memory for longer, so that there are several segments of them.
  explicit RocksEngine(bool long_blocks) {
    if (long_blocks) {
      fixture_.options.chunk_samples = 90;
      fixture_.tuning.journal_samples = 20'000;
      fixture_.tuning.journal_samples_per_series = 200;
    }
    fixture_.Open();
  }
  Storage& store() override { return *fixture_.store; }
  test::FakeClock& clock() override { return fixture_.clock; }
  void Maintain() override { MustSucceed(fixture_.store->RunMaintenance(fixture_.clock.Now())); }
  void Flush() override { MustSucceed(fixture_.store->Flush()); }
  void Reopen() override { fixture_.Open(); }

 private:
  RocksFixture fixture_;
};

/// A querier and what it has to go on seeing.
struct Observer {
  std::unique_ptr<Querier> querier;
  TimeRange range;
  Model model;
};

class Run {
 public:
  Run(Engine& engine, unsigned seed) : engine_(engine), random_(seed) {
    for (int i = 0; i < 12; ++i) labels_.push_back(NewLabels());
    for (Target& target : targets_) {
      for (int i = 0; i < 20; ++i) target.labels.push_back(NewLabels());
    }
    base_ = engine.clock().Now().ms;
  }

  void Step() {
    const int what = Pick(100);
    if (what < 30) return Append();
    if (what < 60) return Scrape();
    if (what < 75) return CheckNow(RandomRange());
    if (what < 82) return Observe();
    if (what < 88) return CheckObservers();
    if (what < 94) return engine_.Maintain();
    if (what < 96) return engine_.Flush();
    if (what < 98) return engine_.clock().Advance(std::chrono::minutes(7));
    observers_.clear();  // queriers must not outlive their store
    engine_.Reopen();
  }

  void Finish() {
    CheckObservers();
    observers_.clear();
    CheckNow(TimeRange());
    engine_.Flush();
    CheckNow(TimeRange());
  }

 private:
  /// A target as a scrape sees it: its series in an order that seldom changes.
  struct Target {
    std::vector<Labels> labels;
    std::vector<double> values;
    std::int64_t last = 0;
  };

  Labels NewLabels() {
    const int i = made_++;
    return {{"__name__", i % 3 == 0 ? "a_total" : "b"},
            {"job", "j" + std::to_string(i % 4)},
            {"instance", "host-" + std::to_string(i)},
            {i % 2 == 0 ? "even" : "odd", "yes"}};
  }

  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  double RandomValue() {
    switch (Pick(7)) {
      case 0:
        return 1;
      case 1:
        return Pick(1000) / 10.0;
      case 2:
        return static_cast<double>(random_()) * 1e-3;
      case 3:
        return StaleNan();
      case 4:
        return NormalNan();
      case 5:
        return -0.0;
      default:
        return static_cast<double>(Pick(5));
    }
  }

  /// Mostly a scrape on, sometimes a repeat, some late ones, and now and then decades ago.
  std::int64_t RandomTime() {
    switch (Pick(8)) {
      case 0:
        return base_ - Pick(40) * 15'000;
      case 1:
        return base_ - Pick(3 * 86'400) * 1'000LL;
      case 2:
        return Pick(200) * 1'000LL;
      default:
        return base_ += 15'000 + (Pick(10) == 0 ? Pick(20) : 0);
    }
  }

  void Append() {
    const auto appender = engine_.store().NewAppender({.allow_future = true});
    AppendOutcome want;
    std::size_t added = 0;
    for (int row = 0; row <= Pick(3); ++row) {
      const std::int64_t time = RandomTime();
      for (const Labels& labels : labels_) {
        if (Pick(3) == 0) continue;
        const double value = RandomValue();
        appender->Add(MustHave(appender->Series(labels)), TimeMs(time), value);
        ++added;
        Remember(labels, time, value);
      }
    }
    const AppendOutcome outcome = MustHave(appender->Commit());
    CHECK(outcome.stored + outcome.duplicates + outcome.conflicts == added);
  }

  void Remember(const Labels& labels, std::int64_t time, double value) {
    const auto [at, fresh] = model_[labels].emplace(time, value);
    if (!fresh) at->second = ResolveDuplicate(at->second, value);
  }

  /// Series come, go, and change their order; mostly they do not.
  void Churn(Target& target) {
    std::vector<Labels>& labels = target.labels;
    if (Pick(12) == 0) labels.insert(labels.begin() + Pick(static_cast<int>(labels.size())), NewLabels());
    if (Pick(12) == 0 && labels.size() > 1) labels.erase(labels.begin() + Pick(static_cast<int>(labels.size())));
    if (Pick(30) == 0) std::ranges::shuffle(labels, random_);
    if (Pick(40) == 0) labels.push_back(labels.front());                      // twice in a row
    if (Pick(60) == 0) std::swap(labels.front(), targets_[0].labels.back());  // from one target to another
    if (Pick(60) == 0) labels.resize((labels.size() + 2) / 3);
    while (labels.size() < 18 && Pick(3) == 0) labels.push_back(NewLabels());
  }

  /// Rows of one or several targets in one commit; now and then late, partial, or series by series as in remote write.
  void Scrape() {
    const auto appender = engine_.store().NewAppender({.allow_future = true});
    std::size_t added = 0;
    for (int n = Pick(4) == 0 ? 2 : 1; n > 0; --n) {
      Target& target = targets_[static_cast<std::size_t>(Pick(2))];
      Churn(target);
      std::vector<SeriesId> ids;
      for (const Labels& labels : target.labels) ids.push_back(MustHave(appender->Series(labels)));
      target.values.resize(ids.size(), 0);
      const int rows = Pick(6) == 0 ? 9 : 1;
      std::vector<std::int64_t> times;
      for (int i = 0; i < rows; ++i) {
        target.last = std::max(target.last, base_) + (Pick(8) == 0 ? 1 : 10'000);
        times.push_back(Pick(12) == 0 ? RandomTime() : target.last);
      }
      std::vector<std::vector<double>> values;
      for (const std::int64_t time : times) {
        for (double& value : target.values) value = Pick(20) == 0 ? RandomValue() : value + Pick(3);
        values.push_back(target.values);
        for (std::size_t i = 0; i < ids.size(); ++i) Remember(target.labels[i], time, target.values[i]);
      }
      added += ids.size() * times.size();
      if (rows > 1) {
        for (std::size_t i = 0; i < ids.size(); ++i) {
          for (std::size_t row = 0; row < times.size(); ++row) {
            appender->Add(ids[i], TimeMs(times[row]), values[row][i]);
          }
        }
      } else {
        appender->AddRow(TimeMs(times[0]), ids, values[0]);
      }
    }
    const AppendOutcome outcome = MustHave(appender->Commit());
    CHECK(outcome.stored + outcome.duplicates + outcome.conflicts == added);
  }

  TimeRange RandomRange() {
    if (Pick(3) == 0) return {};
    const std::int64_t from = Pick(2) == 0 ? base_ - Pick(4 * 86'400) * 1'000LL : Pick(200'000);
    return {TimeMs(from), TimeMs(from + Pick(100) * 60'000LL)};
  }

  void Observe() {
    if (observers_.size() > 3) observers_.erase(observers_.begin());
    const TimeRange range = RandomRange();
    observers_.push_back({engine_.store().NewQuerier(range), range, model_});
  }

  void CheckObservers() {
    for (const Observer& observer : observers_) Check(*observer.querier, observer.range, observer.model);
  }

  void CheckNow(TimeRange range) { Check(*engine_.store().NewQuerier(range), range, model_); }

  void Check(const Querier& querier, TimeRange range, const Model& model) {
    std::vector<Matcher> matchers;
    switch (Pick(5)) {
      case 0:
        break;
      case 1:
        matchers.push_back(Matcher::Equal("__name__", "a_total"));
        break;
      case 2:
        matchers.push_back(MustHave(Matcher::Create(MatchOp::kRegex, "instance", "host-[1-4]")));
        break;
      case 3:
        matchers.push_back(MustHave(Matcher::Create(MatchOp::kNotEqual, "job", "j1")));
        break;
      default:
        matchers.push_back(MustHave(Matcher::Create(MatchOp::kRegex, "job", "j0|j2")));
        matchers.push_back(MustHave(Matcher::Create(MatchOp::kNotRegex, "odd", "y.*")));
    }
    const auto found = MustHave(querier.Select(matchers));
    std::map<Labels, SeriesId> ids;
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(MatchesAll(matchers, found[i].labels));
      if (i > 0) CHECK(found[i - 1].labels < found[i].labels);
      ids[found[i].labels] = found[i].id;
    }
    for (const auto& [labels, samples] : model) {
      if (MatchesAll(matchers, labels)) CheckSamples(querier, ids[labels], labels, samples, range);
    }
  }

  /// A series that was not selected must have no samples in the range.
  static void CheckSamples(const Querier& querier, SeriesId id, const Labels& labels,
                           const std::map<std::int64_t, double>& samples, TimeRange range) {
    INFO(labels.ToString());
    Columns got;
    if (id != SeriesId::kNone) MustSucceed(querier.Read(id, TimeRange(), got));
    const auto from = samples.lower_bound(range.min.ms), to = samples.upper_bound(range.max.ms);
    REQUIRE(got.size() == static_cast<std::size_t>(std::distance(from, to)));
    std::size_t wrong = 0, i = 0;
    for (auto at = from; at != to; ++at, ++i) {
      if (got.times[i] != at->first || !SameBits(got.values[i], at->second)) ++wrong;
    }
    CHECK(wrong == 0);
  }

  Engine& engine_;
  std::mt19937 random_;
  int made_ = 0;
  std::vector<Labels> labels_;  // of series that come alone
  std::array<Target, 2> targets_;
  Model model_;
  std::vector<Observer> observers_;
  std::int64_t base_ = 0;
};

void RunAll(Engine& engine, unsigned seed, int steps) {
  INFO("seed " << seed);
  Run run(engine, seed);
  for (int i = 0; i < steps; ++i) run.Step();
  run.Finish();
}

TEST_CASE("the in-memory store answers as the model, whatever happens in which order", "[storage]") {
  const unsigned seed = GENERATE(1U, 2U);
  MemoryEngine engine;
  RunAll(engine, seed, 400);
}

TEST_CASE("the RocksDB store answers as the model, whatever happens in which order", "[storage][long]") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
  RocksEngine engine(seed % 2 == 0);
  RunAll(engine, seed, test::Repetitions(400, 150));
}

TEST_CASE("label names and values are those of the series that a selector finds", "[storage]") {
  MemoryEngine memory;
  RocksEngine rocks(false);
  for (Engine* engine : {static_cast<Engine*>(&memory), static_cast<Engine*>(&rocks)}) {
    Storage& store = engine->store();
    AppendOne(store, {{"__name__", "up"}, {"job", "old"}, {"zone", "z"}}, TimeMs(1000), 1);
    AppendOne(store, {{"__name__", "up"}, {"job", "new"}}, engine->clock().Now(), 1);
    for (int round = 0; round < 2; ++round) {
      const auto all = store.NewQuerier(TimeRange());
      const auto recent = store.NewQuerier({TimeMs(1'600'000'000'000), TimeMs::Max()});
      const Matcher is_new = Matcher::Equal("job", "new");
      CHECK(MustHave(all->LabelNames({})) == std::vector<std::string>{"__name__", "job", "zone"});
      CHECK(MustHave(all->LabelNames({}, 2)) == std::vector<std::string>{"__name__", "job"});
      CHECK(MustHave(all->LabelNames(std::span(&is_new, 1))) == std::vector<std::string>{"__name__", "job"});
      CHECK(MustHave(all->LabelValues("job", {})) == std::vector<std::string>{"new", "old"});
      CHECK(MustHave(recent->LabelValues("job", {})) == std::vector<std::string>{"new"});
      CHECK(MustHave(recent->LabelNames({})) == std::vector<std::string>{"__name__", "job"});
      CHECK(MustHave(all->LabelValues("job", std::span(&is_new, 1))) == std::vector<std::string>{"new"});
      CHECK(all->Select({}, 1).error().code == Code::kLimit);
      engine->Flush();
    }
  }
}

}  // namespace
}  // namespace vedette::storage
