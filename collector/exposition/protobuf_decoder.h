// The fields of a Metric message and of what is in it. Part of ProtobufParser.
#pragma once

#include <string>
#include <string_view>

#include "collector/exposition/parser.h"
#include "collector/exposition/protobuf_metric.h"
#include "collector/push/wire.h"

namespace vedette::collector {

class MetricDecoder {
 public:
  /// Of a metric only what belongs to `type` is read. `gathered`: holds the label bytes when they stand apart.
  MetricDecoder(MetricType type, ProtobufMetric& out, std::string& gathered)
      : type_(type), out_(out), gathered_(gathered) {}

  /// False for malformed bytes; then bad() and bad_at() say what and where. `out` has been cleared.
  bool Read(std::string_view metric);
  std::string_view bad() const { return bad_; }
  const char* bad_at() const { return bad_at_; }

 private:
  void AddLabel(const char* begin, const char* end);
  bool ReadValue(std::string_view bytes);
  bool ReadCounter(std::string_view bytes);
  bool ReadSummary(std::string_view bytes);
  bool ReadQuantile(std::string_view bytes);
  bool ReadHistogram(std::string_view bytes);
  bool ReadHistogramField(WireReader& in);
  bool ReadBucket(std::string_view bytes);
  bool ReadSpan(std::string_view bytes, std::vector<BucketSpan>& spans);
  bool ReadDeltas(WireReader& in, std::vector<std::int64_t>& out);
  bool ReadCounts(WireReader& in, std::vector<double>& out);
  bool ReadStart(std::string_view bytes);
  bool Bad(std::string_view what, const char* at);
  /// Done with a message: whether all of it was good.
  bool Done(const WireReader& in, std::string_view what) { return in.ok() || Bad(what, in.at()); }
  /// A field that the caller does not take: skipped, unless it is one of the first `known`, which came in another type.
  bool SkipUnknown(WireReader& in, std::uint32_t known, std::string_view what);

  MetricType type_;
  ProtobufMetric& out_;
  std::string& gathered_;
  std::string_view bad_;
  const char* bad_at_ = nullptr;
};

/// A google.protobuf.Timestamp in ms, clamped. Nothing for malformed bytes.
std::optional<TimeMs> ReadProtobufTime(std::string_view message);

}  // namespace vedette::collector
