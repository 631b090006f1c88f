// A store on a faulty file system that is written by the torture's workload: for tests of what happens to it.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"
#include "tests/torture/check.h"
#include "tests/torture/torture.h"
#include "tests/torture/writer.h"

namespace vedette::test {

struct BadLuck {
  explicit BadLuck(Millis retention = Millis(0), std::uint64_t seed = 7)
      : workload(seed, retention), expected(workload), files(std::make_shared<FaultyFileSystem>(seed)) {
    env = FaultyFileSystem::NewEnv(files);
  }

  Result<std::unique_ptr<storage::RocksStorage>> TryOpen(rocksdb::Env& on) {
    registry = std::make_unique<prometheus::Registry>();
    storage::RocksTuning tuning = SmallTuning(false);
    tuning.env = &on;
    tuning.resume_patience = std::chrono::seconds(2);
    tuning.needs_start = [this](const Error&) { ++starts_asked; };
    tuning.free_disk_bytes = [this] { return full ? 0 : files->free_bytes(); };
    return storage::RocksStorage::Open(SmallStore(dir.Sub("data"), workload.retention(), false), clock, *registry,
                                       tuning);
  }
  void Open() {
    Close();
    store = MustHave(TryOpen(*env));
    writer = std::make_unique<CommitWriter>(*store, workload, clock);
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
        why = written.error().message;
      }
    }
  }
  /// What is there is what has to be there; refused commits may have come back with a start, but whole.
  Status Check(const storage::Storage& opened) { return CheckAll(opened, workload, clock.Now(), refused, expected); }

  TempDir dir;
  const Workload workload;
  Expected expected;
  std::set<std::uint64_t> refused;
  std::string why;  // of the last that was refused
  std::uint64_t next = 1;
  bool full = false;  // what the disk says
  int starts_asked = 0;
  FakeClock clock{Workload::TimeOf(0)};
  std::shared_ptr<FaultyFileSystem> files;
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<prometheus::Registry> registry;
  std::unique_ptr<storage::RocksStorage> store;
  std::unique_ptr<CommitWriter> writer;
};

}  // namespace vedette::test
