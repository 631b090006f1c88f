#include "storage/rocks/rocks_storage.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <semaphore>
#include <thread>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <rocksdb/write_batch.h>

#include "core/log.h"
#include "storage/index/cardinality.h"
#include "storage/rocks/day_cardinality.h"
#include "storage/rocks/deletion.h"
#include "storage/rocks/engine.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/recovery.h"
#include "storage/rocks/retention.h"
#include "storage/rocks/rocks_state.h"
#include "storage/rocks/snapshot.h"
#include "storage/rocks/tier_store.h"

namespace vedette::storage {
namespace {

/// Between two rounds that look at every series and every day.
constexpr Millis kFullRoundInterval = std::chrono::seconds(30);
/// Looking at the rows of every target waits for so many commits or samples, or so many rounds: with few rows a second
/// next to nothing becomes full meanwhile, and looking would cost as much as storing.
constexpr std::uint64_t kFewCommits = 200;
constexpr std::size_t kFewSamples = 250'000;
constexpr int kMostPassed = 10;
/// A day is re-packed when it has been over for so long: late samples have mostly come.
constexpr Millis kRepackDelay = std::chrono::hours(1);
/// Series that leave memory in one round, so that look-ups are not held up for long.
constexpr std::size_t kEvictStep = 50'000;
/// Commits take microseconds; when they leave no gap in so many tries, eviction waits for the next round.
constexpr int kGateTries = 100;
/// New series that are worth a look every second; fewer wait for the next full round.
constexpr std::size_t kManyNewSeries = 4096;
/// What a series costs in memory with labels, index and a few samples, where there are too few for an average.
constexpr std::size_t kSeriesBytes = 256;
constexpr std::size_t kTooFewForAverage = 10'000;

/// The wall clock against the one that only goes forward: more than this is not a correction.
constexpr Millis kClockJump = std::chrono::minutes(5);
/// One wrong reading must not delete days that are not old. After a jump the clock has to prove itself for so long.
constexpr Millis kSteadySpan = std::chrono::hours(1);

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class RocksStorageImpl final : public RocksStorage {
 public:
  explicit RocksStorageImpl(std::unique_ptr<Engine> engine)
      : engine_(std::move(engine)), state_(*engine_->database, engine_->tuning.state_history) {}
  ~RocksStorageImpl() override;

  /// Until the series of the journal wait for their labels, which are returned.
  Result<Postings> Recover();
  /// The last step of a start, by Open() or behind it.
  Status LoadLabels(const Postings& series);
  void LoadLabelsBehind(Postings series);
  void StartThreads();

  std::unique_ptr<Appender> NewAppender(const AppendOptions& append) override {
    return NewRocksAppender(*engine_, append);
  }
  std::unique_ptr<Querier> NewQuerier(TimeRange range) const override { return NewRocksQuerier(*engine_, range); }
  ChangeLog* ChangesByTime() const override { return &engine_->changes; }
  std::unique_ptr<BulkWriter> NewBulkWriter() override { return NewRocksBulkWriter(*engine_); }
  Status Delete(std::span<const Matcher> matchers, TimeRange range) override;
  Status CleanTombstones() override;
  Result<std::string> Snapshot() override;
  StoreStats Stats(std::size_t top) const override;
  Result<StoreStats> Cardinality(const CardinalityQuery& query) const override;
  Status Flush() override;
  Status RunMaintenance(TimeMs now) override;

  Status Write(const StateBatch& batch) override { return state_.Write(batch); }
  Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const override {
    return state_.Get(table, key);
  }
  Status Scan(std::string_view table, std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& row) const override {
    return state_.Scan(table, prefix, row);
  }
  Result<ChangePage> Changes(std::string_view table, std::uint64_t after, std::size_t max_batches) const override {
    return state_.Changes(table, after, max_batches);
  }
  std::optional<TimeMs> FirstDay() const override {
    const auto days = engine_->partitions.days();
    if (days->empty()) return std::nullopt;
    return StartOfDay(*std::ranges::min_element(*days));
  }
  Result<std::unique_ptr<FeedReader>> OpenFeed(std::string_view name, bool exemplars) override {
    if (exemplars) engine_->feeds.SetWantExemplars();
    return NewFeedReader(*engine_, name);
  }
  std::vector<std::string> Feeds() const override { return engine_->feeds.Names(); }
  Status DropFeed(std::string_view name) override { return engine_->feeds.Drop(name); }
  std::unique_ptr<StateView> NewView() const override { return state_.NewView(); }
  bool AwaitChange(std::uint64_t after, const std::stop_token& stop, Millis timeout) const override {
    return state_.AwaitChange(after, stop, timeout);
  }

 private:
  /// What is older may be dropped. The maintenance lock is held.
  TimeMs Oldest(TimeMs now);
  /// What has to happen every second.
  /// `rows`: looks at those of every group, too, and so at what the journal is still needed for.
  Status SealDue(TimeMs now, bool rows);
  /// What has to happen every half minute.
  Status SealAll(TimeMs now);
  Status RepackDue(TimeMs now);
  // With the re-packing mutex held.
  Status Repack(std::int32_t last, std::size_t quiet_rounds);
  Status Compact(Family family);
  Status EvictIdle(TimeMs now);
  Status DropExpired(TimeMs now);
  Result<std::size_t> DropOld(TimeMs now);
  Status TrimFacts(TimeMs now);
  /// Partitions::DropBefore(), which whoever keeps answers is told of.
  Result<std::size_t> DropDays(std::int32_t day, std::int32_t all);
  bool ClockIsSteady();
  void ShowGauges();
  /// Looks at every list of the index: not every second.
  void ShowHeadBytes();
  /// The same, with the table locked.
  void NoteHeadBytes();
  /// ... but also when there are many new series.
  bool HeadGrew() const;
  /// False: stop. Otherwise `interval` is over.
  bool Wait(Millis interval);
  void SyncLoop();
  void MaintenanceLoop();
  void RepackLoop();
  void NoteFailure(const Status& status);

  const std::unique_ptr<Engine> engine_;
  RocksState state_;
  // The clock when it was looked at last: by the wall, and from an arbitrary origin.
  std::optional<std::pair<TimeMs, std::chrono::nanoseconds>> last_look_;
  std::chrono::nanoseconds unsteady_until_{};
  RulesApplied rules_applied_;
  std::atomic<std::size_t> measured_series_{0};  // at the last ShowHeadBytes()
  bool collected_ = false;                       // leftovers of earlier runs were looked for
  std::mutex stop_mutex_;
  std::condition_variable stop_came_;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point recovery_start_;
  std::binary_semaphore loading_{0};  // the loader has its locks
  std::thread sync_thread_, maintenance_thread_, repack_thread_, loader_;
};

Result<Postings> RocksStorageImpl::Recover() {
  Engine& engine = *engine_;
  recovery_start_ = std::chrono::steady_clock::now();
  VEDETTE_CHECK(engine.partitions.Recover());
  const std::size_t damaged_logs = engine.database->damaged_logs().size();
  engine.metrics.damaged_logs.Set(static_cast<double>(damaged_logs));
  if (damaged_logs != 0) {
    const auto days = engine.partitions.days();
    VEDETTE_CHECK(SkipLostNumbers(*engine.database, *days));
  }
  if (const Status left = engine.database->LeaveTornLogs(); !left) {
    LogError("storage", "a torn log cannot be left behind yet", {{"error", left.error()}});
  }
  VEDETTE_CHECK(engine.sealer.Recover());
  VEDETTE_CHECK(engine.catalog.Recover(engine.sealer.sealed_max_time()));
  VEDETTE_CHECK(state_.Recover());
  VEDETTE_CHECK(engine.tombstones.Recover());
  VEDETTE_CHECK(engine.facts.Recover());
  VEDETTE_CHECK(engine.feeds.Recover());
  VEDETTE_TRY(Recovered recovered,
              ReplayJournal(*engine.database, engine.head, engine.sealer.sealed_max_time(), engine.clock.Now()));
  engine.sealer.NoteJournal(recovered.samples);
  engine.guard.Check();
  ShowGauges();
  LogInfo("storage", "store opened",
          {{"path", engine.options.path},
           {"series", engine.head.table().size()},
           {"journal_samples", recovered.samples},
           {"days", engine.partitions.days()->size()},
           {"seconds", SecondsSince(recovery_start_)}});
  return std::move(recovered.series);
}

Status RocksStorageImpl::LoadLabels(const Postings& series) {
  VEDETTE_CHECK(engine_->catalog.LoadLabels(series));
  NoteHeadBytes();
  const double seconds = SecondsSince(recovery_start_);
  engine_->metrics.replay_seconds.Set(seconds);
  LogInfo("storage", "labels loaded", {{"series", engine_->head.table().size()}, {"seconds", seconds}});
  return Ok();
}

void RocksStorageImpl::LoadLabelsBehind(Postings series) {
  loader_ = std::thread([this, series = std::move(series)] {
    // Maintenance waits as readers and writers do.
    const std::lock_guard repack_lock(engine_->repack_mutex);
    const std::lock_guard maintenance_lock(engine_->maintenance_mutex);
    const std::lock_guard table_lock(engine_->head.table().mutex());
    loading_.release();
    if (const Status loaded = LoadLabels(series); !loaded) {
      engine_->tuning.loading_failed(Annotate("data directory " + engine_->options.path, loaded.error()));
    }
  });
  loading_.acquire();
}

void RocksStorageImpl::StartThreads() {
  if (engine_->tuning.guard_interval.count() > 0) sync_thread_ = std::thread([this] { SyncLoop(); });
  if (engine_->tuning.maintenance_interval.count() > 0) {
    maintenance_thread_ = std::thread([this] { MaintenanceLoop(); });
    repack_thread_ = std::thread([this] { RepackLoop(); });
  }
}

RocksStorageImpl::~RocksStorageImpl() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_came_.notify_all();
  if (loader_.joinable()) loader_.join();
  if (sync_thread_.joinable()) sync_thread_.join();
  if (maintenance_thread_.joinable()) maintenance_thread_.join();
  if (repack_thread_.joinable()) repack_thread_.join();
}

bool RocksStorageImpl::Wait(Millis interval) {
  std::unique_lock lock(stop_mutex_);
  return !stop_came_.wait_for(lock, interval, [this] { return stopping_; });
}

void RocksStorageImpl::SyncLoop() {
  const Millis sync = engine_->options.wal_sync_interval;
  const Millis guard = engine_->tuning.guard_interval;
  const Millis interval = sync.count() > 0 ? std::min(sync, guard) : guard;
  auto last_check = std::chrono::steady_clock::now();
  while (Wait(interval)) {
    if (engine_->unsynced.exchange(false)) {
      if (const Status status = engine_->database->Sync(); !status) {
        engine_->metrics.maintenance_failures.Increment();
        LogError("storage", "journal not synced", {{"error", status.error()}});
      }
    }
    if (std::chrono::steady_clock::now() - last_check < guard) continue;
    last_check = std::chrono::steady_clock::now();
    engine_->guard.Check();
  }
}

void RocksStorageImpl::MaintenanceLoop() {
  auto last_full = std::chrono::steady_clock::now();
  std::uint64_t last_commit = 0;  // when rows were looked at
  std::size_t last_sample = 0;
  int passed = 0;  // rounds since
  while (Wait(engine_->tuning.maintenance_interval)) {
    const bool full = std::chrono::steady_clock::now() - last_full >= kFullRoundInterval;
    if (full) last_full = std::chrono::steady_clock::now();
    const std::uint64_t commit = engine_->head.order().visible();
    const std::size_t sample = engine_->sealer.journaled();
    const bool rows =
        full || commit - last_commit >= kFewCommits || sample - last_sample >= kFewSamples || ++passed >= kMostPassed;
    if (rows) {
      last_commit = commit;
      last_sample = sample;
      passed = 0;
    }
    const TimeMs now = engine_->clock.Now();
    NoteFailure(full ? SealAll(now) : SealDue(now, rows));
  }
}

/// A thread of its own: a large day takes minutes, and sealing must not wait for it.
void RocksStorageImpl::RepackLoop() {
  while (Wait(kFullRoundInterval)) NoteFailure(RepackDue(engine_->clock.Now()));
}

void RocksStorageImpl::NoteFailure(const Status& status) {
  if (status) return;
  engine_->metrics.maintenance_failures.Increment();
  LogError("storage", "maintenance failed, it is tried again", {{"error", status.error()}});
}

Status RocksStorageImpl::SealDue(TimeMs now, bool rows) {
  const std::lock_guard lock(engine_->maintenance_mutex);
  if (rows) {
    VEDETTE_CHECK(engine_->sealer.SealFull(Oldest(now)));
    VEDETTE_CHECK(engine_->sealer.CutJournal(Oldest(now)));
  } else {
    VEDETTE_CHECK(engine_->sealer.SealFullChunks(Oldest(now)));
  }
  VEDETTE_CHECK(engine_->catalog.StoreDefinitions(kManyNewSeries));
  VEDETTE_CHECK(engine_->facts.Spill());
  ShowGauges();
  if (HeadGrew()) ShowHeadBytes();
  return Ok();
}

Status RocksStorageImpl::RunMaintenance(TimeMs now) {
  VEDETTE_CHECK(SealAll(now));
  return RepackDue(now);
}

Status RocksStorageImpl::RepackDue(TimeMs now) {
  const std::lock_guard lock(engine_->repack_mutex);
  const Status cleaned = vedette::storage::CleanTombstones(*engine_);
  VEDETTE_CHECK(Repack(DayOf(now - kRepackDelay) - 1, engine_->tuning.repack_quiet_rounds));
  return cleaned;
}

Status RocksStorageImpl::Repack(std::int32_t last, std::size_t quiet_rounds) {
  const RocksTuning& tuning = engine_->tuning;
  const RepackOptions options{tuning.repack_samples, tuning.bundle_bytes, tuning.bundle_parts,
                              quiet_rounds,          engine_->tombstones, engine_->options.tiers};
  return engine_->partitions.Repack(last, options, engine_->maintenance_mutex);
}

Status RocksStorageImpl::Delete(std::span<const Matcher> matchers, TimeRange range) {
  const std::lock_guard lock(engine_->maintenance_mutex);
  return DeleteSamples(*engine_, matchers, range, Oldest(engine_->clock.Now()));
}

Status RocksStorageImpl::CleanTombstones() {
  const std::lock_guard lock(engine_->repack_mutex);
  VEDETTE_CHECK(vedette::storage::CleanTombstones(*engine_));
  for (const Family family : kDayFamilies) VEDETTE_CHECK(Compact(family));
  return Ok();
}

Result<std::string> RocksStorageImpl::Snapshot() {
  return TakeSnapshot(*engine_->database, engine_->options.path, engine_->clock.Now());
}

Status RocksStorageImpl::SealAll(TimeMs now) {
  engine_->guard.Check();
  VEDETTE_CHECK(SealDue(now, true));
  const std::lock_guard lock(engine_->maintenance_mutex);
  const Millis idle = std::min(engine_->options.chunk_span, engine_->tuning.evict_after);
  VEDETTE_CHECK(engine_->sealer.SealIdle(now - idle, Oldest(now)));
  VEDETTE_CHECK(engine_->catalog.StoreDefinitions());
  VEDETTE_CHECK(EvictIdle(now));
  VEDETTE_CHECK(DropExpired(now));
  VEDETTE_CHECK(TrimFacts(now));
  ShowGauges();
  ShowHeadBytes();
  return Ok();
}

Status RocksStorageImpl::EvictIdle(TimeMs now) {
  for (int i = 0; i < kGateTries; ++i) {
    const std::unique_lock gate(engine_->commit_gate, std::try_to_lock);
    if (gate.owns_lock()) {
      engine_->head.DropEndedGroups();
      return engine_->catalog.Evict(now, engine_->tuning.evict_after, kEvictStep);
    }
    std::this_thread::yield();
  }
  return Ok();
}

/// Whether the wall clock may be believed: it has not jumped for a while.
bool RocksStorageImpl::ClockIsSteady() {
  const TimeMs wall = engine_->clock.Now();
  const std::chrono::nanoseconds monotonic = engine_->clock.Monotonic();
  if (last_look_) {
    const auto jump = std::chrono::abs((wall - last_look_->first) - (monotonic - last_look_->second));
    if (jump > kClockJump) {
      unsteady_until_ = monotonic + kSteadySpan;
      LogError("storage", "the clock has jumped: nothing is dropped for its age until it has been steady for an hour",
               {{"from", FormatRfc3339(last_look_->first)}, {"to", FormatRfc3339(wall)}});
    }
  }
  last_look_.emplace(wall, monotonic);
  return monotonic >= unsteady_until_;
}

TimeMs RocksStorageImpl::Oldest(TimeMs now) {
  if (ClockIsSteady()) return AcceptedTimes(now, engine_->options, {}).min;
  StorageOptions keep_all;
  keep_all.retention = Millis(0);
  return AcceptedTimes(now, keep_all, {}).min;
}

Result<std::size_t> RocksStorageImpl::DropDays(std::int32_t day, std::int32_t all) {
  std::optional<ChangeLog::Change> change;
  if (engine_->partitions.HasBefore(day)) change.emplace(engine_->changes, TimeMs::Min());
  return engine_->partitions.DropBefore(day, all);
}

/// Samples beyond the retention, and of each tier what is beyond its own. What a day has beside stays as long as any.
Result<std::size_t> RocksStorageImpl::DropOld(TimeMs now) {
  const std::int32_t first = DayOf(Oldest(now));
  const bool steady = ClockIsSteady();
  std::int32_t all = first;
  for (const TierOptions& tier : engine_->options.tiers) {
    const std::int32_t kept = tier.keep.count() == 0 || !steady ? INT32_MIN : DayOf(now - tier.keep);
    if (kept != INT32_MIN) VEDETTE_CHECK(DropTierBefore(*engine_->database, tier.step, kept));
    all = std::min(all, kept);
  }
  // Of tiers that are not wanted any more.
  VEDETTE_TRY(const std::vector<Millis> steps, TierSteps(*engine_->database));
  for (const Millis step : steps) {
    if (std::ranges::find(engine_->options.tiers, step, &TierOptions::step) != engine_->options.tiers.end()) continue;
    VEDETTE_CHECK(DropTierBefore(*engine_->database, step, INT32_MAX));
  }
  return DropDays(first, all);
}

Status RocksStorageImpl::DropExpired(TimeMs now) {
  if (ClockIsSteady()) VEDETTE_CHECK(ApplyRetentionRules(*engine_, now, rules_applied_));
  const bool by_time =
      engine_->options.retention.count() > 0 ||
      std::ranges::any_of(engine_->options.tiers, [](const TierOptions& tier) { return tier.keep.count() > 0; });
  if (!by_time && engine_->options.retention_bytes == 0) return Ok();
  std::size_t dropped = 0;
  if (by_time) {
    VEDETTE_TRY(dropped, DropOld(now));
  }
  if (const std::optional<std::int32_t> first =
          FirstDayThatFits(*engine_->database, *engine_->partitions.days(), engine_->options.retention_bytes)) {
    VEDETTE_TRY(const std::size_t more, DropDays(*first, *first));
    for (const TierOptions& tier : engine_->options.tiers) {
      VEDETTE_CHECK(DropTierBefore(*engine_->database, tier.step, *first));
    }
    dropped += more;
    // Files of several days: what is left of them must not count again at the next look.
    for (const Family family : {Family::kChunks, Family::kIndex}) VEDETTE_CHECK(Compact(family));
  }
  if (dropped > 0) LogInfo("storage", "days beyond the retention dropped", {{"days", dropped}});
  if (dropped == 0 && collected_) return Ok();
  VEDETTE_TRY(const Postings alive, engine_->partitions.AllSeries());
  VEDETTE_CHECK(engine_->catalog.Collect(alive, now, engine_->options.retention));
  VEDETTE_CHECK(engine_->facts.TrimHistory(Oldest(now), alive));
  collected_ = true;
  return Ok();
}

Status RocksStorageImpl::TrimFacts(TimeMs now) {
  const StorageOptions& options = engine_->options;
  TimeMs oldest = Oldest(now);
  if (options.exemplar_age.count() > 0 && ClockIsSteady()) oldest = std::max(oldest, now - options.exemplar_age);
  return engine_->facts.TrimExemplars(oldest, options.max_exemplars);
}

Status RocksStorageImpl::Flush() {
  const std::lock_guard repack_lock(engine_->repack_mutex);
  {
    const std::lock_guard lock(engine_->maintenance_mutex);
    const TimeMs oldest = Oldest(engine_->clock.Now());
    VEDETTE_CHECK(engine_->sealer.SealFull(oldest));
    VEDETTE_CHECK(engine_->sealer.SealAll(oldest));
    VEDETTE_CHECK(engine_->catalog.StoreDefinitions());
  }
  VEDETTE_CHECK(vedette::storage::CleanTombstones(*engine_));
  VEDETTE_CHECK(Repack(INT32_MAX, 0));
  for (std::size_t i = 0; i < kFamilyCount; ++i) VEDETTE_CHECK(Compact(static_cast<Family>(i)));
  const std::lock_guard lock(engine_->maintenance_mutex);
  ShowGauges();
  return Ok();
}

Status RocksStorageImpl::Compact(Family family) {
  rocksdb::CompactRangeOptions options;
  // The lowest level too: it holds what was deleted, and it alone has the strong compression. Re-packing wrote
  // these in their final form.
  const bool final_form = family == Family::kBlocks || family == Family::kBundles;
  options.bottommost_level_compaction =
      final_form ? rocksdb::BottommostLevelCompaction::kSkip : rocksdb::BottommostLevelCompaction::kForceOptimized;
  const rocksdb::Status status =
      engine_->database->db().CompactRange(options, engine_->database->family(family), nullptr, nullptr);
  if (!status.ok()) return ToError(status, fmt::format("compaction of {}", FamilyName(family)));
  return Ok();
}

void RocksStorageImpl::ShowGauges() {
  engine_->metrics.head_series.Set(static_cast<double>(engine_->head.table().size()));
  engine_->metrics.journal_samples.Set(static_cast<double>(engine_->sealer.journal_samples()));
}

void RocksStorageImpl::ShowHeadBytes() {
  const std::shared_lock lock(engine_->head.table().mutex());
  NoteHeadBytes();
}

void RocksStorageImpl::NoteHeadBytes() {
  const Head& head = engine_->head;
  const std::size_t bytes = head.table().allocated_bytes() + head.row_bytes(), series = head.table().size();
  engine_->metrics.head_bytes.Set(static_cast<double>(bytes));
  measured_series_ = series;
  std::size_t limit = engine_->options.max_series;
  if (const std::size_t most = engine_->options.max_series_bytes; most != 0) {
    // Until the next look new ones are taken to cost what the others do.
    const std::size_t each = series < kTooFewForAverage ? kSeriesBytes : std::max(kSeriesBytes, bytes / series);
    const std::size_t room = std::max<std::size_t>(series + (most - std::min(bytes, most)) / each, 1);
    limit = limit == 0 ? room : std::min(limit, room);
  }
  engine_->series_limit = limit;
}

bool RocksStorageImpl::HeadGrew() const {
  const std::size_t series = engine_->head.table().size();
  return engine_->options.max_series_bytes != 0 && series > measured_series_ + measured_series_ / 16 + kManyNewSeries;
}

StoreStats RocksStorageImpl::Stats(std::size_t top) const {
  StoreStats stats;
  {
    const std::shared_lock lock(engine_->head.table().mutex());
    stats.head_series = engine_->head.table().size();
    engine_->head.table().index().FillStats(top, stats);
  }
  stats.head_chunks = engine_->head.open_chunks();
  stats.head_range = engine_->head.range();
  return stats;
}

Result<StoreStats> RocksStorageImpl::Cardinality(const CardinalityQuery& query) const {
  // What is in memory has the series of today; what is sealed of them is a part.
  const bool now = !query.day || DayOf(*query.day) >= DayOf(engine_->clock.Now());
  if (!now) return CountDay(*engine_, DayOf(*query.day), query);
  StoreStats stats;
  const std::shared_lock lock(engine_->head.table().mutex());
  VEDETTE_CHECK(CountCardinality(engine_->head.table().index(), query, stats));
  stats.head_chunks = engine_->head.open_chunks();
  stats.head_range = engine_->head.range();
  return stats;
}

}  // namespace

Result<std::unique_ptr<RocksStorage>> RocksStorage::Open(const StorageOptions& options, const Clock& clock,
                                                         prometheus::Registry& registry, const RocksTuning& tuning) {
  VEDETTE_CHECK(options.Validate());
  VEDETTE_TRY(std::unique_ptr<Database> database, Database::Open(options, tuning.env));
  auto storage = std::make_unique<RocksStorageImpl>(
      std::make_unique<Engine>(options, tuning, clock, registry, std::move(database)));
  Result<Postings> series = storage->Recover();
  if (!series) return Annotate("data directory " + options.path, std::move(series).error());
  if (tuning.loading_failed) {
    storage->LoadLabelsBehind(std::move(*series));
  } else if (const Status loaded = storage->LoadLabels(*series); !loaded) {
    return Annotate("data directory " + options.path, loaded.error());
  }
  storage->StartThreads();
  return std::unique_ptr<RocksStorage>(std::move(storage));
}

}  // namespace vedette::storage
