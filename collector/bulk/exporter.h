// Samples of the store as text, in the formats that the importer reads.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collector/bulk/format.h"
#include "storage/storage.h"

namespace vedette::collector {

/// Walks over the series of a querier. Staleness markers are left out: no format but the scrape's has them. So are
/// native histograms, but for JSON lines.
class Exporter {
 public:
  /// Selects the series. `querier` outlives the exporter. Errors: those of Select().
  static Result<Exporter> Start(const storage::Querier& querier, std::span<const Matcher> matchers, BulkFormat format);

  /// Appends what stands in front of all series (CSV's head line) and behind them (OpenMetrics' end mark).
  void Begin(std::string& out) const;
  void End(std::string& out) const;

  std::span<const storage::SeriesEntry> entries() const { return series_; }
  /// Appends series number `i`. Errors: those of Read().
  Status Append(std::size_t i, std::string& out);
  /// Native histograms that the format has no place for, so far.
  std::size_t left_out() const { return left_out_; }

 private:
  Exporter(const storage::Querier& querier, BulkFormat format) : querier_(&querier), format_(format) {}

  const storage::Querier* querier_;
  BulkFormat format_;
  std::vector<storage::SeriesEntry> series_;
  std::vector<std::string> columns_;  // CSV: all label names
  storage::Columns samples_;
  storage::HistogramColumns histograms_;
  std::size_t left_out_ = 0;
};

}  // namespace vedette::collector
