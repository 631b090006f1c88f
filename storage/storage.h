// The time-series store as everybody else sees it: append samples, select series, read columns.
//
// Two engines stand behind this header: storage/memory (tests, small tools) and storage/rocks (the agent). Nothing here
// knows about RocksDB. A later cluster reads other machines through the same interface.
//
// Rules of the data
//   - A series is a label set. Its SeriesId is given once and never used again for another series.
//   - A sample is a time in ms and a double, bit-exact: the staleness marker (core/numbers.h) is a value like any
//   other; or a native histogram (core/histogram.h). A series may have both, usually it has one kind.
//   - Samples arrive in any order and at any age within the retention. Of two samples of one series with the same time
//     one is kept, and which one depends on nothing but their values: a number beats the staleness marker, which beats
//     other NaNs; of two numbers the larger is kept. So replaying, re-sending and re-packing never change an answer.
//     Of two histograms one that is no marker is kept, then the one with the larger count, sum and so on; of a number
//     and a histogram the histogram, unless it is a marker.
//   - What Commit() accepted survives the death of the process, and after wal_sync_interval also that of the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/histogram.h"
#include "core/labels.h"
#include "core/matcher.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/change_log.h"
#include "storage/column.h"
#include "storage/facts.h"
#include "storage/tier.h"

namespace vedette::storage {

/// Names a series inside one store. 0 names none.
enum class SeriesId : std::uint64_t { kNone = 0 };
constexpr std::uint64_t Raw(SeriesId id) { return static_cast<std::uint64_t>(id); }

struct Sample {
  TimeMs time;
  double value = 0;
};

/// What became of the samples of one Commit(). Duplicates are recognised among what the engine still holds in memory; a
/// sample that was sealed before counts as stored when it comes again, which changes no answer.
struct AppendOutcome {
  std::size_t stored = 0;
  std::size_t duplicates = 0;  // same time and same value as a sample that is there
  std::size_t conflicts = 0;   // same time, another value: resolved as the file comment says
  std::size_t too_old = 0;     // beyond the retention: dropped
  std::size_t too_new = 0;     // further ahead of the clock than StorageOptions::max_future: dropped
  std::size_t unknown = 0;     // of a series that is not (any more) in the store: dropped
  std::size_t invalid = 0;     // histograms and exemplars that contradict themselves: dropped
};

/// How the batches of one appender are taken in.
struct AppendOptions {
  /// Accept samples at any time ahead of the clock: forecasts. Without it StorageOptions::max_future is the limit.
  bool allow_future = false;
};

/// Collects one batch (a scrape, a remote-write request, the results of a rule) and makes it durable and visible at
/// once. One thread at a time; any number of appenders may be open. Destroying it without Commit() drops the batch.
class Appender {
 public:
  virtual ~Appender() = default;

  /// Finds the series or creates it. Callers cache the id: it stays valid until the series has had neither samples in
  /// the store nor a call of Series() for a whole retention; samples for an id forgotten then are counted as unknown.
  /// Errors: kBadData for an empty set, no usable name or invalid UTF-8; kLimit when the store may hold no more series.
  virtual Result<SeriesId> Series(const Labels& labels) = 0;

  /// The series if it is in use, as Series() would name it; kNone otherwise, also for one that had no samples for long.
  /// Creates none and reads nothing from disk.
  virtual SeriesId FindSeries(const Labels& labels) = 0;

  /// Adds one sample. `series` comes from Series() of any appender of this store.
  virtual void Add(SeriesId series, TimeMs time, double value) = 0;

  /// So many samples will be added: spares growing.
  virtual void Reserve(std::size_t /*samples*/) {}

  /// Adds one row: many series at one time. Shapes: series and values have the same length. This is the cheap way.
  virtual void AddRow(TimeMs time, std::span<const SeriesId> series, std::span<const double> values) = 0;

  /// Adds one native histogram. Commit() refuses what ValidateHistogram() does not accept (AppendOutcome::invalid).
  virtual void AddHistogram(SeriesId series, TimeMs time, Histogram histogram) = 0;

  /// Adds an exemplar. Those of unknown series are dropped and counted as samples are; those outside the times that
  /// samples may have are not valid. The oldest go when there are more than StorageOptions::max_exemplars. Known ones
  /// cost little: scrapes show them again and again.
  virtual void AddExemplar(SeriesId series, Exemplar exemplar) = 0;

  /// The sample at `time` counts from `start`. Known ones cost little.
  virtual void AddStart(SeriesId series, TimeMs time, TimeMs start) = 0;

  /// From `time` on the target says this about the family; nothing is written when that is known. To be called when
  /// something changed: it reads.
  virtual void SetMetadata(const Labels& target, std::string_view family, TimeMs time, MetricInfo info) = 0;
  /// The target is gone: what it said ends.
  virtual void EndMetadata(const Labels& target, TimeMs time) = 0;

  /// Writes the batch to the journal and shows it to new queriers, all or nothing. The appender is empty afterwards.
  /// Errors: kIo or kUnavailable (full disk, engine stopped): nothing was stored.
  virtual Result<AppendOutcome> Commit() = 0;
};

/// Samples of one series, oldest first, times strictly ascending. Units: Unix milliseconds.
struct Columns {
  Column<std::int64_t> times;
  Column<double> values;

  std::size_t size() const { return times.size(); }
  void clear() {
    times.clear();
    values.clear();
  }
};

/// The same of native histograms. Neighbours mostly share their layout.
struct HistogramColumns {
  Column<std::int64_t> times;
  std::vector<Histogram> histograms;

  std::size_t size() const { return times.size(); }
  void clear() {
    times.clear();
    histograms.clear();
  }
};

struct SeriesEntry {
  SeriesId id = SeriesId::kNone;
  Labels labels;
};

/// What a query allows those who work for it. What is empty limits nothing.
struct QueryLimits {
  std::stop_token stop{};
  std::optional<Deadline> deadline{};
  /// Asked before a querier keeps so many more samples of its own, by the thread that calls it. Its errors are those of
  /// the call.
  std::function<Status(std::size_t samples)> hold{};
};

/// Reads one series after the other for one thread; cheapest in the order of their numbers, as neighbours lie together.
class SeriesReader {
 public:
  virtual ~SeriesReader() = default;
  /// As Querier::ReadMixed().
  virtual Status Read(SeriesId series, TimeRange range, Columns& floats, HistogramColumns& histograms) = 0;
};

/// A consistent view of the store at the moment it was made. Const and thread-safe: an engine reads many series at
/// once.
class Querier {
 public:
  virtual ~Querier() = default;

  /// To be called before anything else, if at all. Whoever waits for others or keeps samples obeys it.
  virtual void Limit(const QueryLimits& /*limits*/) {}

  /// The series that all `matchers` accept and that have samples in the querier's range (an engine may return some that
  /// have none), sorted by labels. Errors: kLimit when more than `max_series` match (0 = no limit); what Limit() leads
  /// to.
  virtual Result<std::vector<SeriesEntry>> Select(std::span<const Matcher> matchers,
                                                  std::size_t max_series = 0) const = 0;

  /// The same series where only some of their labels matter, as for `sum by (...)`: in any order, mostly with
  /// just the labels `names` (an engine may give others as well), and equal sets shared.
  virtual Result<std::vector<SeriesEntry>> SelectFor(std::span<const Matcher> matchers,
                                                     std::span<const std::string> /*names*/) const {
    return Select(matchers);
  }

  /// Appends the samples of `series` within `range` (cut to the querier's) to `out`. `out` is usually cleared and
  /// reused. Errors: kCorruption, kIo. An unknown series has no samples.
  virtual Status Read(SeriesId series, TimeRange range, Columns& out) const = 0;

  /// Read() of a series that may have native histograms, which Read() does not see: appends samples of both kinds, each
  /// time in one of them only. For a series without histograms it costs what Read() costs.
  virtual Status ReadMixed(SeriesId series, TimeRange range, Columns& floats, HistogramColumns& histograms) const = 0;

  /// For a thread that reads many. The querier outlives it.
  virtual std::unique_ptr<SeriesReader> NewReader() const;

  /// The exemplars within `range` (cut to the querier's) of the series that all matchers of one of `selectors` accept;
  /// sorted by labels. Errors: kCorruption, kIo.
  virtual Result<std::vector<SeriesExemplars>> Exemplars(std::span<const std::vector<Matcher>> selectors,
                                                         TimeRange range) const = 0;

  /// Appends the start times of the series, ascending: for StartOf().
  virtual Status ReadStarts(SeriesId series, std::vector<StartTime>& out) const = 0;

  /// Calls `visit` for what targets said, until it returns false: target by target, then by family and time.
  virtual Status VisitMetadata(const MetadataQuery& query,
                               const std::function<bool(const MetadataEntry&)>& visit) const = 0;

  /// The steps in which down-sampled buckets are at hand, ascending. ReadTier() knows others too, from the samples.
  virtual std::vector<Millis> Tiers() const { return {}; }
  /// Before this only tiers have samples: ReadTier() sees more than Read().
  virtual TimeMs RawFrom() const { return TimeMs::Min(); }
  /// Appends the buckets of the series in (from, to], which are multiples of `step` (a divisor of a day, at least a
  /// minute); empty ones are left out. The answer is that of the samples wherever those are; where only tiers are left
  /// it is theirs. False: there are native histograms, nothing was appended. Errors: kBadData for other times or steps.
  virtual Result<bool> ReadTier(SeriesId series, TimeMs from, TimeMs to, Millis step,
                                std::vector<TierBucket>& out) const;

  /// Whether other queriers of the store know the ids that Select() gives as well. Where not, they are good for this
  /// querier only.
  virtual bool IdsAreOfStore() const { return true; }

  /// What the answers so far may lack, for people: other stores that could not be asked.
  virtual std::vector<std::string> Warnings() const { return {}; }

  /// Names, or values of one name, of the series that Select(matchers) would return (all series when there is no
  /// matcher), sorted, at most `limit` (0 = all).
  virtual Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers,
                                                      std::size_t limit = 0) const = 0;
  virtual Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                                       std::size_t limit = 0) const = 0;
};

/// Sizes of what is in the store now; /api/v1/status/tsdb prints it.
struct StoreStats {
  std::size_t head_series = 0;
  std::size_t head_chunks = 0;
  std::size_t label_pairs = 0;
  std::optional<TimeRange> head_range;  // nothing: the head is empty
  /// The largest counts, descending, then by name.
  using Top = std::vector<std::pair<std::string, std::uint64_t>>;
  Top series_by_metric;
  Top values_by_label;
  Top bytes_by_label;
  Top series_by_pair;  // "name=value"
  Top series_by_label;
  Top series_by_focus_value;  // of CardinalityQuery::focus_label
};

/// What Storage::Cardinality() counts.
struct CardinalityQuery {
  std::size_t top = 10;  // length of each of the lists
  /// Any time of a UTC day: the series with samples on that day. Nothing: those in memory now.
  std::optional<TimeMs> day;
  std::span<const Matcher> matchers;  // only series that all of these accept
  std::string_view focus_label;
};

class Storage {
 public:
  virtual ~Storage() = default;

  virtual std::unique_ptr<Appender> NewAppender(const AppendOptions& options = {}) = 0;
  virtual std::unique_ptr<Querier> NewQuerier(TimeRange range) const = 0;

  /// What changed of what queriers see; null: nobody knows.
  virtual ChangeLog* ChangesByTime() const { return nullptr; }

  /// `top`: length of each of the lists.
  virtual StoreStats Stats(std::size_t top) const = 0;

  /// Stats() for a day or a part of the series; `head_series` and `label_pairs` are the totals of what was asked for.
  /// Of a closed day its index is read, and what is in memory of it. Errors: those of the medium; kUnavailable where
  /// there is no such index.
  virtual Result<StoreStats> Cardinality(const CardinalityQuery& query) const;

  /// Seals all open chunks and brings everything on disk into its compact form. Slow; for benchmarks and backups.
  virtual Status Flush() = 0;
};

/// Which of two values with the same time stays; see the file comment. Commutative and associative.
double ResolveDuplicate(double a, double b);
const Histogram& ResolveDuplicate(const Histogram& a, const Histogram& b);

/// What Querier::ReadTier() refuses.
Status ValidateTierRange(TimeMs from, TimeMs to, Millis step);

/// What Appender::Series() refuses in every engine. Errors: kBadData for an empty set, an empty name, invalid UTF-8.
Status ValidateSeries(const Labels& labels);

}  // namespace vedette::storage
