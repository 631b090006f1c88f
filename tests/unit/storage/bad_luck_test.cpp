// Wrong clocks, monstrous series, and the file system that the tests of faults stand on. Each trouble has a documented
// outcome (docs/operations.md, "When things go wrong"), and none is a wrong value or a crash. Failing operations:
// fault_sweep_test.cpp; damaged files: file_damage_test.cpp.
#include <cstdlib>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/torture/flood.h"
#include "tests/unit/storage/bad_luck.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

using test::FaultyFileSystem;

TEST_CASE("one wrong reading of the clock does not make the retention delete everything", "[storage][faults]") {
  RocksFixture fixture;
  fixture.options.retention = std::chrono::hours(24 * 15);
  RocksStorage& store = fixture.Open();
  const TimeMs start = fixture.clock.Now();
  const SeriesId id = AppendOne(store, {{"__name__", "up"}}, start - std::chrono::hours(30), 1);
  AppendOne(store, {{"__name__", "up"}}, start, 2);
  MustSucceed(store.Flush());
  const auto year = std::chrono::hours(24 * 365);
  for (const TimeMs wrong : {start + year, start - year}) {
    fixture.clock.Jump(wrong);
    MustSucceed(store.RunMaintenance(fixture.clock.Now()));
    fixture.clock.Advance(std::chrono::minutes(20));
    MustSucceed(store.RunMaintenance(fixture.clock.Now()));
    fixture.clock.Jump(start);
    MustSucceed(store.RunMaintenance(fixture.clock.Now()));
    CHECK(ReadAll(store, id).values == std::vector<double>{1, 2});
  }
  // A clock that stays there for hours is believed.
  fixture.clock.Jump(start + year);
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  fixture.clock.Advance(std::chrono::hours(2));
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  CHECK(ReadAll(store, id).values.empty());
}

TEST_CASE("a clock that jumps back a year during ingestion refuses what is too new, drops nothing, and goes on",
          "[storage][faults]") {
  RocksFixture fixture;
  fixture.options.retention = std::chrono::hours(24 * 15);
  RocksStorage* store = &fixture.Open();
  const Labels up{{"__name__", "up"}};
  const TimeMs start = fixture.clock.Now();
  const auto append = [&](TimeMs time) {
    const auto appender = store->NewAppender();
    appender->Add(MustHave(appender->Series(up)), time, 1);
    return MustHave(appender->Commit());
  };
  std::size_t there = 0;
  for (int i = 0; i < 20; ++i, ++there) CHECK(append(start + Millis(i * 15'000)).stored == 1);
  fixture.clock.Jump(start - std::chrono::hours(24 * 365));
  for (int i = 20; i < 40; ++i) CHECK(append(start + Millis(i * 15'000)).too_new == 1);
  // A scrape has the time of the wrong clock: it is stored as what it is said to be.
  for (int i = 0; i < 20; ++i, ++there) CHECK(append(fixture.clock.Now() + Millis(i)).stored == 1);
  for (int round = 0; round < 3; ++round) {
    MustSucceed(store->RunMaintenance(fixture.clock.Now()));
    fixture.clock.Advance(std::chrono::minutes(50));
    if (round == 1) store = &fixture.Open();
    if (round == 2) MustSucceed(store->Flush());
    CHECK(ReadAll(*store, SeriesId(1)).size() == there);
  }
  fixture.clock.Jump(start + std::chrono::minutes(10));
  CHECK(append(start + std::chrono::minutes(10)).stored == 1);
  MustSucceed(store->RunMaintenance(fixture.clock.Now()));
  CHECK(ReadAll(*store, SeriesId(1)).size() == there + 1);
}

/// Not a test: what the second process does. Hidden, and harmless without its environment.
TEST_CASE("second process", "[.second_process]") {
  const char* path = std::getenv("VEDETTE_SECOND_DIR");
  if (path == nullptr) return;
  RocksFixture fixture;
  fixture.options.path = path;
  const auto opened = fixture.TryOpen();
  if (opened) std::_Exit(1);
  const bool named = opened.error().code == Code::kUnavailable &&
                     opened.error().message.find("in use by another process") != std::string::npos;
  std::_Exit(named ? 42 : 2);
}

TEST_CASE("a second process on the directory is refused, and the first goes on", "[storage][faults]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  const SeriesId id = AppendOne(store, {{"__name__", "up"}}, fixture.clock.Now(), 1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("VEDETTE_SECOND_DIR", fixture.options.path.c_str(), 1);
    ::execl("/proc/self/exe", "test_storage", "[.second_process]", static_cast<char*>(nullptr));
    std::_Exit(3);
  }
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 42);
  AppendOne(store, {{"__name__", "up"}}, fixture.clock.Now() + Millis(1), 2);
  MustSucceed(store.Flush());
  CHECK(ReadAll(store, id).size() == 2);
}

TEST_CASE("a flood of new series stops at the limit by number or by memory, and known ones go on",
          "[storage][faults]") {
  test::FloodOptions options;
  options.series = 30'000;
  SECTION("by number") {
    options.max_series = 5'000;
    const test::FloodReport report = MustHave(test::Flood(options));
    CHECK(report.created == 4'000);
    CHECK(report.refused == 26'000);
    CHECK(report.counted == 26'000);
  }
  SECTION("by memory") {
    options.max_series = 0;
    options.max_series_bytes = 2 << 20;
    const test::FloodReport report = MustHave(test::Flood(options));
    CHECK(report.created > 1'000);
    CHECK(report.created < 10'000);
    CHECK(report.counted == report.refused);
  }
}

TEST_CASE("a series of 10,000 labels and one of a megabyte are series like others", "[storage][faults]") {
  RocksFixture fixture;
  LabelsBuilder many;
  for (int i = 0; i < 10'000; ++i) many.Set("label_" + std::to_string(i), std::to_string(i));
  const Labels wide = many.Build();
  const Labels large{{"__name__", "large"}, {"text", std::string(1 << 20, 'x')}};
  RocksStorage* store = &fixture.Open();
  for (int round = 0; round < 3; ++round) {
    for (const Labels& labels : {wide, large}) {
      AppendOne(*store, labels, fixture.clock.Now() + Millis(round), round);
      const Matcher matcher = round == 0 ? Matcher::Equal("__name__", "large") : Matcher::Equal("label_77", "77");
      (void)MustHave(store->NewQuerier(TimeRange())->Select(std::span(&matcher, 1)));
    }
    if (round == 1) MustSucceed(store->Flush());
    store = &fixture.Open();
  }
  const auto found = MustHave(store->NewQuerier(TimeRange())->Select({}));
  REQUIRE(found.size() == 2);
  for (const SeriesEntry& entry : found) {
    CHECK((entry.labels == wide || entry.labels == large));
    CHECK(ReadAll(*store, entry.id).size() == 3);
  }
}

TEST_CASE("the fault file system forgets exactly what was not synced", "[storage][faults]") {
  const auto files = std::make_shared<FaultyFileSystem>(3);
  const auto env = FaultyFileSystem::NewEnv(files);
  const auto write = [&](const std::string& path, bool sync, bool sync_directory) {
    std::unique_ptr<rocksdb::WritableFile> file;
    REQUIRE(env->NewWritableFile(path, &file, rocksdb::EnvOptions()).ok());
    REQUIRE(file->Append("0123456789").ok());
    if (sync) REQUIRE(file->Sync().ok());
    REQUIRE(file->Append("more").ok());
    std::unique_ptr<rocksdb::Directory> directory;
    REQUIRE(env->NewDirectory("/d", &directory).ok());
    if (sync_directory) REQUIRE(directory->Fsync().ok());
  };
  write("/d/a", true, true);
  write("/d/b", false, true);
  files->Restart(test::Loss::kNothing);
  CHECK(files->SizeOf("/d/a") == 14);
  CHECK(files->SizeOf("/d/b") == 14);
  int lost_names = 0, torn = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto copy = std::make_shared<FaultyFileSystem>(seed);
    const auto copy_env = FaultyFileSystem::NewEnv(copy);
    std::unique_ptr<rocksdb::WritableFile> file;
    REQUIRE(copy_env->NewWritableFile("/d/a", &file, rocksdb::EnvOptions()).ok());
    REQUIRE(file->Append("0123456789").ok());
    REQUIRE(file->Sync().ok());
    REQUIRE(file->Append("more").ok());
    copy->Kill();
    CHECK(!file->Append("dead").ok());
    file.reset();
    copy->Restart(test::Loss::kPower);
    const std::uint64_t size = copy->SizeOf("/d/a");
    if (copy->Paths().empty()) {
      ++lost_names;
    } else {
      CHECK(size >= 10);
      CHECK(size <= 14);
      if (size > 10 && size < 14) ++torn;
    }
  }
  CHECK(lost_names > 10);
  CHECK(torn > 3);
}

}  // namespace
}  // namespace vedette::storage
