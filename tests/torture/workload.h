// What the torture does: act number n of a seed is always the same at the same time, in every process.
//
// So a store is described by the numbers of the acts that happened to it. Most are commits. Each carries a witness
// sample whose value is its number: a reader learns from the witnesses which commits survived, and then knows every
// sample that has to be there. Batches are steady rows of three targets with series that come and go, partial rows,
// late samples up to days back, repeats with the same and with other values, one-off series, and now and then a wide
// row with long labels. Some series have native histograms, and each witness sample an exemplar. In a mixed workload
// some acts delete (never witnesses), import, or take a snapshot.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/histogram.h"
#include "core/labels.h"
#include "core/matcher.h"
#include "core/time.h"

namespace vedette::test {

struct PlannedSample {
  Labels labels;
  std::int64_t time = 0;
  double value = 0;
};

/// Whether a series has native histograms: then a planned value stands for HistogramOf(value), and of two the larger
/// value is the histogram that stays.
bool HasHistograms(const Labels& labels);
Histogram HistogramOf(double value);

enum class Act : std::uint8_t { kCommit, kDelete, kImport, kSnapshot };

struct PlannedDelete {
  Matcher matcher;
  TimeRange range;
};

class Workload {
 public:
  /// `retention` zero: the store keeps everything. `mixed`: not only commits.
  Workload(std::uint64_t seed, Millis retention, bool mixed = false)
      : seed_(seed), retention_(retention), mixed_(mixed) {}

  Millis retention() const { return retention_; }
  Act ActOf(std::uint64_t n) const;
  /// What the clock shows while commit n is made. Strictly ascending: a second per commit, hours now and then.
  static TimeMs TimeOf(std::uint64_t n);
  /// The samples of commit n, its witness last, without those that the store refuses as too old.
  std::vector<PlannedSample> CommitAt(std::uint64_t n, std::size_t* too_old = nullptr) const;
  PlannedDelete DeleteAt(std::uint64_t n) const;
  /// The samples of import n by series, likewise without those that are too old.
  std::map<Labels, std::map<std::int64_t, double>> ImportAt(std::uint64_t n) const;

  static Labels WitnessOf(std::uint64_t n);
  static constexpr std::uint64_t kWitnesses = 3;

 private:
  std::vector<PlannedSample> ContentOf(std::uint64_t n) const;

  const std::uint64_t seed_;
  const Millis retention_;
  const bool mixed_;
};

/// What a store has to hold: the result of its acts.
class Expected {
 public:
  using Samples = std::map<std::int64_t, double>;

  explicit Expected(const Workload& workload) : workload_(workload) {}
  /// Acts are added in their order.
  void Add(std::uint64_t act);
  /// What half an act left is taken for what has to be there.
  void Adopt(const Labels& series, Samples samples) { series_[series] = std::move(samples); }
  bool Has(std::uint64_t commit) const { return commits_.contains(commit); }
  const std::set<std::uint64_t>& commits() const { return commits_; }
  const std::map<Labels, Samples>& series() const { return series_; }

 private:
  const Workload& workload_;
  std::set<std::uint64_t> commits_;
  std::map<Labels, Samples> series_;
};

}  // namespace vedette::test
