#include "storage/memory/memory_storage.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "core/numbers.h"
#include "storage/append_batch.h"
#include "storage/chunk/merge.h"
#include "storage/index/cardinality.h"
#include "storage/index/label_index.h"
#include "storage/memory/memory_facts.h"

namespace vedette::storage {
namespace {

/// A sample with the number of the commit that wrote it. Of one time there may be several: a querier takes the newest
/// it may see, which is the resolved one.
struct VersionedSample {
  TimeMs time;
  double value;
  std::uint64_t commit;
  std::uint64_t deleted = UINT64_MAX;  // not seen by queriers from this commit on

  bool IsSeenBy(std::uint64_t querier) const { return commit <= querier && querier < deleted; }
  bool IsDeleted() const { return deleted != UINT64_MAX; }
};

struct VersionedHistogram {
  TimeMs time;
  Histogram value;
  std::uint64_t commit;
  std::uint64_t deleted = UINT64_MAX;

  bool IsSeenBy(std::uint64_t querier) const { return commit <= querier && querier < deleted; }
  bool IsDeleted() const { return deleted != UINT64_MAX; }
};

/// Everything a store holds, shared so that queriers may outlive it in a test's clean-up.
struct Data {
  mutable std::shared_mutex mutex;
  LabelIndex index;
  std::unordered_map<Labels, SeriesId> ids;
  struct Series {
    Labels labels;
    std::vector<VersionedSample> samples;  // by time, then commit
    std::vector<VersionedHistogram> histograms;
  };
  std::vector<Series> series;  // SeriesId n is element n - 1
  std::uint64_t commits = 0;
  MemoryFacts facts;
  ChangeLog changes;

  const Series* Find(SeriesId id) const {
    const auto n = static_cast<std::uint64_t>(id);
    return n == 0 || n > series.size() ? nullptr : &series[n - 1];
  }
};

bool IsSame(double a, double b) { return SameBits(a, b); }
bool IsSame(const Histogram& a, const Histogram& b) { return SameHistogram(a, b); }

template <class Versioned>
void Store(std::vector<Versioned>& samples, Versioned sample, AppendOutcome& outcome) {
  const auto after = samples.empty() || samples.back().time < sample.time
                         ? samples.end()
                         : std::ranges::upper_bound(samples, sample.time, {}, &Versioned::time);
  if (after == samples.begin() || std::prev(after)->time != sample.time || std::prev(after)->IsDeleted()) {
    samples.insert(after, sample);
    ++outcome.stored;
    return;
  }
  const auto there = std::prev(after)->value;
  if (IsSame(there, sample.value)) {
    ++outcome.duplicates;
    return;
  }
  ++outcome.conflicts;
  if (IsSame(ResolveDuplicate(there, sample.value), sample.value)) samples.insert(after, std::move(sample));
}

class MemoryAppender final : public BatchAppender {
 public:
  MemoryAppender(Data& data, const StorageOptions& options, const Clock& clock, const AppendOptions& append)
      : data_(data), options_(options), clock_(clock), append_(append) {}

  Result<SeriesId> Series(const Labels& labels) override {
    VEDETTE_CHECK(ValidateSeries(labels));
    const std::lock_guard lock(data_.mutex);
    const auto known = data_.ids.find(labels);
    if (known != data_.ids.end()) return known->second;
    if (options_.max_series != 0 && data_.series.size() >= options_.max_series) {
      return Fail(Code::kLimit, "series {} refused: storage.max_series is {}", labels.ToString(), options_.max_series);
    }
    data_.series.push_back({labels, {}, {}});
    const auto id = SeriesId(data_.series.size());
    data_.ids.emplace(labels, id);
    data_.index.Add(id, labels);
    return id;
  }

  SeriesId FindSeries(const Labels& labels) override {
    const std::shared_lock lock(data_.mutex);
    const auto known = data_.ids.find(labels);
    return known == data_.ids.end() ? SeriesId::kNone : known->second;
  }

  Result<AppendOutcome> Commit() override {
    AppendOutcome outcome;
    batch_.DropOutside(clock_.Now(), options_, append_, outcome);
    const ChangeLog::Change change(data_.changes, batch_.Earliest());
    const std::lock_guard lock(data_.mutex);
    const std::uint64_t commit = ++data_.commits;
    for (const AppendBatch::Row& row : batch_.rows) {
      for (std::size_t i = row.begin; i < row.end; ++i) {
        const auto n = static_cast<std::uint64_t>(batch_.series[i]);
        if (n == 0 || n > data_.series.size()) {
          ++outcome.unknown;
        } else {
          Store(data_.series[n - 1].samples, {row.time, batch_.values[i], commit}, outcome);
        }
      }
    }
    for (AppendBatch::HistogramSample& sample : batch_.histograms) {
      const auto n = static_cast<std::uint64_t>(sample.series);
      if (n == 0 || n > data_.series.size()) {
        ++outcome.unknown;
      } else {
        VersionedHistogram fresh{sample.time, std::move(sample.histogram), commit};
        Store(data_.series[n - 1].histograms, std::move(fresh), outcome);
      }
    }
    data_.facts.Add(batch_.facts, data_.series.size(), options_.max_exemplars, outcome);
    batch_.Clear();
    return outcome;
  }

 private:
  Data& data_;
  const StorageOptions& options_;
  const Clock& clock_;
  const AppendOptions append_;
};

class MemoryBulkWriter final : public BulkWriter {
 public:
  MemoryBulkWriter(Data& data, const StorageOptions& options, const Clock& clock)
      : appender_(data, options, clock, {}) {}

  Result<SeriesId> Series(const Labels& labels) override { return appender_.Series(labels); }
  Status Add(SeriesId series, Columns& samples) override {
    for (std::size_t i = 0; i < samples.size(); ++i) appender_.Add(series, TimeMs(samples.times[i]), samples.values[i]);
    samples.clear();
    return Ok();
  }
  Status AddHistograms(SeriesId series, HistogramColumns& samples) override {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      appender_.AddHistogram(series, TimeMs(samples.times[i]), std::move(samples.histograms[i]));
    }
    samples.clear();
    return Ok();
  }
  Result<BulkOutcome> Flush() override {
    VEDETTE_TRY(const AppendOutcome outcome, appender_.Commit());
    return BulkOutcome{outcome.stored + outcome.duplicates + outcome.conflicts, outcome.too_old, outcome.too_new};
  }

 private:
  MemoryAppender appender_;
};

class MemoryQuerier final : public Querier {
 public:
  MemoryQuerier(std::shared_ptr<const Data> data, TimeRange range, std::uint64_t commit)
      : data_(std::move(data)), range_(range), commit_(commit) {}

  Result<std::vector<SeriesEntry>> Select(std::span<const Matcher> matchers, std::size_t max_series) const override {
    const std::shared_lock lock(data_->mutex);
    VEDETTE_TRY(const Selection selection, SelectSeries(data_->index, matchers));
    std::vector<SeriesEntry> out;
    for (const SeriesId id : selection.ids) {
      const Data::Series& series = *data_->Find(id);
      if (!selection.Accepts(series.labels) || !HasSamples(series)) continue;
      if (max_series != 0 && out.size() == max_series) {
        return Fail(Code::kLimit, "the selector matches more than {} series", max_series);
      }
      out.push_back({id, series.labels});
    }
    std::ranges::sort(out, [](const SeriesEntry& a, const SeriesEntry& b) { return a.labels < b.labels; });
    return out;
  }

  Status Read(SeriesId id, TimeRange range, Columns& out) const override {
    const std::shared_lock lock(data_->mutex);
    if (const Data::Series* series = data_->Find(id)) ReadSeen(series->samples, range, out.times, out.values);
    return Ok();
  }

  Status ReadMixed(SeriesId id, TimeRange range, Columns& floats, HistogramColumns& histograms) const override {
    const std::size_t first = floats.size(), first_histogram = histograms.size();
    VEDETTE_CHECK(Read(id, range, floats));
    const std::shared_lock lock(data_->mutex);
    const Data::Series* series = data_->Find(id);
    if (series == nullptr) return Ok();
    ReadSeen(series->histograms, range, histograms.times, histograms.histograms);
    ResolveMixed(floats, first, histograms, first_histogram);
    return Ok();
  }

  Result<std::vector<SeriesExemplars>> Exemplars(std::span<const std::vector<Matcher>> selectors,
                                                 TimeRange range) const override {
    range = {std::max(range.min, range_.min), std::min(range.max, range_.max)};
    const std::shared_lock lock(data_->mutex);
    return data_->facts.Exemplars(selectors, range, [&](SeriesId id) { return data_->Find(id)->labels; });
  }
  Status ReadStarts(SeriesId series, std::vector<StartTime>& out) const override {
    const std::shared_lock lock(data_->mutex);
    data_->facts.ReadStarts(series, out);
    return Ok();
  }
  Status VisitMetadata(const MetadataQuery& query,
                       const std::function<bool(const MetadataEntry&)>& visit) const override {
    const std::shared_lock lock(data_->mutex);
    data_->facts.VisitMetadata(query, visit);
    return Ok();
  }

  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, std::size_t limit) const override {
    return Collect(matchers, limit, [](const Labels& labels, std::set<std::string>& out) {
      for (const LabelView label : labels) out.emplace(label.name);
    });
  }

  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                               std::size_t limit) const override {
    return Collect(matchers, limit, [&](const Labels& labels, std::set<std::string>& out) {
      if (labels.Has(name)) out.emplace(labels.Get(name));
    });
  }

 private:
  template <class Versioned, class Values>
  void ReadSeen(const std::vector<Versioned>& samples, TimeRange range, Column<std::int64_t>& times,
                Values& values) const {
    const std::size_t first = times.size();
    const TimeMs from = std::max(range.min, range_.min), to = std::min(range.max, range_.max);
    auto at = std::ranges::lower_bound(samples, from, {}, &Versioned::time);
    for (; at != samples.end() && at->time <= to; ++at) {
      if (!at->IsSeenBy(commit_)) continue;
      if (times.size() > first && times.back() == at->time.ms) {
        values.back() = at->value;
      } else {
        times.push_back(at->time.ms);
        values.push_back(at->value);
      }
    }
  }

  template <class Versioned>
  bool HasAny(const std::vector<Versioned>& samples) const {
    auto at = std::ranges::lower_bound(samples, range_.min, {}, &Versioned::time);
    for (; at != samples.end() && at->time <= range_.max; ++at) {
      if (at->IsSeenBy(commit_)) return true;
    }
    return false;
  }
  bool HasSamples(const Data::Series& series) const { return HasAny(series.samples) || HasAny(series.histograms); }

  template <class Take>
  Result<std::vector<std::string>> Collect(std::span<const Matcher> matchers, std::size_t limit, Take take) const {
    VEDETTE_TRY(const std::vector<SeriesEntry> found, Select(matchers, 0));
    std::set<std::string> texts;
    for (const SeriesEntry& entry : found) take(entry.labels, texts);
    std::vector<std::string> out(texts.begin(), texts.end());
    if (limit != 0 && out.size() > limit) out.resize(limit);
    return out;
  }

  std::shared_ptr<const Data> data_;
  TimeRange range_;
  std::uint64_t commit_;
};

class MemoryStorage final : public MemoryStore {
 public:
  MemoryStorage(const StorageOptions& options, const Clock& clock) : options_(options), clock_(clock) {}

  std::unique_ptr<Appender> NewAppender(const AppendOptions& append) override {
    return std::make_unique<MemoryAppender>(*data_, options_, clock_, append);
  }

  std::unique_ptr<Querier> NewQuerier(TimeRange range) const override {
    const std::shared_lock lock(data_->mutex);
    return std::make_unique<MemoryQuerier>(data_, range, data_->commits);
  }

  ChangeLog* ChangesByTime() const override { return &data_->changes; }

  StoreStats Stats(std::size_t top) const override {
    const std::shared_lock lock(data_->mutex);
    StoreStats stats;
    stats.head_series = data_->series.size();
    data_->index.FillStats(top, stats);
    for (const Data::Series& series : data_->series) {
      const auto count = [&](const auto& samples) {
        if (samples.empty()) return;
        ++stats.head_chunks;
        const TimeRange range{samples.front().time, samples.back().time};
        if (!stats.head_range) stats.head_range = range;
        stats.head_range->min = std::min(stats.head_range->min, range.min);
        stats.head_range->max = std::max(stats.head_range->max, range.max);
      };
      count(series.samples);
      count(series.histograms);
    }
    return stats;
  }

  Result<StoreStats> Cardinality(const CardinalityQuery& query) const override {
    if (query.day) return Fail(Code::kUnavailable, "a store in memory has no index by day");
    StoreStats stats = Stats(query.top);
    const std::shared_lock lock(data_->mutex);
    VEDETTE_CHECK(CountCardinality(data_->index, query, stats));
    return stats;
  }

  std::unique_ptr<BulkWriter> NewBulkWriter() override {
    return std::make_unique<MemoryBulkWriter>(*data_, options_, clock_);
  }

  Status Delete(std::span<const Matcher> matchers, TimeRange range) override {
    const ChangeLog::Change change(data_->changes, range.min);
    const std::lock_guard lock(data_->mutex);
    VEDETTE_TRY(const Selection selection, SelectSeries(data_->index, matchers));
    const std::uint64_t commit = ++data_->commits;
    for (const SeriesId id : selection.ids) {
      Data::Series& series = data_->series[static_cast<std::uint64_t>(id) - 1];
      if (!selection.Accepts(series.labels)) continue;
      const auto remove = [&](auto& samples) {
        for (auto& sample : samples) {
          if (range.Contains(sample.time) && !sample.IsDeleted()) sample.deleted = commit;
        }
      };
      remove(series.samples);
      remove(series.histograms);
      data_->facts.DeleteExemplars(id, range);
    }
    return Ok();
  }
  Status CleanTombstones() override { return Ok(); }
  Result<std::string> Snapshot() override { return Fail(Code::kUnavailable, "a store in memory has no files"); }

  Status Flush() override { return Ok(); }

 private:
  const StorageOptions options_;
  const Clock& clock_;
  const std::shared_ptr<Data> data_ = std::make_shared<Data>();
};

}  // namespace

std::unique_ptr<MemoryStore> NewMemoryStorage(const StorageOptions& options, const Clock& clock) {
  return std::make_unique<MemoryStorage>(options, clock);
}

}  // namespace vedette::storage
