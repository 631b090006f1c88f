// From the raw label bytes of a pushed series to its SeriesId, so that repeated series cost no label parse.
//
// Two generations bound it: when the young one is half of the limit, it becomes the old one, and the old one goes. Keys
// are 128-bit hashes with a seed of this process, so that a sender cannot make two label sets collide. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "storage/storage.h"

namespace vedette::collector {

class SeriesCache {
 public:
  explicit SeriesCache(std::size_t max_entries);

  struct Key {
    std::uint64_t high = 0, low = 0;
    bool operator==(const Key&) const = default;
  };
  Key KeyOf(std::string_view label_bytes) const;

  /// kNone when it is not known.
  storage::SeriesId Find(const Key& key);
  void Add(const Key& key, storage::SeriesId series);
  void Clear();

 private:
  /// Open addressing, 24 bytes per place: entries are only added, or all dropped.
  class Map {
   public:
    std::size_t size() const { return size_; }
    /// kNone when it is not there.
    storage::SeriesId Find(const Key& key) const;
    void Set(const Key& key, storage::SeriesId series);

   private:
    struct Entry {
      Key key;
      storage::SeriesId series = storage::SeriesId::kNone;  // kNone: free
    };
    std::size_t PlaceOf(const Key& key) const;
    void Grow();
    std::vector<Entry> entries_;
    std::size_t size_ = 0;
  };
  struct Shard {
    std::mutex mutex;
    Map young, old;  // GUARDED_BY(mutex)
  };
  static constexpr std::size_t kShards = 16;

  Shard& ShardOf(const Key& key) { return shards_[key.high % kShards]; }
  void Insert(Shard& shard, const Key& key, storage::SeriesId series) const;

  const std::uint64_t seed_;
  const std::size_t max_young_;  // per shard
  std::array<Shard, kShards> shards_;
};

}  // namespace vedette::collector
