// The unsealed native histograms of one series: a stream in time order, each coded against the one before, and beside
// it those that came late.
//
// Samples carry the number of the commit that brought them, so that a reader sees whole commits only. Not thread-safe;
// a shard lock guards it. See open_data.h for the floats.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/storage.h"

namespace vedette::storage {

struct LateHistogram {
  TimeMs time;
  Histogram histogram;
  std::uint64_t commit = 0;
};

/// What a reader takes away under the lock, to be decoded outside of it.
struct OpenHistogramCopy {
  std::string bytes;
  std::vector<std::int64_t> times;
  std::vector<LateHistogram> late;

  /// Appends the samples: not sorted when there are late ones.
  void Decode(HistogramColumns& out) const;
};

class OpenHistograms {
 public:
  enum class Added : std::uint8_t { kStored, kDuplicate, kConflict };

  Added Add(TimeMs time, const Histogram& histogram, std::uint64_t commit);

  std::size_t in_order() const { return samples_.size(); }
  std::size_t late() const { return late_.size(); }
  std::size_t size() const { return in_order() + late(); }
  std::size_t bytes() const { return bytes_.size() + samples_.size() * sizeof(Entry); }
  /// Of all samples; only when there is one.
  TimeRange range() const { return range_; }
  /// Journal records from this commit on are needed to restore these samples.
  std::uint64_t first_commit() const { return first_commit_; }

  /// Samples of commits up to `commit`.
  OpenHistogramCopy Copy(std::uint64_t commit) const;

 private:
  struct Entry {
    std::int64_t time = 0;
    std::uint64_t commit = 0;
    std::size_t end = 0;  // in bytes_
  };
  Added AddLate(TimeMs time, const Histogram& histogram, std::uint64_t commit);

  std::string bytes_;
  std::vector<Entry> samples_;       // commits ascend as times do
  Histogram last_;                   // of samples_
  std::vector<LateHistogram> late_;  // in the order in which they came
  TimeRange range_{TimeMs::Max(), TimeMs::Min()};
  std::uint64_t first_commit_ = UINT64_MAX;
};

}  // namespace vedette::storage
