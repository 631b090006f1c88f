// Some of the labels of many series in memory. Series of one group have the same ones, which are then made once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/head/series_table.h"

namespace vedette::storage {

/// Of series in memory. While it lives the table is locked.
class LabelProjection {
 public:
  LabelProjection(const SeriesTable& table, std::span<const std::string> names);
  /// Those of the labels that have one of the names.
  Labels Of(const HeadSeries& series);

 private:
  struct ListHash {
    std::size_t operator()(const std::vector<PairId>& list) const;
  };

  const SeriesTable& table_;
  std::vector<std::uint32_t> names_;  // as numbers
  std::unordered_map<std::vector<PairId>, Labels, ListHash> known_;
  std::vector<PairId> pairs_, wanted_;  // room
};

/// The same of whole label sets.
class SetProjection {
 public:
  /// `names` must stay.
  explicit SetProjection(std::span<const std::string> names) : names_(names) {}
  Labels Of(const Labels& labels);

 private:
  std::span<const std::string> names_;
  std::unordered_map<std::uint64_t, Labels> known_;  // by a hash of what is in it
  std::vector<LabelView> wanted_;                    // room
};

}  // namespace vedette::storage
