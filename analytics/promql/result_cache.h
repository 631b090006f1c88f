// Results of range queries, kept for those that ask the same a little later (cached_run.h). Bounded in bytes; what was
// not asked for longest goes first. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "analytics/promql/engine.h"
#include "analytics/promql/eval_value.h"

namespace prometheus {
class Counter;
class Gauge;
class Registry;
}  // namespace prometheus

namespace vedette::promql {

/// What came out at some steps.
struct KeptResult {
  Steps steps;
  std::uint64_t version = 0;         // of the store's storage::ChangeLog, from before its data was read
  std::vector<ResultSeries> series;  // sorted by labels; no histograms
  /// Those of the steps, and perhaps some of steps before them.
  Annotations notes;
};

class ResultCache {
 public:
  ResultCache(std::size_t max_bytes, prometheus::Registry& registry);

  /// Null: there is none.
  std::shared_ptr<const KeptResult> Find(std::string_view key);
  /// Takes the place of what is there. A result that would take more than a quarter of the room is not kept.
  void Keep(std::string_view key, KeptResult result);
  void Drop(std::string_view key);

  /// Counts what became of a query.
  void Count(const CacheUse& use);

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const KeptResult> result;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the latest first
  /// Into `gone`. The mutex is held, as for the next.
  void Remove(Entries::iterator entry, Entries& gone);
  void Show() const;

  const std::size_t max_bytes_;
  std::mutex mutex_;
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
  std::size_t bytes_ = 0;

  prometheus::Registry& registry_;
  prometheus::Gauge& shown_bytes_;
  prometheus::Gauge& shown_entries_;
  prometheus::Counter& evicted_;
  prometheus::Counter& too_large_;
  prometheus::Counter& steps_;
  prometheus::Counter& kept_steps_;
};

}  // namespace vedette::promql
