// From the raw label bytes of a pushed series to its SeriesId, so that repeated series cost no label parse.
//
// Two generations bound it: when the young one is half of the limit, it becomes the old one, and the old one goes. Keys
// are 128-bit hashes with a seed of this process, so that a sender cannot make two label sets collide. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>

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
  struct HashKey {
    std::size_t operator()(const Key& key) const noexcept { return key.low; }
  };
  using Map = std::unordered_map<Key, storage::SeriesId, HashKey>;
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
