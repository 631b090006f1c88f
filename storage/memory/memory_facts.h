// Exemplars, start times and metadata of the store in memory: the same answers as storage/rocks/fact_store.h, from
// maps. The store's lock guards it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "storage/append_batch.h"

namespace vedette::storage {

class MemoryFacts {
 public:
  /// `series`: ids from 1 to this exist.
  void Add(const BatchFacts& facts, std::size_t series, std::size_t max_exemplars, AppendOutcome& outcome);

  std::vector<SeriesExemplars> Exemplars(std::span<const std::vector<Matcher>> selectors, TimeRange range,
                                         const std::function<Labels(SeriesId)>& labels_of) const;
  void DeleteExemplars(SeriesId series, TimeRange range);
  void ReadStarts(SeriesId series, std::vector<StartTime>& out) const;
  void VisitMetadata(const MetadataQuery& query, const std::function<bool(const MetadataEntry&)>& visit) const;

 private:
  void SetMetadata(const BatchFacts::MetadataSample& sample);

  using ExemplarOrder = std::tuple<std::int64_t, SeriesId, std::string>;  // time, series, stored form
  std::map<ExemplarOrder, Exemplar> exemplars_;
  std::map<SeriesId, std::map<TimeMs, TimeMs>> starts_;  // start -> first sample
  /// Changes by time; nothing: the target went.
  using History = std::map<TimeMs, std::optional<MetricInfo>>;
  std::map<Labels, std::map<std::string, History>> metadata_;
};

}  // namespace vedette::storage
