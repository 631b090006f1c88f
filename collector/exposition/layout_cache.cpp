#include "collector/exposition/layout_cache.h"

#include <xxhash.h>

#include <bit>
#include <span>

namespace vedette::collector {
namespace {

template <class T>
std::uint64_t HashArray(std::span<const T> numbers, std::uint64_t seed) {
  return XXH3_64bits_withSeed(numbers.data(), numbers.size_bytes(), seed);
}

std::uint64_t HashLayout(const HistogramLayout& layout) {
  std::uint64_t hash = std::bit_cast<std::uint64_t>(layout.zero_threshold) + static_cast<std::uint64_t>(layout.schema);
  hash = HashArray(std::span<const std::int32_t>(layout.positive), hash);
  hash = HashArray(std::span<const std::int32_t>(layout.negative), hash);
  return HashArray(std::span<const double>(layout.bounds), hash);
}

}  // namespace

std::shared_ptr<const HistogramLayout> LayoutCache::Share(const HistogramLayout& layout) {
  const std::uint64_t hash = HashLayout(layout);
  const auto [first, last] = entries_.equal_range(hash);
  for (auto entry = first; entry != last; ++entry) {
    if (*entry->second.layout != layout) continue;
    entry->second.used = true;
    return entry->second.layout;
  }
  return entries_.emplace(hash, Entry{std::make_shared<const HistogramLayout>(layout)})->second.layout;
}

HistogramLayout& LayoutCache::Blank() {
  blank_.schema = 0;
  blank_.zero_threshold = 0;
  blank_.bounds.clear();
  blank_.positive.clear();
  blank_.negative.clear();
  return blank_;
}

void LayoutCache::DropUnused() {
  std::erase_if(entries_, [](const auto& entry) { return !entry.second.used; });
  for (auto& [hash, entry] : entries_) entry.used = entry.added = false;
}

void LayoutCache::DropAdded() {
  std::erase_if(entries_, [](const auto& entry) { return entry.second.added; });
}

}  // namespace vedette::collector
