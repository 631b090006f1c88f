// What was deleted and is still on disk: readers leave it out from the moment a tombstone is published, cleaning and
// re-packing take it off the disk later.
//
// A tombstone names series, a time range and a seal round. Before it is made the samples concerned are sealed, so it
// means exactly the samples that were there: what arrives later for those times is in a later round and stays.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/index/postings.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

struct Tombstone {
  std::uint64_t number = 0;  // its key
  TimeRange range;
  std::uint32_t seal = 0;  // chunks of this round and of earlier ones
  Postings series;
};

/// Stored form, without the number. Errors: kCorruption; kBadData for a format this program does not know.
std::string EncodeTombstone(const Tombstone& tombstone);
Result<Tombstone> DecodeTombstone(std::uint64_t number, std::string_view bytes);

/// All of them at one moment. Const and thread-safe.
class TombstoneSet {
 public:
  explicit TombstoneSet(std::vector<Tombstone> all = {}) : all_(std::move(all)) {}

  bool empty() const { return all_.empty(); }
  const std::vector<Tombstone>& all() const { return all_; }

  bool Touches(SeriesId series) const;
  /// Whether all of a chunk with the samples of `range` is deleted.
  bool Covers(SeriesId series, std::uint32_t seal, TimeRange range) const;
  /// Whether any of a chunk with the samples of `range` may be deleted.
  bool Overlaps(SeriesId series, std::uint32_t seal, TimeRange range) const;
  /// Removes from element `first` on, which are the samples of one chunk in order, what was deleted.
  void Apply(SeriesId series, std::uint32_t seal, Columns& columns, std::size_t first) const;
  void Apply(SeriesId series, std::uint32_t seal, HistogramColumns& columns, std::size_t first) const;
  /// The series that lost samples in `range`.
  Postings Touched(TimeRange range) const;

 private:
  template <class Visit>
  void VisitOf(SeriesId series, std::uint32_t seal, Visit visit) const;

  std::vector<Tombstone> all_;
};

class Tombstones {
 public:
  explicit Tombstones(Database& database) : database_(database) {}

  /// Reads them. Once, at a start.
  Status Recover();

  /// Any thread.
  std::shared_ptr<const TombstoneSet> current() const;

  // With the maintenance mutex held.
  /// Durable and in force on return. Errors: kLimit when there are too many to be looked through by every read.
  Status Add(Tombstone tombstone);
  /// Forgets those with numbers up to `through`.
  Status Remove(std::uint64_t through);

 private:
  void Publish(std::vector<Tombstone> all);

  Database& database_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TombstoneSet> current_ = std::make_shared<const TombstoneSet>();
};

}  // namespace vedette::storage
