// The samples of one series on disk, at one moment: what sealing wrote (family `chunks`) and what re-packing and
// imports made of it (`bundles`, `blocks`). A querier owns one; any thread reads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "storage/rocks/bundle_cursor.h"
#include "storage/rocks/database.h"
#include "storage/rocks/partitions.h"

namespace vedette::storage {

class ChunkReader {
 public:
  /// `before` and `after`: where rows lay before and after the snapshot was taken. While a day is re-packed its rows
  /// are in one place, the other, or both: who looks where either of the two says misses none.
  /// `deleted`: read before the snapshot was taken, so that nothing in it is missing there.
  ChunkReader(const Database& database, const rocksdb::Snapshot* snapshot, std::shared_ptr<const TombstoneSet> deleted,
              std::shared_ptr<const Partitions::Places> before, std::shared_ptr<const Partitions::Places> after)
      : database_(database),
        snapshot_(snapshot),
        deleted_(std::move(deleted)),
        before_(std::move(before)),
        after_(std::move(after)) {}

  /// Appends the samples within `range`, chunk by chunk: in no order, and some times more than once.
  /// `days`: those of the range. Errors: kCorruption and kIo, naming the chunk or the series and day.
  /// `histograms`: null when only floats are wanted.
  Status Read(SeriesId series, std::span<const std::int32_t> days, TimeRange range, Columns& out,
              HistogramColumns* histograms = nullptr) const;

 private:
  using Iterator = std::unique_ptr<rocksdb::Iterator>;
  /// Reads one day's rows of a family. Who asks for one series after another, in the order of their numbers, is served
  /// by stepping on, which costs a tenth of looking each one up.
  struct Walker {
    std::int32_t day = 0;
    SeriesId last = SeriesId::kNone;
    std::size_t neighbours = 0;  // so many reads up to the last were close behind the one before
    Iterator finder, stepper;    // null until they are needed
  };
  /// What one thread reads with: making these costs more than a look-up.
  struct Place {
    std::mutex mutex;
    std::array<std::vector<std::unique_ptr<Walker>>, 2> walkers;
    std::vector<std::unique_ptr<BundleCursor>> cursors;
    std::vector<std::pair<std::int32_t, bool>> has_blocks;  // of days that were asked for
  };
  static constexpr std::size_t kPlaces = 8;
  /// The thread's own place, or the next one that is free.
  std::pair<Place*, std::unique_lock<std::mutex>> LockPlace() const;
  BundleCursor& CursorFor(Place& place, std::int32_t day, SeriesId series) const;
  Walker& WalkerFor(Place& place, Family family, std::int32_t day, SeriesId series) const;

  Status ReadBundles(Place& place, SeriesId series, std::span<const std::int32_t> days, TimeRange range,
                     Columns& out) const;
  Status ReadFrom(Place& place, Family family, SeriesId series, std::span<const std::int32_t> days, TimeRange range,
                  Columns& out, HistogramColumns* histograms) const;
  Status ReadHistograms(rocksdb::Iterator& at, std::int32_t day, SeriesId series, TimeRange range,
                        HistogramColumns& out) const;
  static bool IsNear(const Walker& walker, SeriesId series);
  rocksdb::Iterator& MoveTo(Walker& walker, Family family, SeriesId series) const;
  bool MayHave(Family family, std::int32_t day) const;
  /// Days are packed into bundles, and mostly nothing else: one look per day spares one per series.
  bool HasBlocks(Place& place, std::int32_t day) const;
  Iterator NewIterator(Family family, bool whole_order) const;

  const Database& database_;
  const rocksdb::Snapshot* snapshot_;
  const std::shared_ptr<const TombstoneSet> deleted_;
  const std::shared_ptr<const Partitions::Places> before_, after_;
  mutable std::array<Place, kPlaces> places_;
  mutable std::atomic<std::size_t> cursors_made_ = 0;
};

}  // namespace vedette::storage
