// The UTC days on disk: which there are, dropping those beyond the retention, re-packing closed ones.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "storage/index/postings.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

class Partitions {
 public:
  using Days = std::vector<std::int32_t>;  // ascending

  explicit Partitions(Database& database) : database_(database) {}

  /// Finds the days in the database: one look-up per day. Once, at a start.
  Status Recover();

  /// The days that may have chunks. Any thread.
  std::shared_ptr<const Days> days() const;

  // Maintenance thread.
  /// A seal round is about to write to `day`.
  void Touch(std::int32_t day, rocksdb::WriteBatch& batch);
  /// Deletes all days before `day`; returns how many.
  Result<std::size_t> DropBefore(std::int32_t day);
  /// Every series with chunks in any day.
  Result<Postings> AllSeries() const;
  /// Re-packs the days up to `last` that were written to since: of each series, chunks of up to `max_samples` samples,
  /// in order and without overlap.
  Status Repack(std::int32_t last, std::size_t max_samples);

 private:
  Status RepackDay(std::int32_t day, std::size_t max_samples);
  void Publish();

  Database& database_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Days> published_ = std::make_shared<const Days>();
  std::set<std::int32_t> days_;      // the maintenance thread's
  std::set<std::int32_t> unpacked_;  // likewise
};

}  // namespace vedette::storage
