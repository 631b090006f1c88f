// The samples of one appender between two commits, as rows: one time, many series. Both engines collect them so.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "storage/options.h"
#include "storage/storage.h"

namespace vedette::storage {

/// What a batch says beside its samples.
struct BatchFacts {
  struct ExemplarSample {
    SeriesId series = SeriesId::kNone;
    Exemplar exemplar;
  };
  struct StartSample {
    SeriesId series = SeriesId::kNone;
    TimeMs time, start;
  };
  struct MetadataSample {
    Labels target;
    std::string family;
    TimeMs time;
    std::optional<MetricInfo> info;  // nothing: the target went
  };
  std::vector<ExemplarSample> exemplars;
  std::vector<StartSample> starts;
  std::vector<MetadataSample> metadata;

  bool empty() const { return exemplars.empty() && starts.empty() && metadata.empty(); }
  void Clear() {
    exemplars.clear();
    starts.clear();
    metadata.clear();
  }
};

struct AppendBatch {
  /// A stretch of `series` and `values` that shares one time.
  struct Row {
    TimeMs time;
    std::size_t begin = 0, end = 0;
  };
  struct HistogramSample {
    SeriesId series = SeriesId::kNone;
    TimeMs time;
    Histogram histogram;
  };
  std::vector<Row> rows;
  std::vector<SeriesId> series;
  std::vector<double> values;
  std::vector<HistogramSample> histograms;  // of no row; everything else here speaks of floats
  BatchFacts facts;

  std::size_t size() const { return series.size(); }
  bool empty() const { return series.empty(); }

  void Add(SeriesId id, TimeMs time, double value) {
    if (rows.empty() || rows.back().time != time) rows.push_back({time, series.size(), series.size()});
    series.push_back(id);
    values.push_back(value);
    rows.back().end = series.size();
  }
  void AddRow(TimeMs time, std::span<const SeriesId> ids, std::span<const double> row_values);
  void Clear() {
    rows.clear();
    series.clear();
    values.clear();
    histograms.clear();
    facts.Clear();
  }

  /// The time of the earliest of its samples and start times; TimeMs::Max(): there is none.
  TimeMs Earliest() const;

  /// Puts samples of the same time together when they came series by series, as remote write sends them; rows are then
  /// in the order of their times. Does nothing when the rows are wide already, or times hardly repeat.
  void GroupByTime();

  /// Drops rows and histograms outside what the store takes at `now`, and histograms that are not valid; counts them in
  /// `outcome`. A retention of zero keeps all.
  void DropOutside(TimeMs now, const StorageOptions& options, const AppendOptions& append, AppendOutcome& outcome);
};

/// The part of an appender that collects.
class BatchAppender : public Appender {
 public:
  void Add(SeriesId series, TimeMs time, double value) final { batch_.Add(series, time, value); }
  void Reserve(std::size_t samples) final {
    batch_.series.reserve(batch_.size() + samples);
    batch_.values.reserve(batch_.size() + samples);
  }
  void AddRow(TimeMs time, std::span<const SeriesId> series, std::span<const double> values) final {
    batch_.AddRow(time, series, values);
  }
  void AddHistogram(SeriesId series, TimeMs time, Histogram histogram) final {
    batch_.histograms.push_back({series, time, std::move(histogram)});
  }
  void AddExemplar(SeriesId series, Exemplar exemplar) final {
    batch_.facts.exemplars.push_back({series, std::move(exemplar)});
  }
  void AddStart(SeriesId series, TimeMs time, TimeMs start) final {
    batch_.facts.starts.push_back({series, time, start});
  }
  void SetMetadata(const Labels& target, std::string_view family, TimeMs time, MetricInfo info) final {
    batch_.facts.metadata.push_back({target, std::string(family), time, std::move(info)});
  }
  void EndMetadata(const Labels& target, TimeMs time) final {
    batch_.facts.metadata.push_back({target, {}, time, std::nullopt});
  }

 protected:
  AppendBatch batch_;
};

/// What replaying the histograms costs, in samples.
std::size_t HistogramWeight(std::span<const AppendBatch::HistogramSample> samples);

/// The times that a commit at `now` takes in. Never wraps around.
TimeRange AcceptedTimes(TimeMs now, const StorageOptions& options, const AppendOptions& append);

}  // namespace vedette::storage
