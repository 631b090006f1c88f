#include "storage/rocks/index_cache.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// What list, table and shared pointer take beside the text.
constexpr std::size_t kEntryOverhead = 160;
/// A set of ten labels with its places; larger sets than the second are not worth their room.
constexpr std::size_t kUsualLabelsBytes = 384, kMostLabelsBytes = 1536;

std::size_t BytesOf(const Labels& labels) {
  std::size_t bytes = 64;
  for (const LabelView label : labels) bytes += 12 + label.name.size() + label.value.size();
  return bytes;
}

}  // namespace

IndexCache::IndexCache(std::size_t max_bytes, StorageMetrics& metrics)
    : max_bytes_(max_bytes / 2), metrics_(metrics), places_(max_bytes / 2 / (2 * kUsualLabelsBytes) + 1) {}

std::string IndexCache::Key(std::int32_t day, std::uint64_t version, Kind kind, std::string_view text) {
  std::string out;
  PutBigEndian(out, static_cast<std::uint32_t>(day));
  PutBigEndian(out, version);
  out.push_back(static_cast<char>(kind));
  return out.append(text);
}

std::shared_ptr<const IndexCache::Entry> IndexCache::Find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    metrics_.index_cache_misses.Increment();
    return nullptr;
  }
  metrics_.index_cache_hits.Increment();
  items_.splice(items_.begin(), items_, found->second);
  return found->second->entry;
}

void IndexCache::Put(std::string key, std::shared_ptr<const Entry> entry) {
  std::size_t bytes = kEntryOverhead + key.size() + entry->postings.capacity();
  for (const std::string& text : entry->texts) bytes += sizeof(text) + text.capacity();
  if (bytes > MaxEntryBytes()) return;
  std::list<Item> dropped;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  if (const auto old = by_key_.find(key); old != by_key_.end()) {
    const auto item = old->second;
    bytes_ -= item->bytes;
    by_key_.erase(old);
    dropped.splice(dropped.begin(), items_, item);
  }
  items_.push_front({std::move(key), std::move(entry), bytes});
  by_key_.emplace(items_.front().key, items_.begin());
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= items_.back().bytes;
    by_key_.erase(items_.back().key);
    dropped.splice(dropped.begin(), items_, std::prev(items_.end()));
  }
  metrics_.index_cache_bytes.Set(static_cast<double>(bytes_));
}

Labels IndexCache::FindLabels(SeriesId id) const {
  const std::size_t at = static_cast<std::uint64_t>(id) % places_.size();
  const std::lock_guard lock(stripes_[at % kStripes]);
  const Place& place = places_[at];
  for (std::size_t i = 0; i < place.ids.size(); ++i) {
    if (place.ids[i] == id) return place.labels[i];
  }
  return {};
}

void IndexCache::PutLabels(SeriesId id, const Labels& labels) {
  if (BytesOf(labels) > kMostLabelsBytes) return;
  const std::size_t at = static_cast<std::uint64_t>(id) % places_.size();
  const std::lock_guard lock(stripes_[at % kStripes]);
  Place& place = places_[at];
  if (place.ids[0] == id) return;
  place.ids[1] = place.ids[0];
  place.labels[1] = std::move(place.labels[0]);
  place.ids[0] = id;
  place.labels[0] = labels;
}

}  // namespace vedette::storage
