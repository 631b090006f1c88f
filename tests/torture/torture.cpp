#include "tests/torture/torture.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <utility>

#include "tests/torture/check.h"
#include "tests/torture/writer.h"

namespace vedette::test {
namespace {

using storage::RocksStorage;
using Commits = std::set<std::uint64_t>;

/// A directory is tortured so many times, then a new one is begun: checking takes longer the more there is.
constexpr int kPowerRoundsPerStore = 25;
constexpr std::uint64_t kMaxSteps = 120;

/// One directory on a faulty file system, its store when it is open, and what it has to hold.
class Victim {
 public:
  Victim(std::uint64_t seed, TortureReport& report)
      : random_(seed),
        retention_(Pick(4) == 0 ? Millis(std::chrono::hours(24 * 4)) : Millis(0)),
        workload_(seed, retention_, true),
        expected_(workload_),
        files_(std::make_shared<FaultyFileSystem>(seed)),
        env_(FaultyFileSystem::NewEnv(files_)),
        report_(report) {}
  ~Victim() { store_.reset(); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  Status Round() {
    earlier_ = std::exchange(story_, {});
    if (!store_) VEDETTE_CHECK(Open());
    constexpr std::uint64_t kLives[] = {40, 400, 400, 2500};
    PlanDeath(kLives[Pick(std::size(kLives))]);
    VEDETTE_CHECK(Load(1 + Pick(kMaxSteps)));
    if (!files_->dead() && Pick(8) == 0) {
      ++report_.clean_stops;
      Tell("stop");
      CloseStore();
      if (!files_->dead()) Synced();
      files_->Kill();  // right after the stop
    }
    VEDETTE_CHECK(DieAndForget());
    if (Pick(4) == 0) {
      ++report_.deaths_at_start;
      PlanDeath(60);
      (void)TryOpen();
      VEDETTE_CHECK(DieAndForget());
    }
    return OpenAndCheck();
  }

  const FaultyFileSystem& files() const { return *files_; }
  /// What happened in the last two rounds, for who has to find out why.
  std::string story() const { return earlier_ + " | " + story_; }

 private:
  void Tell(std::string_view what) { story_.append(" ").append(what); }
  std::uint64_t Pick(std::uint64_t below) { return random_() % below; }

  Status TryOpen() {
    registry_ = std::make_unique<prometheus::Registry>();
    synced_ = Pick(2) == 0;
    const bool thread = Pick(2) == 0;
    Tell(fmt::format("open{}{}", synced_ ? ",sync" : "", thread ? ",thread" : ""));
    storage::RocksTuning tuning = SmallTuning(thread);
    if (Pick(3) == 0) tuning.table_bytes = 64 << 10;
    tuning.env = env_.get();
    if (Workload::TimeOf(next_) > clock_.Now()) clock_.Advance(Workload::TimeOf(next_) - clock_.Now());
    auto opened = RocksStorage::Open(SmallStore(dir_.Sub("data"), retention_, synced_), clock_, *registry_, tuning);
    if (!opened) {
      Tell("failed");
      return std::move(opened).error();
    }
    store_ = *std::move(opened);
    writer_ = std::make_unique<CommitWriter>(*store_, workload_, clock_);
    return Ok();
  }

  /// Everything that is on the disk hangs together, whether a query would meet it or not.
  Status Verify(const std::string& path) { return VerifyAfterPowerCuts(path, env_.get()); }

  /// Opens a snapshot and compares it with what was there when it was taken.
  Status CheckSnapshot(const std::string& path, Expected at_that_time) {
    VEDETTE_CHECK(Verify(path));
    prometheus::Registry registry;
    storage::RocksTuning tuning = SmallTuning(false);
    tuning.env = env_.get();
    const auto opened = RocksStorage::Open(SmallStore(path, retention_, false), clock_, registry, tuning);
    if (!opened) return Annotate("the snapshot does not open", opened.error());
    const Status checked = CheckAll(**opened, workload_, clock_.Now(), {}, at_that_time);
    if (!checked) return Annotate("snapshot", checked.error());
    return Ok();
  }

  void DropSnapshot() {
    if (!snapshot_) return;
    files_->RemoveDirectory(snapshot_->first + "/db");
    files_->RemoveDirectory(snapshot_->first + "/ingest");
    std::filesystem::remove_all(snapshot_->first);
    snapshot_.reset();
  }

  Status Open() {
    const Status opened = TryOpen();
    if (!opened) return Annotate("the store does not open", opened.error());
    return Ok();
  }

  Status OpenAndCheck() {
    VEDETTE_CHECK(Verify(dir_.Sub("data")));
    VEDETTE_CHECK(Open());
    Synced();  // a start puts on the medium what a killed process left
    const std::size_t before = expected_.commits().size();
    VEDETTE_CHECK(CheckAll(*store_, workload_, clock_.Now(), possible_, expected_));
    VEDETTE_TRY(const std::optional<std::string> row, store_->Get("torture", "last"));
    if (row && std::stoull(*row) < last_state_)
      return Fail(Code::kInternal, "state row {} instead of {}", *row, last_state_);
    if (!row && last_state_ > 0) return Fail(Code::kInternal, "state row {} is lost", last_state_);
    report_.survived_unrequired += expected_.commits().size() - before;
    if (snapshot_) {
      VEDETTE_CHECK(CheckSnapshot(snapshot_->first, snapshot_->second));
      DropSnapshot();
    }
    // What was found is on the medium now, what was not must not come back.
    possible_.clear();
    return Ok();
  }

  void PlanDeath(std::uint64_t within) {
    constexpr FilePattern kPlaces[] = {
        {},
        {},
        {FileOp::kAny, FileKind::kLog},
        {FileOp::kSync, FileKind::kAny},
        {FileOp::kAny, FileKind::kTable},
        {FileOp::kAny, FileKind::kManifest},
        {FileOp::kSync, FileKind::kDirectory},
        {FileOp::kRename, FileKind::kAny},
        {FileOp::kDelete, FileKind::kAny},
        {FileOp::kCreate, FileKind::kAny},
    };
    const FilePattern& place = kPlaces[Pick(std::size(kPlaces))];
    const bool rare = place.op != FileOp::kAny || place.kind == FileKind::kManifest;
    const std::uint64_t after = Pick(rare ? std::max<std::uint64_t>(within / 20, 2) : within);
    files_->KillAt(place, after);
    Tell(fmt::format("(death at {} of {}, number {})", NameOf(place.op), NameOf(place.kind), after));
  }

  Status Load(std::uint64_t steps) {
    for (std::uint64_t i = 0; i < steps && !files_->dead(); ++i) {
      const Status status = Step();
      if (!status && !files_->dead()) return status;
    }
    return Ok();
  }

  Status Step() {
    const std::uint64_t what = Pick(100);
    if (what < 72) return DoAct();
    if (what < 83) return Tell("maintain"), store_->RunMaintenance(clock_.Now());
    if (what < 84) return Tell("clean"), store_->CleanTombstones();
    if (what < 86) return Tell("flush"), store_->Flush();
    if (what < 93) return WriteState();
    if (what < 94) return Reopen();
    return CheckSomeNow();
  }

  Status DoAct() {
    const std::uint64_t n = next_++;
    ++report_.commits;
    const Act act = workload_.ActOf(n);
    const bool syncs = synced_ || act == Act::kImport || act == Act::kSnapshot || (act == Act::kDelete && Finds(n));
    constexpr std::string_view kNames[] = {"", "delete ", "import ", "snapshot "};
    const Status written = writer_->Write(n);
    Tell(fmt::format("{}{}{}", kNames[static_cast<std::size_t>(act)], n, written ? "" : "!"));
    ++report_.acts[static_cast<std::size_t>(act)];
    if (!written) {
      possible_.insert(n);
      return written;
    }
    ++report_.acknowledged;
    if (act == Act::kSnapshot) {
      DropSnapshot();
      snapshot_.emplace(writer_->snapshot(), Expected(expected_));
      for (const std::uint64_t earlier : unsynced_) snapshot_->second.Add(earlier);
      if (Pick(2) != 0) return Ok();  // looked at when the power is back
      const Status checked = CheckSnapshot(snapshot_->first, snapshot_->second);
      if (!checked && !files_->dead()) wrong_answer_ = checked;
      DropSnapshot();
      return checked;
    }
    if (syncs) {
      Synced();
      expected_.Add(n);
    } else if (act == Act::kCommit) {
      unsynced_.insert(n);
    }
    return Ok();
  }

  /// Whether there is something for deletion `n`: otherwise it writes nothing, and nothing is on the medium sooner.
  bool Finds(std::uint64_t n) {
    const PlannedDelete planned = workload_.DeleteAt(n);
    const auto found = store_->NewQuerier(planned.range)->Select(std::span(&planned.matcher, 1));
    return found && !found->empty();
  }

  /// A write of the state is on the medium when it returns, and so is every commit before it.
  Status WriteState() {
    storage::StateBatch batch;
    batch.Put("torture", "last", std::to_string(next_));
    VEDETTE_CHECK(store_->Write(batch));
    Tell("state");
    last_state_ = next_;
    Synced();
    return Ok();
  }

  void Synced() {
    for (const std::uint64_t n : unsynced_) expected_.Add(n);
    unsynced_.clear();
  }

  Status Reopen() {
    Tell("reopen");
    CloseStore();
    if (files_->dead()) return Ok();
    Synced();
    const Status opened = TryOpen();
    if (!opened && files_->dead()) return Ok();
    return opened;
  }

  Status CheckSomeNow() {
    Expected now = expected_;
    for (const std::uint64_t n : unsynced_) now.Add(n);
    const Status checked = CheckSome(*store_, workload_, clock_.Now(), now, random_);
    // A reader may meet the dying disk, but must not answer wrongly.
    if (!checked && files_->dead() && checked.error().code != Code::kInternal) return Ok();
    if (!checked) wrong_answer_ = checked;
    return checked;
  }

  void CloseStore() {
    writer_.reset();
    store_.reset();
  }

  Status DieAndForget() {
    files_->Kill();
    CloseStore();
    if (!wrong_answer_) return wrong_answer_;
    const bool power = Pick(3) != 0;
    Tell(power ? "power" : "kill");
    ++(power ? report_.power_cuts : report_.kills);
    files_->Restart(power ? Loss::kPower : Loss::kNothing);
    report_.not_required += power ? unsynced_.size() : 0;
    if (power) possible_.merge(unsynced_);
    return Ok();
  }

  TempDir dir_;
  std::mt19937_64 random_;
  const Millis retention_;
  const Workload workload_;
  Expected expected_;  // must be there
  Commits unsynced_;   // acknowledged; a power cut may take them
  Commits possible_;   // may be there or not
  std::uint64_t next_ = 1;
  std::uint64_t last_state_ = 0;
  bool synced_ = false;                                       // each commit
  std::optional<std::pair<std::string, Expected>> snapshot_;  // its directory, and what is in it
  std::string earlier_, story_;
  Status wrong_answer_ = Ok();
  FakeClock clock_{Workload::TimeOf(0)};
  const std::shared_ptr<FaultyFileSystem> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<RocksStorage> store_;
  std::unique_ptr<CommitWriter> writer_;
  TortureReport& report_;
};

}  // namespace

storage::StorageOptions SmallStore(const std::string& path, Millis retention, bool sync_each_commit) {
  storage::StorageOptions options;
  options.path = path;
  options.retention = retention;
  options.chunk_samples = 8;
  options.chunk_span = std::chrono::hours(1);
  options.wal_sync_interval = sync_each_commit ? Millis(0) : Millis(std::chrono::hours(1));
  options.block_cache_bytes = 4 << 20;
  options.write_buffer_bytes = 1 << 20;
  options.min_free_disk_bytes = 0;
  return options;
}

storage::RocksTuning SmallTuning(bool maintenance_thread) {
  storage::RocksTuning tuning;
  tuning.journal_samples = 300;
  tuning.journal_samples_per_series = 2;
  tuning.spill_samples = 3;
  tuning.evict_after = std::chrono::hours(7);
  tuning.table_bytes = 512;
  tuning.repack_samples = 64;
  tuning.bundle_bytes = 600;
  tuning.bundle_parts = 5;
  tuning.repack_quiet_rounds = 0;
  tuning.maintenance_interval = maintenance_thread ? Millis(1) : Millis(0);
  if (maintenance_thread) {
    tuning.loading_failed = [](const Error& error) {
      fmt::print(stderr, "labels are not read: {}\n", error.message);
      std::abort();
    };
  }
  return tuning;
}

std::string TortureReport::ToString() const {
  return fmt::format(
      "{} rounds in {} directories: {} power cuts, {} kills, {} clean stops, {} deaths at a start; {} acts ({} "
      "commits, "
      "{} deletions, {} imports, {} snapshots), {} acknowledged, {} of them not synced at a power cut; {} commits "
      "survived that did not have to",
      rounds, stores, power_cuts, kills, clean_stops, deaths_at_start, commits, acts[0], acts[1], acts[2], acts[3],
      acknowledged, not_required, survived_unrequired);
}

Result<TortureReport> CrashRounds(const TortureOptions& options) {
  TortureReport report;
  while (report.rounds < options.rounds) {
    const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(report.stores++);
    Victim victim(seed, report);
    for (int i = 0; i < kPowerRoundsPerStore && report.rounds < options.rounds; ++i) {
      ++report.rounds;
      const Status round = victim.Round();
      if (!round) {
        if (!options.keep_failed_in.empty()) victim.files().Export(options.keep_failed_in);
        return Annotate(fmt::format("seed {}, round {} ({})", seed, i, victim.story()), round.error());
      }
    }
    if (options.progress) options.progress(report.ToString());
  }
  return report;
}

}  // namespace vedette::test
