// Flipped bits and missing files: mended, named or harmless, and never a wrong or a short answer.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <random>

#include "storage/rocks/log_records.h"
#include "storage/rocks/verify.h"
#include "tests/support/effort.h"
#include "tests/unit/storage/bad_luck.h"

namespace vedette::test {
namespace {

/// A directory with tables, a manifest of many records, and a log.
struct Damaged : BadLuck {
  Damaged() {
    Open();
    Commit(90);
    MustSucceed(store->Flush());
    Commit(30);
    MustSucceed(store->RunMaintenance(clock.Now()));
    Commit(10);
    Close();
  }
  std::string PathOf(std::string_view name) const {
    for (const std::string& path : files->Paths()) {
      if (path.substr(path.rfind('/') + 1).starts_with(name)) return path;
    }
    FAIL("no file " << name);
    return "";
  }
  /// A start on a copy of the directory with something wrong.
  Status Try(const std::function<void(FaultyFileSystem&)>& damage) {
    const auto copy = files->Clone(1);
    damage(*copy);
    const auto copy_env = FaultyFileSystem::NewEnv(copy);
    VEDETTE_TRY(const auto opened, TryOpen(*copy_env));
    return Check(*opened);
  }
};

bool Everything() { return std::getenv("VEDETTE_FAULT_SWEEP") != nullptr; }

TEST_CASE("a flipped bit in the manifest, in CURRENT or in their copies is mended", "[storage][faults]") {
  Damaged luck;
  std::mt19937_64 random(3);
  for (const std::string_view name : {"MANIFEST-", "CURRENT", "copy-of-MANIFEST-", "copy-of-CURRENT"}) {
    const std::string path = luck.PathOf(name);
    const std::uint64_t bits = luck.files->SizeOf(path) * 8;
    const std::uint64_t tries = Everything() ? bits : Repetitions(30, 8);
    for (std::uint64_t i = 0; i < tries; ++i) {
      // The last record is the one that nothing else follows.
      const std::uint64_t bit = Everything()    ? i
                                : i < tries / 3 ? bits - 1 - random() % std::min<std::uint64_t>(bits, 900)
                                                : random() % bits;
      INFO(path << ", bit " << bit);
      MustSucceed(luck.Try([&](FaultyFileSystem& files) { files.FlipBit(path, bit); }));
    }
  }
}

TEST_CASE("a write of the manifest that a power cut tore is left out", "[storage][faults]") {
  Damaged luck;
  const std::string path = luck.PathOf("MANIFEST-");
  constexpr std::size_t kPayload = 20;
  std::string torn = "sum?";
  torn += {static_cast<char>(kPayload), '\0', '\1'};
  torn += std::string(kPayload, 'x');
  for (std::size_t size = 1; size <= torn.size(); ++size) {
    INFO(size << " bytes");
    MustSucceed(luck.Try([&](FaultyFileSystem& files) {
      std::unique_ptr<rocksdb::FSWritableFile> file;
      REQUIRE(files.ReopenWritableFile(path, {}, &file, nullptr).ok());
      REQUIRE(file->Append(torn.substr(0, size), {}, nullptr).ok());
    }));
  }
}

TEST_CASE("a flipped bit in what RocksDB writes for information is harmless", "[storage][faults]") {
  Damaged luck;
  std::mt19937_64 random(3);
  for (const std::string_view name : {"OPTIONS-", "IDENTITY"}) {
    const std::string path = luck.PathOf(name);
    for (int i = 0; i < 15; ++i) {
      const std::uint64_t bit = random() % (luck.files->SizeOf(path) * 8);
      INFO(path << ", bit " << bit);
      MustSucceed(luck.Try([&](FaultyFileSystem& files) { files.FlipBit(path, bit); }));
    }
  }
}

TEST_CASE("one of manifest, CURRENT and their copies may be missing", "[storage][faults]") {
  Damaged luck;
  const std::string manifest = luck.PathOf("MANIFEST-"), current = luck.PathOf("CURRENT");
  const std::string copy = luck.PathOf("copy-of-MANIFEST-"), current_copy = luck.PathOf("copy-of-CURRENT");
  for (const std::string& path : {manifest, current, copy, current_copy}) {
    INFO(path);
    MustSucceed(luck.Try([&](FaultyFileSystem& files) { files.Remove(path); }));
  }
  const auto without = [&](const std::string& a, const std::string& b) {
    return luck.Try([&](FaultyFileSystem& files) {
      files.Remove(a);
      files.Remove(b);
    });
  };
  MustSucceed(without(copy, current_copy));
  MustSucceed(without(manifest, current));
  const Status no_manifest = without(manifest, copy), no_current = without(current, current_copy);
  REQUIRE(!no_manifest);
  CHECK(no_manifest.error().message.find("MANIFEST-") != std::string::npos);
  REQUIRE(!no_current);
  CHECK(no_current.error().message.find("CURRENT") != std::string::npos);
}

/// The bytes in front of the last whole fragment: behind it, damage cannot be told from a torn end.
std::uint64_t BeforeLastFragment(const BadLuck& luck, const std::string& path) {
  std::string bytes;
  REQUIRE(rocksdb::ReadFileToString(luck.env.get(), path, &bytes).ok());
  std::size_t cut = bytes.size() - std::min<std::size_t>(bytes.size(), 1);
  while (cut > 0 && storage::WholeFragments(std::string_view(bytes).substr(0, cut)) != cut) --cut;
  return cut;
}

/// A copy of the database with something wrong in `path` gives an error or the right answer. What lies behind a damaged
/// place of a log is lost, but that is said, and no other sample takes its place.
void CheckDamaged(BadLuck& luck, const std::string& path, const std::function<void(FaultyFileSystem&)>& damage,
                  bool told = true) {
  INFO(path);
  const auto damaged = luck.files->Clone(1);
  damage(*damaged);
  const auto env = FaultyFileSystem::NewEnv(damaged);
  auto opened = luck.TryOpen(*env);
  if (!opened) {
    CHECK(!opened.error().message.empty());
    CHECK(opened.error().code != Code::kInternal);
    return;
  }
  const Status checked = luck.Check(**opened);
  if (checked) return;
  INFO(checked.error().message);
  if (!path.ends_with(".log")) {
    CHECK(checked.error().code != Code::kInternal);
    return;
  }
  std::set<std::uint64_t> acts = luck.expected.commits();
  MustSucceed(CheckOrigin(**opened, luck.workload, acts));
  // Ids and rounds that were lost with the log are not given again.
  CommitWriter writer(**opened, luck.workload, luck.clock);
  for (std::uint64_t n = luck.next; n < luck.next + 10; ++n) {
    MustSucceed(writer.Write(n));
    acts.insert(n);
  }
  MustSucceed((*opened)->Flush());
  MustSucceed(CheckOrigin(**opened, luck.workload, acts));
  opened->reset();
  if (!told) return;
  const auto fresh = luck.files->Clone(1);
  damage(*fresh);
  const auto fresh_env = FaultyFileSystem::NewEnv(fresh);
  const auto report = MustHave(storage::VerifyStore(luck.dir.Sub("data"), false, fresh_env.get()));
  CHECK(std::ranges::any_of(report.problems, [&](const std::string& text) { return text.starts_with(path); }));
}

TEST_CASE("a flipped bit in a table or log is named or harmless, and never a wrong value", "[storage][faults][long]") {
  Damaged luck;
  std::mt19937_64 random(GENERATE(1U, 2U));
  for (const std::string& path : luck.files->Paths()) {
    if (!path.ends_with(".sst") && !path.ends_with(".log")) continue;
    const bool log = path.ends_with(".log");
    const std::uint64_t bits = (log ? BeforeLastFragment(luck, path) : luck.files->SizeOf(path)) * 8;
    for (int i = 0; i < (Everything() ? 60 : Repetitions(6, 2)) && bits > 0; ++i) {
      const std::uint64_t bit = random() % bits;
      CheckDamaged(luck, path, [&](FaultyFileSystem& files) { files.FlipBit(path, bit); });
    }
  }
}

TEST_CASE("a missing file is named or harmless, and nothing is deleted for it", "[storage][faults]") {
  Damaged luck;
  for (const std::string& path : luck.files->Paths()) {
    // Nothing tells of a log that it was there: what others hold is right.
    CheckDamaged(
        luck, path, [&](FaultyFileSystem& files) { files.Remove(path); }, !path.ends_with(".log"));
  }
}

TEST_CASE("whole fragments of a log are told from what is torn or damaged", "[storage][faults]") {
  Damaged luck;
  const std::string path = luck.PathOf("MANIFEST-");
  std::string bytes;
  REQUIRE(rocksdb::ReadFileToString(luck.env.get(), path, &bytes).ok());
  CHECK(storage::WholeFragments(bytes) == bytes.size());
  CHECK(storage::WholeFragments("") == 0);
  for (std::size_t cut = 1; cut < std::min<std::size_t>(bytes.size(), 300); ++cut) {
    CHECK(storage::WholeFragments(std::string_view(bytes).substr(0, bytes.size() - cut)) < bytes.size());
  }
  for (std::size_t i = 0; i < bytes.size(); i += 7) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 8);
    CHECK(storage::WholeFragments(changed) <= i);
  }
}

}  // namespace
}  // namespace vedette::test
