// kill -9 at any moment: what was acknowledged is there, batches are whole, and the store goes on.
//
// The writer is this test binary started anew (a fork would not bring RocksDB's threads along). It commits batches with
// maintenance running at full speed and reports each acknowledged one through a pipe until it is killed.
#include <array>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/support/effort.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

constexpr int kGroups = 2;
constexpr int kCrashSeries = 20;
constexpr std::int64_t kStart = 1'690'000'000'000;  // well before the fixture's clock

struct Ack {
  std::int32_t group = 0, batch = 0;
};

Labels SeriesOf(int group, int i) {
  return {{"__name__", "crash"}, {"group", std::to_string(group)}, {"i", std::to_string(i)}};
}

/// Batches of a group so far; fails when they are not whole.
int CountBatches(const Storage& store, int group) {
  const auto querier = store.NewQuerier(TimeRange());
  const Matcher matcher = Matcher::Equal("group", std::to_string(group));
  const auto found = MustHave(querier->Select(std::span(&matcher, 1)));
  if (found.empty()) return 0;
  CHECK(found.size() == kCrashSeries);
  Columns first, other;
  MustSucceed(querier->Read(found.front().id, TimeRange(), first));
  for (const SeriesEntry& entry : found) {
    other.clear();
    MustSucceed(querier->Read(entry.id, TimeRange(), other));
    CHECK(other.times == first.times);
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first.times[i] == kStart + static_cast<std::int64_t>(i) * 1000);
    CHECK(first.values[i] == static_cast<double>(i));
  }
  return static_cast<int>(first.size());
}

void WriteGroup(Storage& store, int group, int ack_pipe) {
  std::vector<SeriesId> ids;
  const auto appender = store.NewAppender();
  for (int i = 0; i < kCrashSeries; ++i) ids.push_back(MustHave(appender->Series(SeriesOf(group, i))));
  Columns before;
  MustSucceed(store.NewQuerier(TimeRange())->Read(ids.front(), TimeRange(), before));
  for (auto n = static_cast<std::int32_t>(before.size());; ++n) {
    appender->AddRow(TimeMs(kStart + n * 1000LL), ids, std::vector<double>(kCrashSeries, n));
    const auto outcome = appender->Commit();
    if (!outcome || outcome->stored != kCrashSeries) std::_Exit(1);
    const Ack ack{group, n};
    if (::write(ack_pipe, &ack, sizeof ack) != sizeof ack) std::_Exit(1);
  }
}

/// Not a test: what the child process does. Hidden, and harmless without its environment.
TEST_CASE("crash writer", "[.crash_writer]") {
  const char* path = std::getenv("VEDETTE_CRASH_DIR");
  const char* pipe = std::getenv("VEDETTE_CRASH_PIPE");
  if (path == nullptr || pipe == nullptr) return;
  RocksFixture fixture;
  fixture.options.path = path;
  fixture.tuning.maintenance_interval = Millis(1);
  Storage& store = fixture.Open();
  std::vector<std::thread> threads;
  for (int group = 0; group < kGroups; ++group) {
    threads.emplace_back([&store, group, pipe] { WriteGroup(store, group, std::atoi(pipe)); });
  }
  for (std::thread& thread : threads) thread.join();
}

pid_t StartWriter(const std::string& path, int ack_pipe) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv("VEDETTE_CRASH_DIR", path.c_str(), 1);
  ::setenv("VEDETTE_CRASH_PIPE", std::to_string(ack_pipe).c_str(), 1);
  ::execl("/proc/self/exe", "test_storage", "[.crash_writer]", static_cast<char*>(nullptr));
  std::_Exit(1);
}

/// Lets a writer run until `acks` batches are acknowledged, kills it, and returns the number of batches of each group.
std::array<int, kGroups> RunAndKill(const std::string& path, int acks) {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  ::fcntl(pipe[0], F_SETFD, FD_CLOEXEC);
  const pid_t child = StartWriter(path, pipe[1]);
  REQUIRE(child > 0);
  ::close(pipe[1]);
  std::array<int, kGroups> count{};
  Ack ack;
  for (int n = 0; ::read(pipe[0], &ack, sizeof ack) == sizeof ack; ++n) {
    count[static_cast<std::size_t>(ack.group)] = ack.batch + 1;
    if (n == acks) ::kill(child, SIGKILL);  // and read on: what is in the pipe was acknowledged too
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  return count;
}

TEST_CASE("after kill -9 every acknowledged batch is there, and no half one", "[storage][crash][long]") {
  RocksFixture fixture;
  std::mt19937 random(4711);
  for (int round = 0; round < test::Repetitions(20, 8); ++round) {
    const auto acknowledged = RunAndKill(fixture.options.path, 1 + static_cast<int>(random() % 400));
    RocksStorage& store = fixture.Open();
    for (int group = 0; group < kGroups; ++group) {
      INFO("round " << round << ", group " << group);
      CHECK(CountBatches(store, group) >= acknowledged[static_cast<std::size_t>(group)]);
    }
    fixture.store.reset();
  }
}

}  // namespace
}  // namespace vedette::storage
