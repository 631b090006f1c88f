// The UTC days on disk: which there are and where, dropping those beyond the retention, re-packing closed ones.
//
// A day's samples are in the family `chunks` as sealing wrote them, in `bundles` (some kinds in `blocks`) once the day
// was re-packed, and in both when samples came late. Whoever writes chunks holds the engine's maintenance mutex.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "storage/index/postings.h"
#include "storage/rocks/database.h"
#include "storage/rocks/tombstones.h"
#include "storage/tier.h"

namespace vedette::storage {

struct RepackOptions {
  /// Parts of bundles, and chunks, of up to so many samples.
  std::size_t max_samples = 0;
  /// A bundle is ended when it has so many bytes or parts.
  std::size_t bundle_bytes = 0, bundle_parts = 0;
  /// A day is left alone until it was not written to for so many calls; twelve times as many when it was re-packed
  /// before, because all of it is written again.
  std::size_t quiet_rounds = 0;
  /// What is left out. Asked day by day, when the rows of the day are fixed: a row is as new as the newest that it was
  /// made of, so that a deletion from before, which was not known then, would never apply again.
  const Tombstones& tombstones;
  /// Made with the day.
  std::span<const TierOptions> tiers;
};

class Partitions {
 public:
  using Days = std::vector<std::int32_t>;  // ascending
  struct Places {
    Days loose;   // in `chunks`
    Days packed;  // in `bundles` and `blocks`
    /// Days whose tiers hold what the samples say, and which making of them it is: a reader that finds the same one
    /// before and after its snapshot may trust them.
    std::map<std::int32_t, std::uint64_t> tiered;

    /// Whether the samples of the day are still there.
    bool HasRaw(std::int32_t day) const {
      return std::ranges::binary_search(loose, day) || std::ranges::binary_search(packed, day);
    }
  };

  explicit Partitions(Database& database) : database_(database) {}

  /// Finds the days in the database: one look-up per day. Once, at a start.
  Status Recover();

  // Any thread.
  /// The days that may have chunks, and where.
  std::shared_ptr<const Days> days() const;
  std::shared_ptr<const Places> places() const;

  // With the maintenance mutex held.
  /// A seal round is about to write to `day`.
  void Touch(std::int32_t day, rocksdb::WriteBatch& batch);
  /// Chunks are about to be added to `day` in `blocks`.
  void TouchPacked(std::int32_t day, rocksdb::WriteBatch& batch);
  /// Whether DropBefore() would find samples.
  bool HasBefore(std::int32_t day) const;
  /// Deletes the samples of all days before `day` and everything else about days before `all`, which is not later;
  /// returns how many days lost something.
  Result<std::size_t> DropBefore(std::int32_t day, std::int32_t all);
  /// Every series that the index of any day names. Some days have an index only: an import writes it first, and may
  /// have ended there.
  Result<Postings> AllSeries() const;

  /// Re-packs the days up to `last` that were written to since. Takes `maintenance` for moments only: sealing goes on
  /// meanwhile, and what it adds to the day stays for the next time. One caller at a time.
  Status Repack(std::int32_t last, const RepackOptions& options, std::mutex& maintenance);

 private:
  struct Quiet {
    std::uint64_t touches = 0, seen = 0;
    std::size_t rounds = 0, age = 0;
  };
  Days Due(std::int32_t last, const RepackOptions& options);
  void AddUntiered(std::int32_t last, const RepackOptions& options, Days& due);
  Status RepackDay(std::int32_t day, const RepackOptions& options, std::mutex& maintenance);
  Status FindDays(Family family, std::set<std::int32_t>& out) const;
  /// The tiers of the day do not hold what is being written.
  void Untier(std::int32_t day, rocksdb::WriteBatch& batch);
  Status RecoverTiers();
  void Publish();

  Database& database_;
  mutable std::mutex mutex_;  // the two below
  std::shared_ptr<const Days> published_ = std::make_shared<const Days>();
  std::shared_ptr<const Places> places_ = std::make_shared<const Places>();
  // With the maintenance mutex.
  std::set<std::int32_t> loose_, packed_;
  std::map<std::int32_t, std::uint64_t> tiered_;
  std::uint64_t tierings_ = 0;
  std::map<std::int32_t, Quiet> unpacked_;
};

/// Bytes of the day's chunks and index in table files, as RocksDB estimates them.
std::uint64_t DiskBytes(Database& database, std::int32_t day);

}  // namespace vedette::storage
