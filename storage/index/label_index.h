// The inverted index of the series in memory: label name -> value -> ids. Not thread-safe; its owner locks.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "storage/index/select.h"

namespace vedette::storage {

class LabelIndex final : public PostingsSource {
 public:
  /// Cheap when ids come in ascending order.
  void Add(SeriesId id, const Labels& labels);
  /// Forgets many series at once. Cost: O(sum of the postings they are in).
  void Remove(std::span<const SeriesEntry> series);

  std::size_t series_count() const { return all_.size(); }
  std::size_t pair_count() const { return pairs_; }
  /// The four lists of StoreStats, `top` entries each.
  void FillStats(std::size_t top, StoreStats& stats) const;

  Status All(Postings& out) const override;
  Status WithLabel(std::string_view name, std::string_view value, Postings& out) const override;
  Status WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                    Postings& out) const override;
  std::size_t ValueCount(std::string_view name) const override;
  Status VisitNames(const AcceptValue& visit) const override;
  Status VisitValues(std::string_view name, const AcceptValue& visit) const override;

 private:
  using Values = std::map<std::string, Postings, std::less<>>;
  std::map<std::string, Values, std::less<>> names_;
  Postings all_;
  std::size_t pairs_ = 0;
};

}  // namespace vedette::storage
