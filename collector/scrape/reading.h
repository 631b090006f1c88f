// Goes through one body and collects its samples; the line cache does most of the work. Part of TargetAppender.
//
// Here is what all formats share: from a line that the cache knows, or labels that it does not, to a sample of the
// scrape. text_reading.h and protobuf_reading.h know the formats.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "collector/exposition/native_histogram.h"
#include "collector/exposition/series_labels.h"
#include "collector/scrape/target_appender.h"

namespace vedette::collector {

/// What one scrape collects outside of the appender: the samples that share its time (equally long), which series have
/// histograms then, the exemplars that are new, and the series that went.
struct TargetAppender::Row {
  std::vector<storage::SeriesId> series;
  std::vector<double> values;
  std::vector<storage::SeriesId> histograms;
  std::vector<std::pair<storage::SeriesId, ShownExemplar>> exemplars;
  std::vector<Marker> gone;

  void Add(storage::SeriesId id, double value) {
    series.push_back(id);
    values.push_back(value);
  }
  /// All but what went.
  void ClearSamples();
  /// Of a series with several samples keeps the first, as Prometheus does. Result: how many others there were.
  std::size_t DropRepeats();
};

/// One scrape.
struct TargetAppender::Scrape {
  storage::Appender& appender;
  const ScrapeConfig& job;
  const Target& target;
  TimeMs time, previous;  // of this scrape and of the one before
  Row& row;
  ScrapeOutcome& outcome;
};

class TargetAppender::Reading {
 public:
  Reading(TargetAppender& owner, const Scrape& scrape);
  virtual ~Reading() = default;

  /// Errors: kBadData (syntax, labels, histograms), kLimit (sample_limit, label limits, buckets), and those of the
  /// store.
  Status Run();
  /// Samples that went to the appender directly: histograms, and those with a time of their own.
  std::size_t single_samples() const { return single_samples_; }

 protected:
  using Line = LineCache::Line;

  virtual Status ReadAll() = 0;

  /// The line of `key`, which is not where it was. `read_labels()` gives the Result<RawLabels> of one that is new.
  /// Null: not to be stored, and not remembered (see FindSeries; or dropped when the scrape IsFull()).
  template <class ReadLabels>
  Result<Line*> Resolve(LineCache& lines, const LineCache::Key& key, MetricType type, const ReadLabels& read_labels) {
    if (Line* const known = lines.Find(key)) return known;
    VEDETTE_TRY(const RawLabels raw, read_labels());
    VEDETTE_TRY(const std::optional<storage::SeriesId> series, FindSeries(raw));
    if (!series || (*series == storage::SeriesId::kNone && IsFull())) return nullptr;
    return &SetSeries(lines.Add(key, false, type), *series);
  }
  /// Relabels and asks the store. kNone: metric relabelling dropped it; nothing: the store is full, or the scrape has
  /// as many samples as it may have.
  Result<std::optional<storage::SeriesId>> FindSeries(const RawLabels& raw);
  static Line& SetSeries(Line& line, storage::SeriesId series);
  /// The samples that the job may have are there: one more fails the scrape, so that nothing is kept for it.
  bool IsFull() const {
    const std::size_t limit = scrape_.job.sample_limit.value_or(0);
    return limit > 0 && scrape_.outcome.kept >= limit;
  }

  /// A sample of a line in `lines` that is not dropped.
  void TakeSample(LineCache& lines, Line& line, const std::optional<TimeMs>& time, double value);
  /// Errors: kBadData for a histogram that the store would not take.
  Status TakeHistogram(LineCache& lines, Line& line, const std::optional<TimeMs>& time, Histogram histogram);

  /// The counter behind the line began at `start`: taken when that is new. `histogram`: null for a float.
  void TakeStart(Line& line, const std::optional<TimeMs>& start, const Histogram* histogram);

  /// A target shows the same exemplars until there are newer ones. `hash`: of what it shows.
  bool ShowsNew(storage::SeriesId series, std::uint64_t hash) const;
  /// Takes those that are newer than what the series has, as Prometheus' store does.
  void TakeExemplars(storage::SeriesId series, std::uint64_t hash, std::span<storage::Exemplar> exemplars);

  TargetAppender& owner_;
  const Scrape scrape_;
  std::size_t known_ = 0, searched_ = 0;

 private:
  /// When the sample is from, and whether it can be taken at all.
  std::optional<TimeMs> TimeOf(const LineCache::Line& line, const std::optional<TimeMs>& time);
  bool HasOwnTime(const std::optional<TimeMs>& time) const { return time && scrape_.job.honor_timestamps; }

  const TimeMs newest_;  // samples may carry times up to here
  const HistogramLimits limits_;
  bool over_bucket_limit_ = false;
  std::size_t single_samples_ = 0;
};

}  // namespace vedette::collector
