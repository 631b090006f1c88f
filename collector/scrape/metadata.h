// HELP, TYPE and UNIT of the metrics of each target. The same text from a thousand targets is kept once.
//
// Written by the scrape of a target when a line is new, read by the API; what changed goes into the store with the
// scrape, which has the history. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/exposition/parser.h"
#include "collector/scrape/manager.h"

namespace vedette::collector {

using SharedMetadata = std::shared_ptr<const MetricMetadata>;

/// Gives equal metadata the same place in memory.
class MetadataPool {
 public:
  SharedMetadata Intern(MetricMetadata metadata);

 private:
  void Sweep();

  std::mutex mutex_;
  std::unordered_multimap<std::size_t, std::weak_ptr<const MetricMetadata>> entries_;  // GUARDED_BY(mutex_)
  std::size_t sweep_at_ = 1024;                                                        // GUARDED_BY(mutex_)
};

/// What one target said. Families beyond the limit are ignored.
class TargetMetadataTable {
 public:
  explicit TargetMetadataTable(MetadataPool& pool) : pool_(pool) {}

  void SetType(std::string_view family, MetricType type);
  /// `help`: without escapes.
  void SetHelp(std::string_view family, std::string_view help);
  void SetUnit(std::string_view family, std::string_view unit);

  /// What changed since the last ClearChanges().
  std::vector<SharedMetadata> Changes() const;
  void ClearChanges();

  /// All families by name, or the one that is asked for.
  std::vector<SharedMetadata> Get(std::string_view family = {}) const;

 private:
  void Change(std::string_view family, const std::function<void(MetricMetadata&)>& change);

  MetadataPool& pool_;
  mutable std::mutex mutex_;
  std::vector<SharedMetadata> families_;  // sorted by metric; GUARDED_BY(mutex_)
  std::vector<std::string> changed_;      // families, each once or more; GUARDED_BY(mutex_)
};

}  // namespace vedette::collector
