// Sequences of what can be done to a store, against a plain model: made by chance, run, and made small when they fail.
//
// Every part of a sequence is a sequence, so a failing one is shrunk by leaving steps out and making their numbers
// plainer until nothing can go; what is left is printed as a test to be pasted. The store lives on the faulty file
// system in memory, every commit is synced, and its buffers are tiny.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"

namespace vedette::test {

enum class Do : std::uint8_t {
  kAppend,    // `count` samples of `series` from `time` on, 15 s apart, into the open batch
  kRow,       // `count` rows of all series of target `series`, likewise
  kCommit,    // the open batch
  kDrop,      // the open batch, without committing
  kImport,    // as kAppend, past the journal, at once
  kDelete,    // what `series` numbers a matcher for, from `time` on, `count` * 15 s; 0: everything
  kClean,     // tombstones
  kMaintain,  // a round of maintenance: seals, spills, re-packs, evicts, drops
  kFlush,
  kSnapshot,  // take one, open it, compare
  kAdvance,   // the clock, by `count` minutes
  kObserve,   // a querier that goes on seeing what is there now
  kQuery,     // by matcher `series`, from `time` on, `count` * 15 s; 0: everything
  kReopen,    // a clean stop and a start
  kKill,      // the process dies, the files stay as they are
  kPower,     // the power goes: what was not synced is at the mercy of chance
};

/// `time` is in ms from a fixed moment not long before midnight.
struct Step {
  Do what = Do::kQuery;
  int series = 0;
  std::int64_t time = 0;
  int count = 1;
  double value = 1;
};

struct SequenceSetup {
  int retention_hours = 0;   // 0: everything is kept
  bool long_blocks = false;  // rows stay in memory for longer
};

constexpr int kSequenceSeries = 12, kSequenceTargets = 3, kSequenceMatchers = 8;

std::vector<Step> RandomSteps(std::uint64_t seed, std::size_t count);
SequenceSetup RandomSetup(std::uint64_t seed);

/// Runs the steps on a new store, ends with a look at everything before and after a restart, and verifies what is on
/// the disk. Errors: kInternal, naming the step and what is wrong.
Status RunSteps(const SequenceSetup& setup, std::span<const Step> steps);

/// The smallest sequence found that still `fails`, by at most `tries` trials.
std::vector<Step> Shrink(std::vector<Step> steps, const std::function<bool(std::span<const Step>)>& fails, int tries);

/// A test case to be pasted into tests/unit/storage/property_test.cpp.
std::string PrintAsTest(const SequenceSetup& setup, std::span<const Step> steps, std::uint64_t seed);

}  // namespace vedette::test
