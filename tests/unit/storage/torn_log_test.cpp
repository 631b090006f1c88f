// A power cut may tear an older log and leave a newer one whole: the order in which a disk writes is its own.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "storage/rocks/careful_files.h"
#include "storage/rocks/database.h"
#include "storage/rocks/verify.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

std::vector<std::filesystem::path> LogsWithRecords(const std::string& data) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(data + "/db")) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> Names(const RocksStorage& store) {
  return MustHave(store.NewQuerier(TimeRange())->LabelValues("__name__", {}));
}

TEST_CASE("what a start left out of the logs does not come back, neither in a snapshot nor later", "[storage][log]") {
  RocksFixture fixture;
  const auto commit = [&](const std::string& name) {
    fixture.clock.Advance(Millis(1000));
    const auto appender = fixture.store->NewAppender();
    appender->Add(MustHave(appender->Series({{"__name__", name}})), fixture.clock.Now(), 1);
    (void)MustHave(appender->Commit());
  };
  for (const std::string name : {"first", "second", "third"}) {
    fixture.Open();  // each begins a log
    commit(name);
  }
  fixture.store.reset();
  const auto logs = LogsWithRecords(fixture.options.path);
  REQUIRE(logs.size() == 3);
  const std::uintmax_t left = GENERATE(0U, 3U, 20U);
  INFO(left << " bytes are left");
  std::filesystem::resize_file(logs[1], left);
  fixture.Open();
  const std::vector<std::string> survived = Names(*fixture.store);
  CHECK(std::ranges::find(survived, "first") != survived.end());
  CHECK(std::ranges::find(survived, "second") == survived.end());
  // An empty log is like one of a process that wrote nothing.
  if (left != 0) CHECK(std::ranges::find(survived, "third") == survived.end());
  commit("fourth");
  const std::vector<std::string> want = Names(*fixture.store);
  const std::string path = fixture.options.path;
  fixture.options.path = MustHave(fixture.store->Snapshot());
  fixture.Open();
  CHECK(Names(*fixture.store) == want);
  fixture.options.path = path;
  fixture.Open();
  CHECK(Names(*fixture.store) == want);
}

TEST_CASE("a log whose first record is torn does not keep snapshots from being taken", "[storage][log]") {
  RocksFixture fixture;
  AppendOne(fixture.Open(), {{"__name__", "lost"}}, fixture.clock.Now(), 1);
  fixture.store.reset();
  const auto logs = LogsWithRecords(fixture.options.path);
  REQUIRE(logs.size() == 1);
  std::filesystem::resize_file(logs.front(), 20);
  AppendOne(fixture.Open(), {{"__name__", "kept"}}, fixture.clock.Now(), 1);
  CHECK_FALSE(std::filesystem::exists(logs.front()));
  fixture.options.path = MustHave(fixture.store->Snapshot());
  CHECK(Names(fixture.Open()) == std::vector<std::string>{"kept"});
}

TEST_CASE("no power cut leaves a part of a log without all of those before it", "[storage][log]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto files = std::make_shared<test::FaultyFileSystem>(seed);
    const auto disk = test::FaultyFileSystem::NewEnv(files);
    const auto env = NewCarefulEnv(*disk, "/data");
    const auto name = [](std::size_t log) { return "/data/db/00000" + std::to_string(log) + ".log"; };
    REQUIRE(env->CreateDirIfMissing("/data/db").ok());
    std::vector<std::unique_ptr<rocksdb::WritableFile>> logs;
    constexpr std::size_t kLogs = 4, kBytes = 1000;
    for (std::size_t log = 0; log < kLogs; ++log) {
      REQUIRE(env->NewWritableFile(name(log), &logs.emplace_back(), rocksdb::EnvOptions()).ok());
      if (log == 2) continue;  // begun, and never written to
      REQUIRE(logs.back()->Append(std::string(kBytes, 'x')).ok());
      if (seed % 3 == 0) REQUIRE(logs.front()->Sync().ok());
    }
    files->Kill();
    logs.clear();
    files->Restart(test::Loss::kPower);
    const auto left = [&](std::size_t log) -> std::uint64_t {
      return disk->FileExists(name(log)).ok() ? files->SizeOf(name(log)) : 0;
    };
    INFO("seed " << seed << ": " << left(0) << ", " << left(1) << " and " << left(3) << " bytes are left");
    CHECK((left(1) == 0 || left(0) == kBytes));
    CHECK((left(3) == 0 || (left(1) == kBytes && left(0) == kBytes)));
  }
}

TEST_CASE("a log is not written to while the one before it cannot be synced", "[storage][log]") {
  const auto files = std::make_shared<test::FaultyFileSystem>(1);
  const auto disk = test::FaultyFileSystem::NewEnv(files);
  const auto env = NewCarefulEnv(*disk, "/data");
  REQUIRE(env->CreateDirIfMissing("/data/db").ok());
  std::unique_ptr<rocksdb::WritableFile> first, second;
  REQUIRE(env->NewWritableFile("/data/db/000001.log", &first, rocksdb::EnvOptions()).ok());
  REQUIRE(first->Append("one").ok());
  REQUIRE(env->NewWritableFile("/data/db/000002.log", &second, rocksdb::EnvOptions()).ok());
  files->Inject({{test::FileOp::kSync, test::FileKind::kLog}, 0, 2, test::Fault::Problem::kIoError});
  CHECK(!second->Append("two").ok());
  CHECK(!second->Append("two").ok());
  CHECK(files->SizeOf("/data/db/000002.log") == 0);
  CHECK(second->Append("two").ok());
  // Closed by RocksDB when it was synced or is not needed any more.
  std::unique_ptr<rocksdb::WritableFile> third;
  REQUIRE(env->NewWritableFile("/data/db/000003.log", &third, rocksdb::EnvOptions()).ok());
  REQUIRE(second->Close().ok());
  second.reset();
  CHECK(third->Append("three").ok());
}

TEST_CASE("a power cut after a cut of the journal leaves what it dropped in chunks", "[storage][log]") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed " << seed);
    const auto files = std::make_shared<test::FaultyFileSystem>(seed);
    const auto env = test::FaultyFileSystem::NewEnv(files);
    RocksFixture fixture;
    fixture.tuning.env = env.get();
    fixture.options.wal_sync_interval = std::chrono::hours(1);
    const SeriesId id = AppendOne(fixture.Open(), {{"__name__", "up"}}, fixture.clock.Now(), 1);
    fixture.store.reset();
    {
      // Its record lies in a file of the lowest level, which holds nothing else.
      const auto database = MustHave(Database::Open(fixture.options, env.get()));
      rocksdb::CompactRangeOptions options;
      options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
      REQUIRE(database->db().CompactRange(options, database->family(Family::kJournal), nullptr, nullptr).ok());
    }
    fixture.Open();
    files->KillAt({test::FileOp::kCreate, test::FileKind::kTable}, 0);  // of the re-packed day, behind the cut
    (void)fixture.store->Flush();
    REQUIRE(files->dead());
    fixture.store.reset();
    files->Restart(test::Loss::kPower);
    CHECK(ReadAll(fixture.Open(), id).values == std::vector<double>{1});
    fixture.store.reset();
  }
}

TEST_CASE("to verify a store does not take from its next start what that has to know of its logs", "[storage][log]") {
  RocksFixture fixture;
  for (int n = 0; n < 3; ++n) {
    fixture.Open();
    AppendOne(*fixture.store, {{"__name__", "m" + std::to_string(n)}}, fixture.clock.Now(), 1);
  }
  fixture.store.reset();
  const std::filesystem::path log = LogsWithRecords(fixture.options.path).front();
  {
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);  // within the first record
    file.put('!');
  }
  const auto problems = [&] { return MustHave(VerifyStore(fixture.options.path, false)).problem_count; };
  const std::size_t found = problems();
  CHECK(found > 0);
  CHECK(problems() == found);
  fixture.Open();
  fixture.store.reset();
  CHECK(problems() == 0);
}

/// Changes the second record of the file: its type to one of recycled logs, and a byte of what it holds if `payload`.
void Spoil(const std::filesystem::path& path, bool payload) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string head(6, ' ');
  file.read(head.data(), 6);
  const std::streamoff second = 7 + static_cast<std::uint8_t>(head[4]) + 256 * static_cast<std::uint8_t>(head[5]);
  file.seekp(second + 6);
  file.put(5);
  if (payload) file.put('!');
}

TEST_CASE("damage that looks like a recycled log is not read for ever", "[storage][log]") {
  RocksFixture fixture;
  fixture.Open();
  for (int n = 0; n < 3; ++n) {
    AppendOne(*fixture.store, {{"__name__", "m" + std::to_string(n)}}, fixture.clock.Now(), 1);
  }
  fixture.store.reset();
  const auto problems = [&] { return MustHave(VerifyStore(fixture.options.path, false)).problem_count; };
  SECTION("of the log: a wrong type alone is put right") {
    Spoil(LogsWithRecords(fixture.options.path).front(), false);
    CHECK(problems() == 0);
    CHECK(Names(fixture.Open()).size() == 3);
  }
  SECTION("of the log: what cannot be read is lost, and said") {
    Spoil(LogsWithRecords(fixture.options.path).front(), true);
    CHECK(problems() > 0);
    CHECK(Names(fixture.Open()).empty());
  }
  SECTION("of the manifest and its copy") {
    for (const auto& entry : std::filesystem::directory_iterator(fixture.options.path + "/db")) {
      if (entry.path().filename().string().find("MANIFEST-") != std::string::npos) Spoil(entry.path(), false);
    }
    CHECK(problems() == 0);
    CHECK(Names(fixture.Open()).size() == 3);
  }
}

}  // namespace
}  // namespace vedette::storage
