// What queries took out of the index and the next query will want again: the sets that regular expressions matched,
// rows of single labels, the names and values of a day, the order by labels of what was selected, and the labels of
// series that are no longer in memory.
//
// Bounded by StorageOptions::index_cache_bytes: one half for the sets and lists, least recently used first out, the
// other for labels. An order is that of certain ids, whose labels never change; the other entries carry the version of
// the day they were found in (day_versions.h). So nothing is ever invalidated: what is out of date is not asked for
// again and falls out. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/rocks/metrics.h"
#include "storage/storage.h"

namespace vedette::storage {

class IndexCache {
 public:
  IndexCache(std::size_t max_bytes, StorageMetrics& metrics);

  /// Stored postings, or a list of texts, or (kOrder) places as 32-bit numbers.
  struct Entry {
    std::string postings;
    std::vector<std::string> texts;
    std::uint64_t version = 0;  // the owner's
  };
  enum class Kind : char { kRow = 'r', kMatcher = 'm', kNames = 'n', kValues = 'v', kOrder = 'o' };
  static std::string Key(std::int32_t day, std::uint64_t version, Kind kind, std::string_view text);

  std::shared_ptr<const Entry> Find(const std::string& key);
  /// Replaces what has the key. An entry larger than an eighth of its half is not kept.
  void Put(std::string key, std::shared_ptr<const Entry> entry);
  std::size_t MaxEntryBytes() const { return max_bytes_ / 8; }

  /// Empty: not there. The labels of an id never change.
  Labels FindLabels(SeriesId id) const;
  void PutLabels(SeriesId id, const Labels& labels);

 private:
  struct Item {
    std::string key;
    std::shared_ptr<const Entry> entry;
    std::size_t bytes = 0;
  };
  /// Neighbours go to neighbouring places: two per place, the older goes.
  struct Place {
    std::array<SeriesId, 2> ids{};
    std::array<Labels, 2> labels;
  };
  static constexpr std::size_t kStripes = 64;

  const std::size_t max_bytes_;
  StorageMetrics& metrics_;
  std::mutex mutex_;
  std::list<Item> items_;  // the most recently used first
  std::unordered_map<std::string_view, std::list<Item>::iterator> by_key_;
  std::size_t bytes_ = 0;

  mutable std::array<std::mutex, kStripes> stripes_;
  std::vector<Place> places_;  // filled as they are needed, never more than its size
};

}  // namespace vedette::storage
