// Tier rows (storage/tier.h) in the family `tiers`: written when a day is re-packed, read one series and day at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/chunk/tier_codec.h"
#include "storage/rocks/database.h"
#include "storage/rocks/table_writer.h"
#include "storage/rocks/tombstones.h"
#include "storage/storage.h"

namespace vedette::storage {

/// tiers: step in minutes (2), day (4, biased), series (8).
struct TierKey {
  Millis step{0};
  std::int32_t day = 0;
  SeriesId series = SeriesId::kNone;
};
std::string EncodeTierKey(const TierKey& key);
std::string TierDayPrefix(Millis step, std::int32_t day);
std::optional<TierKey> ParseTierKey(std::string_view key);
std::string DescribeTierKey(std::string_view key);

/// Nothing when there is no row. Errors: kCorruption naming the row, kIo.
Result<std::optional<TierRow>> ReadTierRow(const Database& database, const rocksdb::Snapshot* snapshot,
                                           const TierKey& key);

/// Removes buckets that hold deleted samples, whole ones: what is left of them cannot be told without the samples.
void ApplyTombstones(const TombstoneSet& deleted, SeriesId series, Millis step, TierRow& row);

/// The rows of one day in all tiers.
class TierWriter {
 public:
  /// They take the place of those that are there.
  TierWriter(Database& database, std::int32_t day, std::span<const TierOptions> tiers);

  /// Series by series, ascending. `samples` are all of the day, in order.
  Status Add(SeriesId series, std::uint32_t seal, bool has_histograms, const Columns& samples);
  /// One tier after the other.
  Status Ingest();

 private:
  struct Tier {
    Millis step{0};
    std::unique_ptr<TableWriter> table;
  };
  const std::int32_t day_;
  std::vector<Tier> tiers_;
};

/// Deletes the rows of a tier before `day`.
Status DropTierBefore(Database& database, Millis step, std::int32_t day);
/// The steps that have rows, also of tiers that are not configured any more.
Result<std::vector<Millis>> TierSteps(Database& database);

}  // namespace vedette::storage
