// The rounds with a child process and SIGKILL.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/rocks/verify.h"
#include "tests/torture/check.h"
#include "tests/torture/torture.h"
#include "tests/torture/writer.h"

namespace vedette::test {
namespace {

constexpr int kRoundsPerStore = 25;
constexpr std::uint64_t kMaxCommits = 120;

Millis RetentionOf(std::uint64_t seed) { return seed % 4 == 0 ? Millis(std::chrono::hours(24 * 4)) : Millis(0); }

/// Lets a child run until it has acknowledged `count` commits and a little longer, kills it, and adds what it
/// acknowledged to `acknowledged`.
Status RunAndKill(const StartChild& start_child, const std::string& path, std::uint64_t seed, std::uint64_t first,
                  std::uint64_t count, std::set<std::uint64_t>& acknowledged) {
  int pipe[2];
  if (::pipe(pipe) != 0) return Fail(Code::kIo, "no pipe");
  ::fcntl(pipe[0], F_SETFD, FD_CLOEXEC);
  const int child = start_child(path, seed, first, pipe[1]);
  ::close(pipe[1]);
  if (child <= 0) return Fail(Code::kIo, "no child process");
  std::uint64_t n = 0;
  for (std::uint64_t got = 0; ::read(pipe[0], &n, sizeof n) == sizeof n; ++got) {
    acknowledged.insert(n);
    if (got == count) ::kill(child, SIGKILL);  // and read on: what is in the pipe was acknowledged too
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return Ok();
  return Fail(Code::kInternal, "the child ended by itself with status {}", status);
}

Status Verify(const std::string& path) {
  VEDETTE_TRY(const storage::VerifyReport report, storage::VerifyStore(path, false));
  if (report.problem_count == 0) return Ok();
  return Fail(Code::kInternal, "verify of {} finds {} problems, first: {}", path, report.problem_count,
              report.problems.front());
}

/// How the name of a snapshot begins: acts are a second apart and more.
std::string SnapshotTime(TimeMs time) {
  const CivilTime at = ToCivil(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", at.year, at.month, at.day, at.hour, at.minute, at.second);
}

/// Opens every snapshot that was acknowledged, compares it with what was there at its time, and removes all.
Status CheckSnapshots(const std::string& path, const Workload& workload,
                      const std::map<std::uint64_t, Expected>& snapshots) {
  const std::filesystem::path directory = path + "/snapshots";
  for (const auto& [act, at_that_time] : snapshots) {
    const std::string time = SnapshotTime(Workload::TimeOf(act));
    std::string found;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().filename().string().starts_with(time)) found = entry.path();
    }
    if (found.empty()) return Fail(Code::kInternal, "snapshot of {} is missing", time);
    VEDETTE_CHECK(Verify(found));
    FakeClock clock(Workload::TimeOf(act));
    prometheus::Registry registry;
    const auto opened = storage::RocksStorage::Open(SmallStore(found, workload.retention(), false), clock, registry,
                                                    SmallTuning(false));
    if (!opened) return Annotate("the snapshot does not open", opened.error());
    Expected expected = at_that_time;
    const Status checked = CheckAll(**opened, workload, clock.Now(), {}, expected);
    if (!checked) return Annotate("snapshot " + time, checked.error());
  }
  std::filesystem::remove_all(directory);
  return Ok();
}

}  // namespace

void RunChild(const std::string& path, std::uint64_t seed, std::uint64_t first, int pipe) {
  const Workload workload(seed, RetentionOf(seed), true);
  FakeClock clock(Workload::TimeOf(first));
  prometheus::Registry registry;
  auto opened = storage::RocksStorage::Open(SmallStore(path, workload.retention(), first % 2 == 0), clock, registry,
                                            SmallTuning(true));
  if (!opened) std::_Exit(2);
  storage::RocksStorage& store = **opened;
  // The heavy work goes on beside the commits: the thread of the store seals and spills, this one does the rest.
  std::thread heavy([&] {
    for (std::uint64_t i = 0;; ++i) {
      if (!store.RunMaintenance(clock.Now())) std::_Exit(3);
      if (i % 8 == 7 && !store.Flush()) std::_Exit(4);
      if (i % 5 == 4 && !store.CleanTombstones()) std::_Exit(7);
    }
  });
  CommitWriter writer(store, workload, clock);
  for (std::uint64_t n = first;; ++n) {
    if (!writer.Write(n)) std::_Exit(5);
    if (::write(pipe, &n, sizeof n) != sizeof n) std::_Exit(6);
  }
}

Result<TortureReport> KillRounds(const TortureOptions& options, const StartChild& start_child) {
  TortureReport report;
  while (report.rounds < options.rounds) {
    const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(report.stores++);
    const Workload workload(seed, RetentionOf(seed), true);
    const TempDir dir;
    const std::string path = dir.Sub("data");
    Expected expected(workload);
    std::mt19937_64 random(seed);
    std::uint64_t first = 1;
    for (int i = 0; i < kRoundsPerStore && report.rounds < options.rounds; ++i) {
      ++report.rounds;
      const auto failed = [&](const Status& status) {
        return Annotate(fmt::format("seed {}, round {}", seed, i), status.error());
      };
      std::set<std::uint64_t> acknowledged;
      const Status ran = RunAndKill(start_child, path, seed, first, random() % kMaxCommits, acknowledged);
      if (!ran) return failed(ran);
      ++report.kills;
      std::map<std::uint64_t, Expected> snapshots;  // what is in each, by the act that took it
      for (const std::uint64_t n : acknowledged) {
        const Act act = workload.ActOf(n);
        expected.Add(n);
        ++report.acts[static_cast<std::size_t>(act)];
        if (act == Act::kSnapshot) snapshots.emplace(n, expected);
      }
      const Status copies = CheckSnapshots(path, workload, snapshots);
      if (!copies) return failed(copies);
      const std::uint64_t last = acknowledged.empty() ? first - 1 : *acknowledged.rbegin();
      report.acknowledged += acknowledged.size();
      report.commits += last + 1 - first;
      const Status verified = Verify(path);
      if (!verified) return failed(verified);
      FakeClock clock(Workload::TimeOf(last + 1));
      prometheus::Registry registry;
      auto opened = storage::RocksStorage::Open(SmallStore(path, workload.retention(), false), clock, registry,
                                                SmallTuning(false));
      if (!opened) return failed(Status(std::move(opened).error()));
      // The act that was on its way may have happened.
      const std::size_t before = expected.commits().size();
      const Status checked = CheckAll(**opened, workload, clock.Now(), {last + 1}, expected);
      if (!checked) return failed(checked);
      report.survived_unrequired += expected.commits().size() - before;
      first = last + 2;
    }
    if (options.progress) options.progress(report.ToString());
  }
  return report;
}

}  // namespace vedette::test
