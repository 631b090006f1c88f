// One UTC day written anew: the samples of each series in order and without overlap, neighbouring series in bundles.
//
// Reads a snapshot of the day, series by series, from all families, and writes table files that the caller brings in.
// Memory: the samples of one series and day, and a bundle.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/chunk/bundle.h"
#include "storage/rocks/bundle_cursor.h"
#include "storage/rocks/database.h"
#include "storage/rocks/partitions.h"
#include "storage/rocks/table_writer.h"
#include "storage/rocks/tier_store.h"
#include "storage/storage.h"

namespace vedette::storage {

class DayRepacker {
 public:
  /// `options` and `snapshot` outlive the object.
  /// `deleted`: of the moment of `snapshot`.
  DayRepacker(Database& database, std::int32_t day, const RepackOptions& options, const rocksdb::Snapshot* snapshot,
              std::shared_ptr<const TombstoneSet> deleted);

  /// Writes the day into tables of the families `bundles` and `blocks`; the latter gets native histograms and series
  /// with too many samples for a bundle. With the samples at hand, their tiers as well. Errors: kCorruption naming the
  /// row, kIo.
  Status Run(TableWriter& bundles, TableWriter& blocks, TierWriter& tiers);
  /// Deletes exactly the rows of `chunks` that the snapshot shows.
  Status DeleteLoose();

 private:
  struct Row {
    std::string key, value;
  };
  /// The rows of one family, in key order.
  class Cursor;

  /// The bundles of before, part by part.
  class OldBundles;

  /// The rows of one series of `blocks` and `chunks`, and its samples in columns_, which came from a bundle.
  Status WriteSeries(SeriesId series, std::vector<Row>& packed, std::vector<Row>& loose);
  /// The same of native histograms. `rows`: of both families.
  Status WriteHistograms(const std::vector<Row>& rows);
  Status EndBundle();
  bool IsPacked(const std::vector<Row>& rows) const;
  std::unique_ptr<rocksdb::Iterator> NewIterator(Family family) const;

  Database& database_;
  const std::int32_t day_;
  const RepackOptions& options_;
  const rocksdb::Snapshot* snapshot_;
  const std::shared_ptr<const TombstoneSet> deleted_;
  TableWriter* bundles_ = nullptr;
  TableWriter* blocks_ = nullptr;
  BundleEncoder bundle_;
  Columns columns_;
  std::uint32_t seal_ = 0;  // the last round that wrote samples of the series
};

}  // namespace vedette::storage
