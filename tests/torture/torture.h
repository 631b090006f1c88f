// Torture of the RocksDB store: mixed load, death at any operation, and a look at what is left.
//
// Two ways to die. CrashRounds: in this process, on the faulty file system in memory: a power cut (what was not synced
// is at the mercy of chance) or a kill (what was written stays), at the n-th operation of some kind, during the load or
// during the start after it. KillRounds: a child process on the real file system gets SIGKILL. After each, the store
// must open and hold every commit that was acknowledged (power cut: acknowledged and synced), no half one and nothing
// else.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <prometheus/registry.h>

#include "storage/rocks/rocks_storage.h"
#include "tests/support/fake_clock.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/torture/workload.h"

namespace vedette::test {

struct TortureOptions {
  std::uint64_t seed = 1;
  int rounds = 30;
  /// A line now and then for who watches; may be empty.
  std::function<void(const std::string&)> progress;
  /// Where the files of a failed round are left; empty: nowhere.
  std::string keep_failed_in;
};

struct TortureReport {
  int rounds = 0, stores = 0, power_cuts = 0, kills = 0, clean_stops = 0, deaths_at_start = 0;
  std::uint64_t commits = 0, acknowledged = 0, not_required = 0, survived_unrequired = 0;
  std::array<std::uint64_t, 4> acts{};  // by Act
  std::string ToString() const;
};

/// Options of a tortured store: buffers so small that sealing, spilling and re-packing never end.
storage::StorageOptions SmallStore(const std::string& path, Millis retention, bool sync_each_commit);
storage::RocksTuning SmallTuning(bool maintenance_thread);

/// Errors: what was wrong, with seed and round.
Result<TortureReport> CrashRounds(const TortureOptions& options);

/// `child`: starts a process that calls RunChild with these arguments and the pipe's descriptor; returns its pid.
using StartChild = std::function<int(const std::string& path, std::uint64_t seed, std::uint64_t first, int pipe)>;
Result<TortureReport> KillRounds(const TortureOptions& options, const StartChild& start_child);
/// Commits from number `first` on and reports each acknowledged one through the pipe, until it is killed.
void RunChild(const std::string& path, std::uint64_t seed, std::uint64_t first, int pipe);

}  // namespace vedette::test
