// What was committed, commit by commit and in their order: for whoever passes samples on (collector/remote/).
//
// A feed is a name with a durable position. It reads the journal, which keeps its records for it behind what a restart
// needs: a feed that lags for hours costs disk, but neither memory nor time at a start, and nothing is written twice
// for it. What it hands out is what was acknowledged, also of series that have left memory or were deleted since.
// Samples that came by other ways (imports into closed days) are not in it.
//
// Nothing here knows about RocksDB.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/histogram.h"
#include "core/labels.h"
#include "core/result.h"
#include "storage/facts.h"
#include "storage/storage.h"

namespace vedette::storage {

/// Samples of one time. Row i of a group has the same series in the same column, so that what is known of a series can
/// be kept by column. All spans are valid until the next call of the reader.
struct FeedRow {
  TimeMs time;
  /// Names the columns of this row as long as `columns_version` is the same; columns are only added. 0: a row that came
  /// by itself.
  std::uint64_t group = 0;
  std::uint64_t columns_version = 0;
  std::span<const SeriesId> columns;       // kNone: nobody's
  std::span<const std::uint16_t> present;  // columns with a value, ascending
  std::span<const double> values;          // of those
};

struct FeedHistogram {
  SeriesId series = SeriesId::kNone;
  TimeMs time;
  Histogram histogram;
};

struct FeedExemplar {
  SeriesId series = SeriesId::kNone;
  Exemplar exemplar;
};

struct FeedCommit {
  std::uint64_t number = 0;  // ascending, with gaps
  std::vector<FeedRow> rows;
  std::vector<FeedHistogram> histograms;
  std::vector<FeedExemplar> exemplars;
  std::vector<std::uint64_t> ended_groups;  // no row comes of these, unless they begin again
  std::size_t lost = 0;  // samples, or whole commits, that cannot be read; 0 unless the journal is damaged
};

/// One thread at a time. Must not outlive its store.
class FeedReader {
 public:
  virtual ~FeedReader() = default;

  /// What was given to the last Save(), of this process or an earlier one; empty for a new feed.
  virtual const std::string& saved() const = 0;
  /// Everything up to this commit was handed out, or came before the feed.
  virtual std::uint64_t position() const = 0;

  /// The next commit. False: there is none now. Errors: kIo (to be tried again), kCorruption (the commit is passed
  /// over).
  virtual Result<bool> Next(FeedCommit& out) = 0;

  /// Lets go of what reading on quickly needs: to be called before a longer wait.
  virtual void Rest() = 0;

  /// Labels of series that were handed out, in any order; empty for one whose samples are all beyond the retention.
  virtual Result<std::vector<Labels>> LabelsOf(std::span<const SeriesId> series) = 0;

  /// Commits up to `through`, at most position(), are not needed any more: the feed will go on behind that one, and
  /// find `note` in saved(). As durable as a commit of samples. Errors: kIo, kUnavailable: the old position stays.
  virtual Status Save(std::uint64_t through, std::string_view note) = 0;

  /// Bytes of the journal that are still to be handed out, about; and commits, at most.
  virtual std::uint64_t BacklogBytes() const = 0;
  virtual std::uint64_t BacklogCommits() const = 0;
  /// How many bytes more may wait before the disk is so full that commits are soon refused; negative: so many less.
  virtual std::int64_t RoomBytes() const = 0;
};

/// Thread-safe.
class FeedStore {
 public:
  virtual ~FeedStore() = default;

  /// Goes on where the feed of that name was, or, when there is none, with the next commit. One reader of a name at a
  /// time. `exemplars`: it wants those too, from now on. Errors: kIo, kCorruption.
  virtual Result<std::unique_ptr<FeedReader>> OpenFeed(std::string_view name, bool exemplars) = 0;
  /// The names there are.
  virtual std::vector<std::string> Feeds() const = 0;
  /// Forgets the feed, which nobody reads: the journal need not keep anything for it.
  virtual Status DropFeed(std::string_view name) = 0;
};

}  // namespace vedette::storage
