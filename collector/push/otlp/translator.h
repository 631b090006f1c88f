// OTLP metrics into series and samples of Prometheus' model.
//
// One Translator per request. A point whose series was seen before, in this request or an earlier one, costs a hash of
// what names it; else its labels are made. A metric or point that cannot be translated is refused and explained; the
// others are stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/push/intake.h"
#include "collector/push/otlp/model.h"
#include "collector/push/wire_histogram.h"

namespace vedette::collector::otlp {

class Translator final : public Sink {
 public:
  /// `lookback` of queries: target_info gets a sample in each half of it.
  Translator(Intake& intake, PushBatch& batch, const OtlpOptions& options, Millis lookback);

  Status Charge(std::size_t bytes) override { return batch_.Charge(bytes); }
  Status BeginResource(const Attributes& attributes) override;
  Status BeginScope(const Scope& scope) override;
  Status Take(const Metric& metric) override;
  Status EndResource() override;

  std::size_t taken() const { return taken_; }
  std::size_t refused() const { return refused_; }

 private:
  /// What all series of a metric share.
  struct Family {
    const Metric& metric;
    std::string name;
  };
  using Extra = std::pair<std::string_view, std::string_view>;  // a label that a series has beside its attributes

  Status TakePoint(const Family& family, const Point& point);
  Status TakeNumber(const Family& family, const Point& point);
  Status TakeClassic(const Family& family, const Point& point);
  Status TakeNative(const Family& family, const Point& point);
  Status TakeSummary(const Family& family, const Point& point);
  Result<storage::SeriesId> SeriesOf(const Family& family, const Point& point, std::string_view suffix, Extra extra);
  Result<storage::SeriesId> MakeSeries(const Point& point, std::string_view name, Extra extra,
                                       const SeriesCache::Key& key);
  /// Adds a sample of the series. Nothing happens for kNone.
  void Add(storage::SeriesId series, const Point& point, double value);
  Status AddSample(const Family& family, const Point& point, std::string_view suffix, Extra extra, double value,
                   storage::SeriesId* id = nullptr);
  void AddExemplars(storage::SeriesId series, const Point& point, double above, double up_to);
  void NoteFamily(const Family& family);
  void Refuse(std::size_t points, PushDrop reason, std::string why);
  /// Attributes as labels into `out`. Errors: kBadData for one that cannot be.
  Status AddAttributes(const Attributes& attributes, std::string_view leave_out, LabelsBuilder& out) const;
  Result<Labels> TargetInfoLabels() const;
  Status AddTargetInfo(const Labels& labels);

  Intake& intake_;
  PushBatch& batch_;
  const OtlpOptions& options_;
  const Millis lookback_;
  const std::string settings_;  // everything in the options that changes a name or label
  HistogramBuilder histograms_;

  // Of the resource and scope that metrics belong to now.
  const Attributes* resource_ = nullptr;
  std::string job_, instance_;
  LabelsBuilder promoted_, scope_labels_;
  Labels target_;
  std::string resource_error_, scope_error_;  // not empty: nothing of it can be taken
  std::string context_;                       // bytes that name both, for keys of series
  std::size_t resource_bytes_ = 0;            // of these, those of the resource
  std::uint64_t earliest_ns_ = 0, latest_ns_ = 0;
  bool has_points_ = false;

  std::size_t taken_ = 0, refused_ = 0;
  std::string key_bytes_;  // reused
};

}  // namespace vedette::collector::otlp
