// Reads what a scrape target answers: Prometheus text format 0.0.4 and OpenMetrics text 1.0, line by line, in place.
//
// The parser is as lenient as Prometheus' scrape parser, not as strict as the specifications: it checks syntax, not the
// sense of metric families. It hands out views into the body and copies nothing; labels stay text until somebody asks
// for them (series_labels.h). A caller that recognises the beginning of the next line (scrape/line_cache.h) says so,
// and only the number is parsed then.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

/// The protobuf format has a parser of its own, protobuf_parser.h.
enum class ExpositionFormat : std::uint8_t { kText, kOpenMetrics, kProtobuf };

enum class MetricType : std::uint8_t {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateset,
};
/// "unknown", "counter", ... as the API prints them.
std::string_view MetricTypeName(MetricType type);

/// One pass over one body, which must outlive the parser. Not thread-safe.
class ExpositionParser {
 public:
  enum class Event : std::uint8_t { kEnd, kSeries, kType, kHelp, kUnit, kComment, kError };

  /// `format`: one of the two that are text.
  ExpositionParser(std::string_view body, ExpositionFormat format);

  ExpositionFormat format() const { return format_; }

  /// Advances by one line (blank lines are skipped). After kEnd or kError it must not be called again.
  Event Next();

  /// After kSeries. The text that names the series, `name{label="value"}` as written, without the value.
  std::string_view series() const { return series_; }
  double value() const { return value_; }  // a NaN is the ordinary NaN
  /// The time written in the line, in ms; clamped to what TimeMs holds.
  const std::optional<TimeMs>& timestamp() const { return timestamp_; }
  /// What follows " # " in OpenMetrics (checked, not interpreted): `{trace_id="x"} 0.5 1.25`; empty when absent.
  std::string_view exemplar() const { return exemplar_; }

  /// After kType, kHelp, kUnit: the metric family, and the text as written (escapes included).
  std::string_view family() const { return family_; }
  std::string_view text() const { return text_; }
  /// The type said by the last TYPE line, whichever family it named: what Prometheus' parser goes by.
  MetricType type() const { return type_; }

  /// After kError: kBadData with the line's number and text.
  Error error() const;

  /// What has not been read; starts with a line.
  std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }
  /// Steps over empty lines, where the format allows them, so that rest() starts with one that says something.
  void SkipEmptyLines() {
    while (format_ == ExpositionFormat::kText && IsAt('\n')) ++at_;
  }
  /// As Next(), for a caller who knows that the first `length` bytes of rest() are a series text that this parser has
  /// accepted before.
  Event NextKnown(std::size_t length);
  /// Steps over the first `length` bytes of rest(): whole lines that this parser has accepted before as comments or
  /// metadata. `type`: what type() was behind them.
  void SkipKnown(std::size_t length, MetricType type);

 private:
  Event NextText();
  Event TextComment();
  Event FinishTextSample();

  Event NextOpenMetrics();
  Event OpenMetricsComment();
  Event FinishOpenMetricsSample();
  bool ReadOpenMetricsTime();
  bool ReadExemplar();

  bool ReadSeries();
  bool ReadLabels(bool exemplar, bool has_name);
  bool ReadFamily(std::string_view keyword);
  bool ReadType();
  bool ReadValue(std::string_view after);

  void SkipBlanks();
  bool IsAt(char c) const { return at_ != end_ && *at_ == c; }
  bool SkipName(bool colons);
  bool SkipQuoted();
  /// The bytes up to the next separator: blank, line end, or, in the text format, `{`.
  std::string_view Token() const;
  Event FailHere(std::string_view expected);
  bool Refuse(std::string_view expected);

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* line_;  // where the line being read starts
  ExpositionFormat format_;

  std::string_view series_, exemplar_, family_, text_;
  double value_ = 0;
  std::optional<TimeMs> timestamp_;
  MetricType type_ = MetricType::kUnknown;
  std::string_view expected_;  // constant text: what was not found
};

/// Strict reading of a whole body is not this parser's business, but its syntax is checked by going through it.
/// Errors: those of the parser. Result: the number of samples.
Result<std::size_t> CountSamples(std::string_view body, ExpositionFormat format);

}  // namespace vedette::collector
