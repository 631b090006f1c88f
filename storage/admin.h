// What operators do to a store beside appending and querying: bulk loads, deleting, snapshots. The engines that keep
// samples implement it beside storage.h.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "storage/storage.h"

namespace vedette::storage {

struct BulkOutcome {
  std::size_t stored = 0;
  std::size_t too_old = 0;  // beyond the retention: dropped
  std::size_t too_new = 0;  // ahead of the clock: dropped
};

/// Loads many samples past the journal: imports. One thread at a time; other writers and readers go on meanwhile.
class BulkWriter {
 public:
  virtual ~BulkWriter() = default;

  /// As Appender::Series().
  virtual Result<SeriesId> Series(const Labels& labels) = 0;
  /// Takes the samples, in any order, and clears `samples`. The more of one series at a time, the better they are
  /// coded. What was added so far may become visible. Errors: as Flush().
  virtual Status Add(SeriesId series, Columns& samples) = 0;
  /// The same of native histograms, which are valid.
  virtual Status AddHistograms(SeriesId series, HistogramColumns& samples) = 0;
  /// Makes everything added visible and durable. Result: of all calls since the last Flush(). Errors: kIo,
  /// kUnavailable; then what was added since the last Flush() may be stored in part.
  virtual Result<BulkOutcome> Flush() = 0;
};

/// Thread-safe.
class StoreAdmin {
 public:
  virtual ~StoreAdmin() = default;

  virtual std::unique_ptr<BulkWriter> NewBulkWriter() = 0;

  /// Deletes the samples within `range` of the series that all `matchers` accept: those that are there now, not those
  /// that arrive later for these times. Durable and invisible to new queriers on return; the space comes free in the
  /// background. A series without samples is not listed any more.
  virtual Status Delete(std::span<const Matcher> matchers, TimeRange range) = 0;
  /// Waits until the space of everything deleted is free.
  virtual Status CleanTombstones() = 0;

  /// A copy of everything acknowledged so far, in a directory of its own below the data directory, without stopping
  /// anything; files are linked, not copied. Result: its path. Errors: kUnavailable when the engine has no files.
  virtual Result<std::string> Snapshot() = 0;
};

}  // namespace vedette::storage
