#include "storage/rocks/sample_cache.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

namespace vedette::storage {
namespace {

/// Of a shard: larger blocks are not kept.
constexpr std::size_t kLargestShare = 32;

std::uint64_t Mix(std::uint64_t number, std::int64_t block) {
  const std::uint64_t mixed = (number + static_cast<std::uint64_t>(block) * 0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93;
  return mixed ^ (mixed >> 32);
}

}  // namespace

std::uint64_t SampleCache::Key::Hash() const { return Mix(number, block); }

SampleCache::SampleCache(std::size_t max_bytes, StorageMetrics& metrics)
    : max_bytes_(max_bytes / kShards),
      metrics_(metrics),
      marks_(static_cast<std::uint32_t*>(std::calloc(enabled() ? kMarks : 1, sizeof(std::uint32_t)))) {
  if (marks_ == nullptr) throw std::bad_alloc();
}

std::shared_ptr<SampleCache::Page> SampleCache::Find(SeriesId series, std::int64_t block) {
  const Key key = KeyOf(series, block);
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.pages.find(key);
  if (found == shard.pages.end()) return nullptr;
  found->second->used_ = true;
  return found->second;
}

SampleCache::Page* SampleCache::Find(SeriesId series, std::int64_t block, Memo& memo) {
  Memo::Place& place = memo.Of(block);
  const Key key = KeyOf(series, block);
  if (place.number != key.number || place.block != block) place = {key.number, block, Find(series, block)};
  return place.page.get();
}

void SampleCache::Count(std::uint64_t hits, std::uint64_t misses) {
  metrics_.sample_cache_hits.Increment(static_cast<double>(hits));
  metrics_.sample_cache_misses.Increment(static_cast<double>(misses));
}

bool SampleCache::Wanted(SeriesId series, std::int64_t block) {
  if (!enabled()) return false;
  const std::uint64_t hash = Mix(Raw(series), block);
  const auto mark = static_cast<std::uint32_t>(hash >> 32) | 1;
  std::atomic_ref place(marks_[hash % kMarks]);
  if (place.load(std::memory_order_relaxed) == mark) return true;
  place.store(mark, std::memory_order_relaxed);
  return false;
}

void SampleCache::Put(SeriesId series, std::int64_t block, std::span<const std::int64_t> times,
                      std::span<const double> values, bool too_much, std::uint64_t as_of) {
  Block made;
  made.as_of = as_of;
  made.too_much = too_much || BytesOf(values.size()) + times.size_bytes() > max_bytes_ / kLargestShare;
  if (!made.too_much) made.values.assign(values.begin(), values.end());
  const Key key = KeyOf(series, block);
  const std::shared_ptr<Page> page = PageFor(key);
  auto bytes = static_cast<std::ptrdiff_t>(made.values.size() * sizeof(double));
  {
    const std::lock_guard lock(page->mutex());
    Block& kept = page->At(series);
    if (kept.as_of >= as_of) return;
    if (!made.values.empty()) {
      // Those of a neighbour where they are the same.
      const auto same = std::ranges::find_if(page->blocks_, [&](const Block& other) {
        return other.times != nullptr && std::ranges::equal(*other.times, times);
      });
      if (same != page->blocks_.end()) {
        made.times = same->times;
      } else {
        made.times = std::make_shared<const Column<std::int64_t>>(times.begin(), times.end());
        bytes += static_cast<std::ptrdiff_t>(times.size_bytes());
      }
    }
    bytes -= static_cast<std::ptrdiff_t>(kept.values.size() * sizeof(double));
    std::swap(kept, made);
    if (made.times.use_count() == 1) bytes -= static_cast<std::ptrdiff_t>(made.times->size() * sizeof(std::int64_t));
  }
  Charge(key, *page, bytes);
}

std::shared_ptr<SampleCache::Page> SampleCache::PageFor(const Key& key) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  if (const auto known = shard.pages.find(key); known != shard.pages.end()) return known->second;
  const auto page = std::make_shared<Page>();
  page->number_ = key.number;
  page->block_ = key.block;
  page->bytes_ = kPageOverhead + Page::kNeighbours * kBlockOverhead;
  shard.ring.push_back(key);
  try {
    shard.pages.emplace(key, page);
  } catch (...) {
    shard.ring.pop_back();
    throw;
  }
  shard.bytes += page->bytes_;
  metrics_.sample_cache_bytes.Increment(static_cast<double>(page->bytes_));
  return page;
}

void SampleCache::Charge(const Key& key, const Page& page, std::ptrdiff_t bytes) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.pages.find(key);
  if (at == shard.pages.end() || at->second.get() != &page) return;  // it was dropped meanwhile
  at->second->bytes_ += bytes;
  shard.bytes += bytes;
  metrics_.sample_cache_bytes.Increment(static_cast<double>(bytes));
  MakeRoom(shard);
}

void SampleCache::MakeRoom(Shard& shard) {
  while (shard.bytes > static_cast<std::ptrdiff_t>(max_bytes_) && !shard.ring.empty()) {
    if (shard.hand >= shard.ring.size()) shard.hand = 0;
    const auto at = shard.pages.find(shard.ring[shard.hand]);
    if (std::exchange(at->second->used_, false)) {
      ++shard.hand;
      continue;
    }
    shard.bytes -= at->second->bytes_;
    metrics_.sample_cache_bytes.Decrement(static_cast<double>(at->second->bytes_));
    shard.pages.erase(at);
    shard.ring[shard.hand] = shard.ring.back();
    shard.ring.pop_back();
  }
}

}  // namespace vedette::storage
