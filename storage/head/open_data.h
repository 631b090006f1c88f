// The unsealed samples of one series: an open chunk in time order, and beside it those that came late.
//
// Samples carry the number of the commit that brought them, so that a reader sees whole commits only. For the samples
// in order the numbers are not stored one by one: what a reader needs to know is how many samples there were before
// each commit it must not see, and usually that is only the last commit. Not thread-safe; a shard lock guards it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/chunk/open_chunk.h"

namespace vedette::storage {

struct LateSample {
  TimeMs time;
  double value = 0;
  std::uint64_t commit = 0;
};

/// What a reader takes away under the lock, to be decoded outside of it.
struct OpenCopy {
  std::string bytes;
  std::size_t count = 0;
  std::vector<LateSample> late;

  /// Appends the samples: not sorted when there are late ones.
  void Decode(Columns& out) const;
};

class OpenData {
 public:
  enum class Added : std::uint8_t { kStored, kDuplicate, kConflict };

  /// `oldest_reader`: the earliest commit that some reader may have as its last one.
  Added Add(TimeMs time, double value, std::uint64_t commit, std::uint64_t oldest_reader);

  bool empty() const { return chunk_.empty() && !late_; }
  std::size_t in_order() const { return chunk_.count(); }
  std::size_t late() const { return late_ ? late_->size() : 0; }
  std::size_t size() const { return in_order() + late(); }
  /// Of all samples; only when there is one.
  TimeRange range() const;
  /// Journal records from this commit on are needed to restore these samples.
  std::uint64_t first_commit() const { return first_commit_; }
  void set_first_commit(std::uint64_t commit) { first_commit_ = commit; }

  /// Samples of commits up to `commit`.
  OpenCopy Copy(std::uint64_t commit) const;
  /// Appends the samples of commits up to `commit`: not sorted when there are late ones.
  void Read(std::uint64_t commit, Columns& out) const;

 private:
  struct Version {
    std::uint64_t commit = 0;
    std::uint32_t count_before = 0;  // samples in order when the commit came
  };
  std::size_t Visible(std::uint64_t commit) const;
  void NoteCommit(std::uint64_t commit, std::uint64_t oldest_reader);
  Added AddLate(TimeMs time, double value, std::uint64_t commit);
  /// The resolved value at `time`; false when there is none.
  bool Find(TimeMs time, double& value) const;

  OpenChunk chunk_;
  std::unique_ptr<std::vector<LateSample>> late_;  // by time, then arrival
  std::uint64_t first_commit_ = 0;
  Version last_;
  std::unique_ptr<std::vector<Version>> older_;  // ascending; only what a reader may still ask for
};

}  // namespace vedette::storage
