// What the matchers of earlier queries selected in memory, kept up to date by looking at the series that came since:
// an expression is tried on new series only, however many values its label has.
#pragma once

#include "storage/head/series_table.h"
#include "storage/rocks/index_cache.h"

namespace vedette::storage {

/// Made for one query, with the table locked. Sets may name series that are gone: the user looks.
class HeadSets final : public KeptSets {
 public:
  HeadSets(const SeriesTable& table, IndexCache& cache) : table_(table), cache_(cache) {}

  std::shared_ptr<const std::string> Recall(const Matcher& m) const override;
  void Remember(const Matcher& m, std::string postings) const override;

 private:
  const SeriesTable& table_;
  IndexCache& cache_;
};

}  // namespace vedette::storage
