#include "collector/push/series_cache.h"

#include <xxhash.h>

#include <algorithm>
#include <random>
#include <utility>

namespace vedette::collector {

/// Where the key is, or the free place where it belongs. Not of an empty table.
std::size_t SeriesCache::Map::PlaceOf(const Key& key) const {
  // The high bits of a hash choose the place, so that the table may have any size.
  auto at = static_cast<std::size_t>(((key.low >> 32) * entries_.size()) >> 32);
  while (entries_[at].series != storage::SeriesId::kNone && entries_[at].key != key) {
    if (++at == entries_.size()) at = 0;
  }
  return at;
}

storage::SeriesId SeriesCache::Map::Find(const Key& key) const {
  return size_ == 0 ? storage::SeriesId::kNone : entries_[PlaceOf(key)].series;
}

void SeriesCache::Map::Set(const Key& key, storage::SeriesId series) {
  if (series == storage::SeriesId::kNone) return;
  if (size_ + size_ / 4 + 1 >= entries_.size()) Grow();
  Entry& entry = entries_[PlaceOf(key)];
  if (entry.series == storage::SeriesId::kNone) ++size_;
  entry = {key, series};
}

void SeriesCache::Map::Grow() {
  const std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(16 + entries_.size() * 3 / 2));
  for (const Entry& entry : old) {
    if (entry.series != storage::SeriesId::kNone) entries_[PlaceOf(entry.key)] = entry;
  }
}

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
  if (const storage::SeriesId young = shard.young.Find(key); young != storage::SeriesId::kNone) return young;
  const storage::SeriesId old = shard.old.Find(key);
  if (old != storage::SeriesId::kNone) Insert(shard, key, old);
  return old;
}

void SeriesCache::Add(const Key& key, storage::SeriesId series) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  Insert(shard, key, series);
}

void SeriesCache::Insert(Shard& shard, const Key& key, storage::SeriesId series) const {
  if (shard.young.size() >= max_young_) {
    shard.old = std::move(shard.young);
    shard.young = Map();
  }
  shard.young.Set(key, series);
}

void SeriesCache::Clear() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    shard.young = Map();
    shard.old = Map();
  }
}

}  // namespace vedette::collector
