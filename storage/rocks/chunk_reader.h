// The samples of one series on disk, at one moment: what sealing wrote (family `chunks`) and what re-packing and
// imports made of it (`bundles`, `blocks`). A querier owns one; any thread reads.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
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
  using Cursor = std::unique_ptr<BundleCursor>;
  /// Idle ones are kept: making one costs more than a look-up.
  template <class Reader>
  struct Pool {
    std::mutex mutex;
    std::vector<Reader> idle;

    /// The one that `rank` puts highest; of those with rank 0 the one that has been idle for longest, when there are
    /// `enough`; null: another has to be made.
    template <class Rank>
    Reader Take(std::size_t enough, Rank rank) {
      const std::lock_guard lock(mutex);
      const auto found = std::ranges::max_element(idle, {}, rank);
      if (found == idle.end() || (rank(*found) == 0 && idle.size() < enough)) return nullptr;
      Reader out = std::move(*found);
      idle.erase(found);
      return out;
    }
    void Return(Reader reader) {
      const std::lock_guard lock(mutex);
      idle.push_back(std::move(reader));
    }
  };
  Status ReadBundles(SeriesId series, std::span<const std::int32_t> days, TimeRange range, Columns& out) const;
  Status ReadFrom(Family family, SeriesId series, std::span<const std::int32_t> days, TimeRange range, Columns& out,
                  HistogramColumns* histograms) const;
  Status ReadHistograms(rocksdb::Iterator& at, std::int32_t day, SeriesId series, TimeRange range,
                        HistogramColumns& out) const;
  /// Reads one day's rows of a family. Who asks for one series after another, in the order of their numbers, is served
  /// by stepping on, which costs a tenth of looking each one up.
  struct Walker {
    std::int32_t day = 0;
    SeriesId last = SeriesId::kNone;
    std::size_t neighbours = 0;  // so many reads up to the last were close behind the one before
    Iterator finder, stepper;    // null until they are needed
  };
  static bool IsNear(const Walker& walker, SeriesId series);
  rocksdb::Iterator& MoveTo(Walker& walker, Family family, SeriesId series) const;
  bool MayHave(Family family, std::int32_t day) const;
  Iterator NewIterator(Family family, bool whole_order) const;
  Pool<std::unique_ptr<Walker>>& PoolOf(Family family) const { return pools_[family == Family::kBlocks ? 1 : 0]; }

  const Database& database_;
  const rocksdb::Snapshot* snapshot_;
  const std::shared_ptr<const TombstoneSet> deleted_;
  const std::shared_ptr<const Partitions::Places> before_, after_;
  mutable std::array<Pool<std::unique_ptr<Walker>>, 2> pools_;
  mutable Pool<Cursor> cursors_;
};

}  // namespace vedette::storage
