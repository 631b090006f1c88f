// Does the workload's acts to a store, as the agent would: with cached ids for what it knows.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/rocks/rocks_storage.h"
#include "tests/support/fake_clock.h"
#include "tests/torture/workload.h"

namespace vedette::test {

class CommitWriter {
 public:
  CommitWriter(storage::RocksStorage& store, const Workload& workload, FakeClock& clock)
      : store_(store), workload_(workload), clock_(clock) {}

  /// Errors: the store's; kInternal when the outcome counts other samples than were given.
  Status Write(std::uint64_t n);
  /// Of the last snapshot that was taken: its directory.
  const std::string& snapshot() const { return snapshot_; }

 private:
  struct Known {
    storage::SeriesId id = storage::SeriesId::kNone;
    std::uint64_t used = 0;  // by this commit
  };
  Status Commit(std::uint64_t n);
  Status Import(std::uint64_t n);
  Result<storage::SeriesId> IdOf(storage::Appender& appender, const Labels& labels, std::uint64_t n);

  storage::RocksStorage& store_;
  const Workload& workload_;
  FakeClock& clock_;
  std::unordered_map<Labels, Known> known_;
  std::string snapshot_;
};

}  // namespace vedette::test
