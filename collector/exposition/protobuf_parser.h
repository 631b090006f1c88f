// Reads the Prometheus protobuf format: io.prometheus.client.MetricFamily messages, each behind its length as a varint.
//
// By hand and in place, over bytes that nobody trusts: no message is built, nesting is as deep as the format and no
// deeper, and a length is believed only as far as there are bytes. What a family means as series is the caller's
// business (scrape/protobuf_reading.h); this parser knows fields. It is as lenient as Prometheus': unknown fields are
// skipped, of a field given twice the last counts, messages given twice are merged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/exposition/parser.h"
#include "collector/exposition/protobuf_metric.h"
#include "collector/exposition/series_labels.h"
#include "collector/push/wire.h"
#include "core/result.h"
#include "storage/facts.h"

namespace vedette::collector {

/// One pass over one body, which must outlive the parser. Not thread-safe.
class ProtobufParser {
 public:
  enum class Event : std::uint8_t { kEnd, kFamily, kMetric, kError };

  struct Family {
    std::string_view name, help, unit;
    MetricType type = MetricType::kUnknown;
  };

  explicit ProtobufParser(std::string_view body) : body_(body) {}

  /// A family comes before its metrics, one without any not at all. After kEnd or kError it must not be called again.
  Event Next();

  /// After kFamily and kMetric. Names and help are not checked for UTF-8: that is CheckFamily()'s.
  const Family& family() const { return family_; }
  /// After kMetric; until the next call.
  const ProtobufMetric& metric() const { return metric_; }
  /// Errors: kBadData in Prometheus' words for a name or help text that cannot be.
  Status CheckFamily() const;

  /// After kError: kBadData with the family and the place in the body.
  Error error() const { return error_; }

 private:
  Event NextFamily();
  Event ReadFamily(std::string_view message);
  Event ReadMetric(std::string_view message);
  Event Malformed(std::string_view what, const char* at);

  std::string_view body_;
  std::size_t at_ = 0;     // where the next family begins
  WireReader fields_{{}};  // of the family, while its metrics are handed out
  Family family_;
  std::string gathered_labels_;  // of a metric whose labels stand apart
  ProtobufMetric metric_;
  Error error_{};
};

/// The pairs in `labels` (ProtobufMetric::labels), added to `out`. Errors: kBadData in Prometheus' words.
Status AppendProtobufLabels(std::string_view labels, RawLabels& out);

/// `message`: an Exemplar. Without a time of its own it is from `time`, or, when there is none, nothing comes back.
/// Errors: kBadData for malformed bytes and label names given twice.
Result<std::optional<storage::Exemplar>> ReadProtobufExemplar(std::string_view message, std::optional<TimeMs> time);

}  // namespace vedette::collector
