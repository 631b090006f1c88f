// Reading of the protobuf format: which series a family stands for, and how the cache recognises them.
//
// A series is a line of the cache as in text. Its key is a hash of the wire bytes of the metric's labels, seeded by the
// family's name and mixed with what the series is within the metric (the count, the bucket up to 0.5): a steady scrape
// hashes each metric's labels once, as bytes, and compares numbers. The bytes are only looked into when they are new.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "collector/exposition/classic_histogram.h"
#include "collector/exposition/protobuf_parser.h"
#include "collector/scrape/reading.h"

namespace vedette::collector {

class TargetAppender::ProtobufReading final : public Reading {
 public:
  ProtobufReading(TargetAppender& owner, const Scrape& scrape, const ScrapeBody& body);

 private:
  /// What a series is within its metric.
  enum class Part : std::uint8_t { kValue, kCount, kSum, kBucket, kQuantile, kHistogram };

  Status ReadAll() override;
  Status ReadFamily();
  Status ReadMetric();
  Status ReadSummary();
  Status ReadHistogram();
  Status ReadClassic();
  Status TakeConverted();

  Status TakeSeries(Part part, double bound, double value, const std::optional<std::string_view>& exemplar = {});
  Status TakeNative(Histogram histogram);
  LineCache::Key KeyOf(Part part, double bound) const;
  Line* KnownLine(const LineCache::Key& key);
  Result<Line*> SearchLine(const LineCache::Key& key, Part part, double bound);
  Result<RawLabels> LabelsOf(Part part, double bound) const;
  void TakeExemplar(storage::SeriesId series, std::string_view message);
  void TakeHistogramExemplars(storage::SeriesId series);

  bool gauge() const { return parser_.family().type == MetricType::kGaugeHistogram; }

  ProtobufParser parser_;
  std::uint64_t family_seed_ = 0;
  LineCache::Key metric_;  // of the labels
  ClassicHistogram classic_;
  std::vector<std::string_view> shown_;  // exemplars
};

}  // namespace vedette::collector
