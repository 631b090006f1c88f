// Writes the workload's commits into a store, as a collector would: with cached ids for what it knows.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "storage/storage.h"
#include "tests/support/fake_clock.h"
#include "tests/torture/workload.h"

namespace vedette::test {

class CommitWriter {
 public:
  CommitWriter(storage::Storage& store, const Workload& workload, FakeClock& clock)
      : store_(store), workload_(workload), clock_(clock) {}

  /// Errors: the store's; kInternal when the outcome counts other samples than were given.
  Status Write(std::uint64_t n);

 private:
  struct Known {
    storage::SeriesId id = storage::SeriesId::kNone;
    std::uint64_t used = 0;  // by this commit
  };
  Result<storage::SeriesId> IdOf(storage::Appender& appender, const Labels& labels, std::uint64_t n);

  storage::Storage& store_;
  const Workload& workload_;
  FakeClock& clock_;
  std::unordered_map<Labels, Known> known_;
};

}  // namespace vedette::test
