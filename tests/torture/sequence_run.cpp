// Running a sequence: the store, the model beside it, and the comparison of the two.
#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <prometheus/registry.h>

#include "core/numbers.h"
#include "storage/rocks/rocks_storage.h"
#include "tests/support/fake_clock.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/torture/check.h"
#include "tests/torture/sequence.h"
#include "tests/torture/torture.h"

namespace vedette::test {
namespace {

using storage::Columns;
using storage::Querier;
using storage::RocksStorage;
using storage::SeriesEntry;
using storage::SeriesId;

constexpr std::int64_t kBase = 1'700'000'000'000;  // 22:13:20 UTC
constexpr std::int64_t kStepMs = 15'000;
constexpr std::size_t kMostObservers = 3;

using Samples = std::map<std::int64_t, double>;
/// By number of the series.
using Model = std::map<int, Samples>;

Labels LabelsOf(int series) {
  return {{"__name__", series % 2 == 0 ? "a_total" : "b"},
          {"instance", "host-" + std::to_string(series / 4)},
          {"n", std::to_string(series)},
          {series % 3 == 0 ? "three" : "other", "yes"}};
}

std::vector<Matcher> MatchersOf(int number) {
  const auto regex = [](MatchOp op, const char* name, const char* text) { return *Matcher::Create(op, name, text); };
  switch (number) {
    case 0:
      return {Matcher::Equal("__name__", "a_total")};
    case 1:
      return {Matcher::Equal("instance", "host-1")};
    case 2:
      return {regex(MatchOp::kRegex, "n", "1|3|5|7")};
    case 3:
      return {regex(MatchOp::kNotEqual, "__name__", "b"), regex(MatchOp::kRegex, "instance", "host-[12]")};
    case 4:
      return {regex(MatchOp::kNotRegex, "three", "y.*")};
    case 5:
      return {Matcher::Equal("n", "4")};
    case 6:
      return {Matcher::Equal("n", "no such")};
    default:
      return {};
  }
}

TimeRange RangeOf(const Step& step) {
  if (step.count == 0) return {};
  return {TimeMs(kBase + step.time), TimeMs(kBase + step.time + step.count * kStepMs)};
}

class Sequence {
 public:
  explicit Sequence(const SequenceSetup& setup)
      : setup_(setup), files_(std::make_shared<FaultyFileSystem>(1)), env_(FaultyFileSystem::NewEnv(files_)) {}

  Status Run(std::span<const Step> steps) {
    VEDETTE_CHECK(Open());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Status done = One(steps[i]);
      if (!done) return Fail(Code::kInternal, "step {}: {}", i, done.error().message);
    }
    VEDETTE_CHECK(Named("at the end", CheckObservers()));
    VEDETTE_CHECK(Named("at the end", CheckAll()));
    VEDETTE_CHECK(Named("after a restart", One({Do::kReopen})));
    VEDETTE_CHECK(Named("after a restart", CheckAll()));
    Close();
    return Named("verify", Verify(Path()));
  }

 private:
  struct Observer {
    std::unique_ptr<Querier> querier;
    Model model;
  };

  static Status Named(const char* when, const Status& status) {
    if (status) return Ok();
    return Fail(Code::kInternal, "{}: {}", when, status.error().message);
  }

  std::string Path() const { return dir_.Sub("data"); }

  Result<std::unique_ptr<RocksStorage>> TryOpen(const std::string& path, prometheus::Registry& registry) {
    storage::StorageOptions options = SmallStore(path, std::chrono::hours(setup_.retention_hours), true);
    storage::RocksTuning tuning = SmallTuning(false);
    tuning.evict_after = std::chrono::minutes(10);
    if (setup_.long_blocks) {
      options.chunk_samples = 90;
      tuning.journal_samples = 20'000;
      tuning.journal_samples_per_series = 200;
    }
    tuning.env = env_.get();
    return RocksStorage::Open(options, clock_, registry, tuning);
  }

  Status Open() {
    registry_ = std::make_unique<prometheus::Registry>();
    VEDETTE_TRY(store_, TryOpen(Path(), *registry_));
    batch_ = store_->NewAppender();
    return Ok();
  }

  void Close() {
    observers_.clear();
    batch_.reset();
    pending_.clear();
    store_.reset();
  }

  Status Restart(std::optional<Loss> loss) {
    if (loss) files_->Kill();
    Close();
    if (loss) files_->Restart(*loss);
    return Open();
  }

  Status Verify(const std::string& path) { return VerifyAfterPowerCuts(path, env_.get()); }

  Status One(const Step& step) {
    switch (step.what) {
      case Do::kAppend:
        return Append({step.series}, step);
      case Do::kRow: {
        std::vector<int> series;
        for (int i = 0; i < kSequenceSeries / kSequenceTargets; ++i) {
          series.push_back(step.series * (kSequenceSeries / kSequenceTargets) + i);
        }
        return Append(series, step);
      }
      case Do::kCommit:
        return Commit();
      case Do::kDrop:
        batch_ = store_->NewAppender();
        pending_.clear();
        return Ok();
      case Do::kImport:
        return Import(step);
      case Do::kDelete:
        return Delete(step);
      case Do::kClean:
        return store_->CleanTombstones();
      case Do::kMaintain:
        return store_->RunMaintenance(clock_.Now());
      case Do::kFlush:
        return store_->Flush();
      case Do::kSnapshot:
        return Snapshot();
      case Do::kAdvance:
        clock_.Advance(std::chrono::minutes(step.count));
        return Ok();
      case Do::kObserve:
        if (observers_.size() >= kMostObservers) observers_.erase(observers_.begin());
        observers_.push_back({store_->NewQuerier({}), model_});
        return Ok();
      case Do::kQuery:
        VEDETTE_CHECK(CheckObservers());
        return Check(*store_->NewQuerier(RangeOf(step)), MatchersOf(step.series), RangeOf(step), model_, named_);
      case Do::kReopen:
        return Restart(std::nullopt);
      case Do::kKill:
        return Restart(Loss::kNothing);
      case Do::kPower:
        return Restart(Loss::kPower);
    }
    return Ok();
  }

  Status Append(const std::vector<int>& series, const Step& step) {
    std::vector<SeriesId> ids;
    for (const int number : series) {
      VEDETTE_TRY(const SeriesId id, batch_->Series(LabelsOf(number)));
      ids.push_back(id);
      named_.insert(number);
    }
    for (int row = 0; row < step.count; ++row) {
      const std::int64_t time = kBase + step.time + row * kStepMs;
      std::vector<double> values;
      for (std::size_t i = 0; i < series.size(); ++i) {
        values.push_back(step.value + row * static_cast<int>(i + 1));
        pending_.push_back({series[i], time, values.back()});
      }
      if (series.size() == 1) {
        batch_->Add(ids[0], TimeMs(time), values[0]);
      } else {
        batch_->AddRow(TimeMs(time), ids, values);
      }
    }
    return Ok();
  }

  std::int64_t OldestKept() const {
    if (setup_.retention_hours == 0) return std::numeric_limits<std::int64_t>::min();
    return clock_.Now().ms - setup_.retention_hours * 3'600'000LL;
  }
  std::int64_t NewestTaken() const { return clock_.Now().ms + storage::StorageOptions().max_future.count(); }

  void Remember(int series, std::int64_t time, double value) {
    const auto [at, fresh] = model_[series].emplace(time, value);
    if (!fresh) at->second = storage::ResolveDuplicate(at->second, value);
  }

  Status Commit() {
    VEDETTE_TRY(const storage::AppendOutcome outcome, batch_->Commit());
    std::size_t too_old = 0, too_new = 0;
    for (const Planned& sample : pending_) {
      if (sample.time < OldestKept()) {
        ++too_old;
      } else if (sample.time > NewestTaken()) {
        ++too_new;
      } else {
        Remember(sample.series, sample.time, sample.value);
      }
    }
    const std::size_t taken = pending_.size() - too_old - too_new;
    pending_.clear();
    if (outcome.stored + outcome.duplicates + outcome.conflicts == taken && outcome.too_old == too_old &&
        outcome.too_new == too_new && outcome.unknown == 0) {
      return Ok();
    }
    return Fail(Code::kInternal,
                "commit: {} stored, {} twice, {} in conflict, {} too old, {} too new, {} unknown; "
                "{} were to be taken, {} were too old, {} too new",
                outcome.stored, outcome.duplicates, outcome.conflicts, outcome.too_old, outcome.too_new,
                outcome.unknown, taken, too_old, too_new);
  }

  Status Import(const Step& step) {
    const auto bulk = store_->NewBulkWriter();
    VEDETTE_TRY(const SeriesId id, bulk->Series(LabelsOf(step.series)));
    named_.insert(step.series);
    Columns samples;
    std::size_t taken = 0;
    for (int i = 0; i < step.count; ++i) {
      const std::int64_t time = kBase + step.time + i * kStepMs;
      samples.times.push_back(time);
      samples.values.push_back(step.value + i);
      if (time < OldestKept() || time > NewestTaken()) continue;
      ++taken;
      Remember(step.series, time, step.value + i);
    }
    VEDETTE_CHECK(bulk->Add(id, samples));
    VEDETTE_TRY(const storage::BulkOutcome outcome, bulk->Flush());
    if (outcome.stored == taken) return Ok();
    return Fail(Code::kInternal, "import: {} of {} stored", outcome.stored, taken);
  }

  Status Delete(const Step& step) {
    const std::vector<Matcher> matchers = MatchersOf(step.series);
    const TimeRange range = RangeOf(step);
    VEDETTE_CHECK(store_->Delete(matchers, range));
    for (auto& [series, samples] : model_) {
      if (!MatchesAll(matchers, LabelsOf(series))) continue;
      const auto begin = samples.lower_bound(range.min.ms), end = samples.upper_bound(range.max.ms);
      // What has expired is gone for a deletion: it has nothing to do with a series that has nothing else.
      const bool lost = std::any_of(begin, end, [&](const auto& sample) { return sample.first >= OldestKept(); });
      samples.erase(begin, end);
      if (samples.empty() && lost) named_.erase(series);
    }
    return Ok();
  }

  Status Snapshot() {
    VEDETTE_TRY(const std::string path, store_->Snapshot());
    Status checked = Verify(path);
    if (checked) {
      prometheus::Registry registry;
      VEDETTE_TRY(const auto copy, TryOpen(path, registry));
      checked = Check(*copy->NewQuerier({}), {}, {}, model_, named_);
    }
    files_->RemoveDirectory(path + "/db");
    files_->RemoveDirectory(path + "/ingest");
    std::filesystem::remove_all(path);
    return Named("snapshot", checked);
  }

  Status CheckAll() { return Check(*store_->NewQuerier({}), {}, {}, model_, named_); }

  Status CheckObservers() {
    for (const Observer& observer : observers_) {
      // Series that came later may be listed: without samples.
      std::set<int> named;
      for (int series = 0; series < kSequenceSeries; ++series) named.insert(series);
      const Status checked = Check(*observer.querier, {}, {}, observer.model, named);
      if (!checked) return Named("observer", checked);
    }
    return Ok();
  }

  /// `named`: series that may be listed although they have no samples.
  Status Check(const Querier& querier, const std::vector<Matcher>& matchers, TimeRange range, const Model& model,
               const std::set<int>& named) const {
    VEDETTE_TRY(const std::vector<SeriesEntry> found, querier.Select(matchers));
    std::map<Labels, SeriesId> ids;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!MatchesAll(matchers, found[i].labels)) return Wrong(found[i].labels, "is not asked for");
      if (i > 0 && !(found[i - 1].labels < found[i].labels)) return Wrong(found[i].labels, "is out of order");
      ids[found[i].labels] = found[i].id;
    }
    std::set<Labels> must, may;
    for (int series = 0; series < kSequenceSeries; ++series) {
      const Labels labels = LabelsOf(series);
      if (!MatchesAll(matchers, labels)) continue;
      const auto known = model.find(series);
      const Samples samples = known == model.end() ? Samples() : known->second;
      const auto from = samples.lower_bound(std::max(range.min.ms, OldestKept()));
      if (from != samples.end() && from->first <= range.max.ms) must.insert(labels);
      // Where nothing was deleted, a series without samples may be listed until the tombstones are cleaned.
      const bool elsewhere = range != TimeRange() && known != model.end();
      if (!samples.empty() || named.contains(series) || elsewhere) may.insert(labels);
      if (ids.contains(labels)) VEDETTE_CHECK(CheckSamples(querier, labels, ids[labels], samples, range));
    }
    const auto listed = [&](const Labels& labels) { return ids.contains(labels); };
    for (const Labels& labels : must) {
      if (!listed(labels)) return Wrong(labels, "is not found");
    }
    for (const auto& [labels, id] : ids) {
      if (!may.contains(labels)) return Wrong(labels, "is listed without samples");
    }
    return CheckLabels(querier, matchers, must, may);
  }

  Status CheckSamples(const Querier& querier, const Labels& labels, SeriesId id, const Samples& samples,
                      TimeRange range) const {
    // What is read a second time is kept, and a third reader finds it.
    for (int i = 0; i < 3; ++i) VEDETTE_CHECK(CheckOnce(querier, labels, id, samples, range));
    return Ok();
  }

  Status CheckOnce(const Querier& querier, const Labels& labels, SeriesId id, const Samples& samples,
                   TimeRange range) const {
    Columns got;
    VEDETTE_CHECK(querier.Read(id, TimeRange(), got));
    auto want = samples.lower_bound(range.min.ms);
    const auto end = samples.upper_bound(range.max.ms);
    for (std::size_t i = 0; i < got.size(); ++i) {
      // Beyond the retention whole days go.
      while (want != end && want->first < got.times[i] && want->first < OldestKept()) ++want;
      if (want == end || want->first != got.times[i]) {
        return Wrong(labels, fmt::format("has a sample at {} where {} is next", got.times[i] - kBase,
                                         want == end ? std::string("none") : std::to_string(want->first - kBase)));
      }
      if (!SameBits(got.values[i], want->second)) {
        return Wrong(labels,
                     fmt::format("has {} instead of {} at {}", got.values[i], want->second, got.times[i] - kBase));
      }
      ++want;
    }
    while (want != end && want->first < OldestKept()) ++want;
    if (want != end) return Wrong(labels, fmt::format("has lost its sample at {}", want->first - kBase));
    return Ok();
  }

  static Status CheckLabels(const Querier& querier, const std::vector<Matcher>& matchers, const std::set<Labels>& must,
                            const std::set<Labels>& may) {
    const auto check = [](const std::string& what, const std::vector<std::string>& got,
                          const std::set<std::string>& least, const std::set<std::string>& most) -> Status {
      const bool right = std::ranges::is_sorted(got) && std::ranges::includes(got, least) &&
                         std::ranges::includes(most, got) && std::ranges::adjacent_find(got) == got.end();
      if (right) return Ok();
      return Fail(Code::kInternal, "{}: [{}], but [{}] have to be there and [{}] may", what, fmt::join(got, " "),
                  fmt::join(least, " "), fmt::join(most, " "));
    };
    const auto names_of = [](const std::set<Labels>& all) {
      std::set<std::string> out;
      for (const Labels& labels : all) {
        for (const LabelView label : labels) out.emplace(label.name);
      }
      return out;
    };
    VEDETTE_TRY(const std::vector<std::string> names, querier.LabelNames(matchers));
    VEDETTE_CHECK(check("label names", names, names_of(must), names_of(may)));
    for (const char* name : {"__name__", "n", "three"}) {
      const auto values_of = [&](const std::set<Labels>& all) {
        std::set<std::string> out;
        for (const Labels& labels : all) {
          if (labels.Has(name)) out.emplace(labels.Get(name));
        }
        return out;
      };
      VEDETTE_TRY(const std::vector<std::string> values, querier.LabelValues(name, matchers));
      VEDETTE_CHECK(check(fmt::format("values of {}", name), values, values_of(must), values_of(may)));
    }
    return Ok();
  }

  static Status Wrong(const Labels& labels, std::string_view what) {
    return Fail(Code::kInternal, "{} {}", labels.ToString(), what);
  }

  struct Planned {
    int series = 0;
    std::int64_t time = 0;
    double value = 0;
  };

  const TempDir dir_;
  const SequenceSetup setup_;
  FakeClock clock_{TimeMs(kBase + 3'600'000)};
  const std::shared_ptr<FaultyFileSystem> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<RocksStorage> store_;
  std::unique_ptr<storage::Appender> batch_;
  std::vector<Planned> pending_;  // in the batch
  Model model_;
  std::set<int> named_;
  std::vector<Observer> observers_;
};

}  // namespace

Status RunSteps(const SequenceSetup& setup, std::span<const Step> steps) { return Sequence(setup).Run(steps); }

}  // namespace vedette::test
