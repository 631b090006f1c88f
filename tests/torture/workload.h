// What the torture writes: commit number n of a seed is always the same batch at the same time, in every process.
//
// So a store is described by the numbers of the commits that are in it. Each commit carries a witness sample whose
// value is its number: a reader learns from the witnesses which commits survived, and then knows every sample that has
// to be there. Batches are steady rows of three targets with series that come and go, partial rows, late samples up to
// days back, repeats with the same and with other values, one-off series, and now and then a wide row with long labels.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/labels.h"
#include "core/time.h"

namespace vedette::test {

struct PlannedSample {
  Labels labels;
  std::int64_t time = 0;
  double value = 0;
};

class Workload {
 public:
  /// `retention` zero: the store keeps everything.
  Workload(std::uint64_t seed, Millis retention) : seed_(seed), retention_(retention) {}

  Millis retention() const { return retention_; }
  /// What the clock shows while commit n is made. Strictly ascending: a second per commit, hours now and then.
  static TimeMs TimeOf(std::uint64_t n);
  /// The samples of commit n, its witness last, without those that the store refuses as too old.
  std::vector<PlannedSample> CommitAt(std::uint64_t n, std::size_t* too_old = nullptr) const;

  static Labels WitnessOf(std::uint64_t n);
  static constexpr std::uint64_t kWitnesses = 3;

 private:
  std::vector<PlannedSample> ContentOf(std::uint64_t n) const;

  const std::uint64_t seed_;
  const Millis retention_;
};

/// What a store has to hold: the sum of its commits.
class Expected {
 public:
  using Samples = std::map<std::int64_t, double>;

  explicit Expected(const Workload& workload) : workload_(workload) {}
  void Add(std::uint64_t commit);
  bool Has(std::uint64_t commit) const { return commits_.contains(commit); }
  const std::set<std::uint64_t>& commits() const { return commits_; }
  const std::map<Labels, Samples>& series() const { return series_; }

 private:
  const Workload& workload_;
  std::set<std::uint64_t> commits_;
  std::map<Labels, Samples> series_;
};

}  // namespace vedette::test
