#include "collector/push/series_cache.h"

#include <xxhash.h>

#include <algorithm>
#include <random>

namespace vedette::collector {

SeriesCache::SeriesCache(std::size_t max_entries)
    : seed_((std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()),
      max_young_(std::max<std::size_t>(1, max_entries / kShards / 2)) {}

SeriesCache::Key SeriesCache::KeyOf(std::string_view label_bytes) const {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(label_bytes.data(), label_bytes.size(), seed_);
  return {hash.high64, hash.low64};
}

storage::SeriesId SeriesCache::Find(const Key& key) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  if (const auto it = shard.young.find(key); it != shard.young.end()) return it->second;
  const auto it = shard.old.find(key);
  if (it == shard.old.end()) return storage::SeriesId::kNone;
  const storage::SeriesId series = it->second;
  Insert(shard, key, series);
  return series;
}

void SeriesCache::Add(const Key& key, storage::SeriesId series) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  Insert(shard, key, series);
}

void SeriesCache::Insert(Shard& shard, const Key& key, storage::SeriesId series) const {
  if (shard.young.size() >= max_young_) {
    shard.old = std::move(shard.young);
    shard.young = {};
  }
  shard.young.insert_or_assign(key, series);
}

void SeriesCache::Clear() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    shard.young = {};
    shard.old = {};
  }
}

}  // namespace vedette::collector
