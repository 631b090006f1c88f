// Full disks, failing reads, flipped bits, missing files, wrong clocks, monstrous series: each has a documented outcome
// (docs/operations.md, "When things go wrong"), and none is a wrong value or a crash.
#include <algorithm>

#include "tests/torture/check.h"
#include "tests/torture/torture.h"
#include "tests/torture/writer.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

using test::Fault;
using test::FaultyFileSystem;
using test::FileKind;
using test::FileOp;
using test::Workload;

/// A store on a faulty file system that is written by the torture's workload.
struct BadLuck {
  explicit BadLuck(Millis retention = Millis(0), std::uint64_t seed = 7)
      : workload(seed, retention), expected(workload), files(std::make_shared<FaultyFileSystem>(seed)) {
    env = FaultyFileSystem::NewEnv(files);
  }

  Result<std::unique_ptr<RocksStorage>> TryOpen(rocksdb::Env& on) {
    registry = std::make_unique<prometheus::Registry>();
    RocksTuning tuning = test::SmallTuning(false);
    tuning.env = &on;
    tuning.free_disk_bytes = [this] { return full ? 0 : files->free_bytes(); };
    return RocksStorage::Open(test::SmallStore(dir.Sub("data"), workload.retention(), false), clock, *registry, tuning);
  }
  void Open() {
    writer.reset();
    store.reset();
    store = MustHave(TryOpen(*env));
    writer = std::make_unique<test::CommitWriter>(*store, workload, clock);
  }
  void Close() {
    writer.reset();
    store.reset();
  }
  /// Commits the next `n`; those that fail are `refused`.
  void Commit(int n) {
    for (int i = 0; i < n; ++i, ++next) {
      const Status written = writer->Write(next);
      if (written) {
        expected.Add(next);
      } else {
        CHECK(!written.error().message.empty());
        CHECK(written.error().code != Code::kInternal);
        refused.insert(next);
      }
    }
  }

  test::TempDir dir;
  const Workload workload;
  test::Expected expected;
  std::set<std::uint64_t> refused;
  std::uint64_t next = 1;
  bool full = false;  // what the disk says
  test::FakeClock clock{Workload::TimeOf(0)};
  std::shared_ptr<FaultyFileSystem> files;
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<prometheus::Registry> registry;
  std::unique_ptr<RocksStorage> store;
  std::unique_ptr<test::CommitWriter> writer;
};

TEST_CASE("a disk that is full at any write refuses, keeps what it acknowledged, and goes on by itself",
          "[storage][faults]") {
  const auto problem = Fault::Problem::kNoSpace;
  const std::uint64_t after = GENERATE(0U, 1U, 2U, 5U, 9U);
  INFO("write number " << after);
  BadLuck luck;
  luck.Open();
  luck.Commit(10);
  luck.files->Inject({{FileOp::kWrite, FileKind::kAny}, after, 1'000'000, problem});
  luck.full = true;
  for (int i = 0; i < 6; ++i) {
    luck.Commit(6);
    (void)luck.store->RunMaintenance(luck.clock.Now());
  }
  CHECK(luck.files->hits() > 0);
  luck.files->Heal();
  luck.full = false;
  (void)luck.store->RunMaintenance(luck.clock.Now());
  luck.Commit(1);  // may still meet what was left behind
  MustSucceed(luck.store->RunMaintenance(luck.clock.Now()));
  const std::size_t before = luck.refused.size();
  luck.Commit(20);
  CHECK(luck.refused.size() == before);
  // What was refused is not there; after a start it may be, but whole.
  MustSucceed(CheckAll(*luck.store, luck.workload, luck.clock.Now(), {}, luck.expected));
  luck.Open();
  MustSucceed(CheckAll(*luck.store, luck.workload, luck.clock.Now(), luck.refused, luck.expected));
  luck.Close();
}

TEST_CASE("a read that fails is an error of that query, and the next one has the answer", "[storage][faults]") {
  BadLuck luck;
  luck.Open();
  luck.Commit(60);
  MustSucceed(luck.store->Flush());
  luck.Open();  // with empty caches
  for (std::uint64_t after = 0; after < 20; ++after) {
    luck.files->Inject({{FileOp::kRead, FileKind::kTable}, after, 1, Fault::Problem::kIoError});
    const Status checked = CheckAll(*luck.store, luck.workload, luck.clock.Now(), {}, luck.expected);
    luck.files->Heal();
    if (checked) continue;
    CHECK(checked.error().code == Code::kIo);
  }
  MustSucceed(CheckAll(*luck.store, luck.workload, luck.clock.Now(), {}, luck.expected));
  luck.Close();
}

/// A copy of the database with something wrong in `path` gives an error or the right answer. A log is a special case:
/// what lies behind the damage cannot be told from what was never written.
void CheckDamaged(BadLuck& luck, const std::string& path, const std::function<void(FaultyFileSystem&)>& damage) {
  INFO(path);
  const auto damaged = luck.files->Clone(1);
  damage(*damaged);
  const auto env = FaultyFileSystem::NewEnv(damaged);
  auto opened = luck.TryOpen(*env);
  if (!opened) {
    CHECK(!opened.error().message.empty());
    return;
  }
  Status checked = Ok();
  if (path.ends_with(".log")) {
    test::Expected nothing(luck.workload);
    checked = CheckAll(**opened, luck.workload, luck.clock.Now(), luck.expected.commits(), nothing);
  } else {
    checked = CheckAll(**opened, luck.workload, luck.clock.Now(), {}, luck.expected);
  }
  if (!checked) {
    INFO(checked.error().message);
    CHECK(checked.error().code != Code::kInternal);
  }
}

TEST_CASE("a flipped bit in a table or log is named or harmless, and never a wrong value", "[storage][faults]") {
  BadLuck luck;
  luck.Open();
  luck.Commit(90);
  MustSucceed(luck.store->Flush());
  luck.Commit(30);
  luck.Close();
  std::mt19937_64 random(GENERATE(1U, 2U));
  for (const std::string& path : luck.files->Paths()) {
    if (!path.ends_with(".sst") && !path.ends_with(".log")) continue;
    const std::uint64_t bits = luck.files->SizeOf(path) * 8;
    for (int i = 0; i < 6 && bits > 0; ++i) {
      const std::uint64_t bit = random() % bits;
      CheckDamaged(luck, path, [&](FaultyFileSystem& files) { files.FlipBit(path, bit); });
    }
  }
}

TEST_CASE("a missing file is named or harmless, and nothing is deleted for it", "[storage][faults]") {
  BadLuck luck;
  luck.Open();
  luck.Commit(90);
  MustSucceed(luck.store->Flush());
  luck.Commit(30);
  luck.Close();
  for (const std::string& path : luck.files->Paths()) {
    CheckDamaged(luck, path, [&](FaultyFileSystem& files) { files.Remove(path); });
  }
}

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
