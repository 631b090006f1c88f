// Samples that queries read from disk and will want again, decoded: a dashboard reads the same hours of the same series
// every few seconds, and finding and decoding their chunks takes most of a small query's time.
//
// A block holds all samples that one series has on disk within four hours of a day. Blocks of neighbouring series are
// kept together, on a page: whoever reads series in the order of their numbers looks a page up once, and one column of
// times serves all series of a target, so that a sample takes eight bytes. A block is kept from the second time on that
// somebody reads it: what is read once, as by a report over everything, drives nothing out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "storage/rocks/metrics.h"
#include "storage/storage.h"

namespace vedette::storage {

/// Thread-safe.
class SampleCache {
 public:
  static constexpr std::int64_t kBlockMs = std::int64_t{4} * 3600 * 1000;
  static constexpr int kBlocksPerDay = 6;

  struct Block {
    std::shared_ptr<const Column<std::int64_t>> times;  // as many as values; null: none
    Column<double> values;
    std::uint64_t as_of = 0;  // SampleChanges::Now() before the snapshot it was read from; 0: nothing is known
    bool too_much = false;    // nothing is kept: more than its share, or histograms
  };

  /// The blocks of neighbours. To be read with its mutex held.
  class Page {
   public:
    std::mutex& mutex() { return mutex_; }
    Block& At(SeriesId series) { return blocks_[Raw(series) % kNeighbours]; }
    bool IsOf(SeriesId series, std::int64_t block) const {
      return number_ == Raw(series) / kNeighbours && block_ == block;
    }

   private:
    friend class SampleCache;
    static constexpr std::size_t kNeighbours = 16;
    std::uint64_t number_ = 0;
    std::int64_t block_ = 0;
    std::mutex mutex_;
    std::array<Block, kNeighbours> blocks_;
    // Under the shard's mutex.
    std::ptrdiff_t bytes_ = 0;
    bool used_ = false;  // since the hand passed
  };

  /// The pages that one reader looked up last, also in vain: neighbours are on the same ones.
  class Memo {
   public:
    struct Place {
      std::uint64_t number = 0;
      std::int64_t block = INT64_MIN;
      std::shared_ptr<Page> page;
    };
    Place& Of(std::int64_t block) { return places_[static_cast<std::uint64_t>(block) % places_.size()]; }

   private:
    std::array<Place, 16> places_;
  };

  /// 0 bytes: keeps nothing.
  SampleCache(std::size_t max_bytes, StorageMetrics& metrics);

  bool enabled() const { return max_bytes_ != 0; }
  std::size_t max_bytes() const { return max_bytes_ * kShards; }
  /// What a block of so many samples takes, but for its times.
  static std::size_t BytesOf(std::size_t samples) { return kBlockOverhead + samples * sizeof(double); }

  /// The page with the series' block, number of the four hours since 1970; null: there is none. The caller asks
  /// SampleChanges whether what is on it still holds.
  std::shared_ptr<Page> Find(SeriesId series, std::int64_t block);
  Page* Find(SeriesId series, std::int64_t block, Memo& memo);
  /// Somebody reads the block; true: somebody did before, and it is worth keeping.
  bool Wanted(SeriesId series, std::int64_t block);
  /// Keeps it, unless there is a newer one; of what is too much only that it is.
  void Put(SeriesId series, std::int64_t block, std::span<const std::int64_t> times, std::span<const double> values,
           bool too_much, std::uint64_t as_of);
  /// For the metrics.
  void Count(std::uint64_t hits, std::uint64_t misses);

 private:
  struct Key {
    std::uint64_t number = 0;  // of the page among those of its time
    std::int64_t block = 0;
    bool operator==(const Key&) const = default;
    std::uint64_t Hash() const;
  };
  static Key KeyOf(SeriesId series, std::int64_t block) { return {Raw(series) / Page::kNeighbours, block}; }
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.Hash(); }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<Key, std::shared_ptr<Page>, KeyHash> pages;
    std::vector<Key> ring;  // of the pages' keys; the hand goes round and drops what was not used
    std::size_t hand = 0;
    std::ptrdiff_t bytes = 0;  // charges may come late, so that a sum is below nothing for a moment
  };
  struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
  };
  static constexpr std::size_t kShards = 8;
  static constexpr std::size_t kBlockOverhead = sizeof(Block) + 16;
  /// Table, ring and what is said about the page.
  static constexpr std::size_t kPageOverhead = 192;
  static constexpr std::size_t kMarks = std::size_t{1} << 18;

  Shard& ShardOf(const Key& key) { return shards_[key.Hash() % kShards]; }
  /// Makes it when it is not there.
  std::shared_ptr<Page> PageFor(const Key& key);
  void Charge(const Key& key, const Page& page, std::ptrdiff_t bytes);
  void MakeRoom(Shard& shard);

  const std::size_t max_bytes_;  // of a shard
  StorageMetrics& metrics_;
  std::array<Shard, kShards> shards_;
  /// Of what was asked for: a part of its hash. Pages that nobody touched take no memory.
  std::unique_ptr<std::uint32_t[], FreeMemory> marks_;
};

}  // namespace vedette::storage
