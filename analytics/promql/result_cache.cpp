#include "analytics/promql/result_cache.h"

#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace vedette::promql {
namespace {

/// One result may take the n-th part of the room.
constexpr std::size_t kLargestPart = 4;
/// Of an entry beside its texts and points: its nodes in the list and the map.
constexpr std::size_t kEntryBytes = 256;

std::size_t BytesOf(const Labels& labels) {
  constexpr std::size_t kSet = 32, kLabel = 12;  // what lies beside the text
  std::size_t bytes = kSet;
  for (const LabelView label : labels) bytes += kLabel + label.name.size() + label.value.size();
  return bytes;
}

std::size_t BytesOf(std::string_view key, const KeptResult& result) {
  std::size_t bytes = kEntryBytes + sizeof(KeptResult) + key.size();
  for (const ResultSeries& series : result.series) {
    bytes += sizeof(ResultSeries) + BytesOf(series.labels) + series.points.capacity() * sizeof(Point);
  }
  for (const auto* texts : {&result.notes.warnings, &result.notes.infos}) {
    for (const std::string& text : *texts) bytes += sizeof(std::string) + text.size();
  }
  return bytes;
}

prometheus::Gauge& AddCacheGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& AddCacheCounter(prometheus::Registry& registry, const char* name, const char* help,
                                     const prometheus::Labels& labels = {}) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}

prometheus::Counter& AddNotKept(prometheus::Registry& registry, const char* reason) {
  return AddCacheCounter(registry, "vedette_promql_result_cache_dropped_total",
                         "Results that went because of their size, or were never kept.", {{"reason", reason}});
}

}  // namespace

ResultCache::ResultCache(std::size_t max_bytes, prometheus::Registry& registry)
    : max_bytes_(max_bytes),
      registry_(registry),
      shown_bytes_(
          AddCacheGauge(registry, "vedette_promql_result_cache_bytes", "Memory of the results that are kept.")),
      shown_entries_(AddCacheGauge(registry, "vedette_promql_result_cache_entries", "Results that are kept.")),
      evicted_(AddNotKept(registry, "room")),
      too_large_(AddNotKept(registry, "too_large")),
      steps_(AddCacheCounter(registry, "vedette_promql_result_cache_steps_total",
                             "Steps of the queries that might have used kept results.")),
      kept_steps_(AddCacheCounter(registry, "vedette_promql_result_cache_kept_steps_total",
                                  "Those of them that were not evaluated, because their results were kept.")) {}

std::shared_ptr<const KeptResult> ResultCache::Find(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->result;
}

void ResultCache::Keep(std::string_view key, KeptResult result) {
  const std::size_t bytes = BytesOf(key, result);
  // What goes is freed behind the lock.
  Entries fresh, gone;
  if (bytes <= max_bytes_ / kLargestPart) {
    fresh.push_back({std::string(key), std::make_shared<const KeptResult>(std::move(result)), bytes});
  } else {
    too_large_.Increment();
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) Remove(found->second, gone);
  if (!fresh.empty()) {
    entries_.splice(entries_.begin(), fresh);
    by_key_.emplace(entries_.front().key, entries_.begin());
    bytes_ += bytes;
  }
  while (bytes_ > max_bytes_) {
    Remove(std::prev(entries_.end()), gone);
    evicted_.Increment();
  }
  Show();
}

void ResultCache::Drop(std::string_view key) {
  Entries gone;
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) Remove(found->second, gone);
  Show();
}

void ResultCache::Remove(Entries::iterator entry, Entries& gone) {
  bytes_ -= entry->bytes;
  by_key_.erase(entry->key);
  gone.splice(gone.end(), entries_, entry);
}

void ResultCache::Show() const {
  shown_bytes_.Set(static_cast<double>(bytes_));
  shown_entries_.Set(static_cast<double>(entries_.size()));
}

void ResultCache::Count(const CacheUse& use) {
  const bool all = use.kept_steps == use.steps;
  const char* const answer = !use.passed_by.empty() ? "unfit" : use.kept_steps == 0 ? "none" : all ? "all" : "part";
  AddCacheCounter(registry_, "vedette_promql_result_cache_queries_total",
                  "Range queries by how much of them kept results answered, and why none could.",
                  {{"answer", answer}, {"reason", std::string(use.passed_by)}})
      .Increment();
  if (!use.passed_by.empty()) return;
  steps_.Increment(static_cast<double>(use.steps));
  kept_steps_.Increment(static_cast<double>(use.kept_steps));
}

}  // namespace vedette::promql
