// The samples of a series on disk, through the cache of samples.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "storage/rocks/chunk_reader.h"
#include "storage/rocks/sample_cache.h"
#include "storage/rocks/sample_changes.h"

namespace vedette::storage {

/// A querier owns one; any thread reads.
class CachedChunks {
 public:
  /// `as_of`: SampleChanges::Now() from before the snapshot. All references outlive this.
  CachedChunks(const ChunkReader& chunks, const TombstoneSet& deleted, std::span<const std::int32_t> days,
               SampleCache& cache, const SampleChanges& changes, std::uint64_t as_of)
      : chunks_(chunks), deleted_(deleted), days_(days), cache_(cache), changes_(changes), as_of_(as_of) {}
  ~CachedChunks() { cache_.Count(hits_, misses_); }
  CachedChunks(const CachedChunks&) = delete;
  CachedChunks& operator=(const CachedChunks&) = delete;

  /// As ChunkReader::Read(), for the days there are. `memo`: the thread's. True: it appended in order, each time once.
  Result<bool> Read(SeriesId series, TimeRange range, SampleCache::Memo& memo, Columns& out,
                    HistogramColumns* histograms) const;

 private:
  /// Four hours that must be read.
  struct Missing {
    std::int64_t block = 0;
    bool keep = false;
  };
  /// Appends what is kept; the rest goes to `missing`.
  void ReadKept(SeriesId series, TimeRange range, SampleCache::Memo& memo, Columns& out,
                std::vector<Missing>& missing) const;
  bool IsCurrent(const SampleCache::Block& block, std::int64_t number, SeriesId series) const;
  Status ReadMissing(SeriesId series, TimeRange range, std::span<const Missing> blocks, Columns& out,
                     HistogramColumns* histograms) const;
  Status ReadAndKeep(SeriesId series, TimeRange range, std::span<const Missing> blocks, SampleCache::Memo& memo,
                     Columns& out, HistogramColumns* histograms) const;
  void Keep(SeriesId series, std::int64_t number, std::span<const std::int64_t> times, std::span<const double> values,
            bool too_much, SampleCache::Memo& memo) const;

  const ChunkReader& chunks_;
  const TombstoneSet& deleted_;
  const std::span<const std::int32_t> days_;
  SampleCache& cache_;
  const SampleChanges& changes_;
  const std::uint64_t as_of_;
  mutable std::atomic<std::uint64_t> hits_ = 0, misses_ = 0;
  mutable std::atomic<std::size_t> used_ = 0;  // bytes of the cache
};

}  // namespace vedette::storage
