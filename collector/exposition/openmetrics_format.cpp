// The lines of OpenMetrics text 1.0: single blanks only, exemplars, units, and an `# EOF` that must be there.
#include <cmath>

#include "collector/exposition/number.h"
#include "collector/exposition/parser.h"
#include "collector/exposition/series_labels.h"
#include "core/labels.h"

namespace vedette::collector {
namespace {

bool UnitFits(std::string_view family, std::string_view unit) {
  return unit.empty() ||
         (family.size() > unit.size() && family.ends_with(unit) && family[family.size() - unit.size() - 1] == '_');
}

}  // namespace

std::optional<TimeMs> ParseOpenMetricsTime(std::string_view text) {
  const std::optional<double> seconds = ParseSampleValue(text);
  if (!seconds || !std::isfinite(*seconds)) return std::nullopt;
  const double ms = std::trunc(*seconds * 1000);
  constexpr double kEdge = 9223372036854775808.0;  // 2^63
  if (ms >= kEdge) return TimeMs::Max();
  if (ms < -kEdge) return TimeMs::Min();
  return TimeMs(static_cast<std::int64_t>(ms));
}

ExpositionParser::Event ExpositionParser::NextOpenMetrics() {
  line_ = at_;
  if (at_ == end_) return FailHere("data does not end with # EOF");
  if (*at_ == '#') return OpenMetricsComment();
  if (!ReadSeries()) return Event::kError;
  return FinishOpenMetricsSample();
}

ExpositionParser::Event ExpositionParser::OpenMetricsComment() {
  const std::string_view all = rest();
  if (all.starts_with("# EOF")) {
    if (all != "# EOF" && all != "# EOF\n") return FailHere("unexpected data after # EOF");
    at_ = end_;
    return Event::kEnd;
  }
  const Event event = all.starts_with("# HELP ")   ? Event::kHelp
                      : all.starts_with("# TYPE ") ? Event::kType
                      : all.starts_with("# UNIT ") ? Event::kUnit
                                                   : Event::kError;
  if (event == Event::kError) return FailHere("expected # HELP, # TYPE, # UNIT or # EOF");
  if (!ReadFamily("# HELP ")) return Event::kError;
  const std::size_t line_end = rest().find('\n');
  if (!IsAt(' ') || line_end == std::string_view::npos) return FailHere("expected a text after the metric name");
  text_ = rest().substr(1, line_end - 1);
  if (event == Event::kHelp && !IsValidUtf8(text_)) return FailHere("help text is not valid UTF-8");
  if (event == Event::kType && !ReadType()) return Event::kError;
  if (event == Event::kUnit && !UnitFits(family_, text_)) return FailHere("unit is not a suffix of the metric name");
  at_ += line_end + 1;
  return event;
}

/// Behind the series text: ` value`, optional ` seconds`, optional ` # {exemplar} ...`, line end.
ExpositionParser::Event ExpositionParser::FinishOpenMetricsSample() {
  if (!IsAt(' ')) return FailHere("expected value after metric");
  ++at_;
  if (!ReadValue("expected value after metric")) return Event::kError;
  const double value = value_;  // the exemplar's value is read by the same function
  timestamp_.reset();
  exemplar_ = {};
  if (IsAt(' ') && !rest().starts_with(" # {")) {
    ++at_;
    if (!ReadOpenMetricsTime()) return Event::kError;
  }
  if (rest().starts_with(" # {") && !ReadExemplar()) return Event::kError;
  value_ = value;
  if (at_ == end_) return FailHere("data does not end with # EOF");
  if (*at_ != '\n') return FailHere("expected the line's end");
  ++at_;
  return Event::kSeries;
}

bool ExpositionParser::ReadOpenMetricsTime() {
  const std::string_view token = Token();
  const std::optional<TimeMs> time = ParseOpenMetricsTime(token);
  if (!time) return Refuse("expected a timestamp in seconds");
  at_ += token.size();
  timestamp_ = time;
  return true;
}

/// Exemplars belong to counters and buckets, which the name tells.
bool ExpositionParser::ReadExemplar() {
  const std::string_view name = MetricNameOf(series_);
  if (!name.ends_with("_total") && !name.ends_with("_bucket")) return Refuse("metric name does not support exemplars");
  const char* const start = at_ + 3;
  at_ += 4;
  if (!ReadLabels(true, true)) return false;
  if (!IsAt(' ')) return Refuse("expected value after exemplar labels");
  ++at_;
  if (!ReadValue("expected value after exemplar labels")) return false;
  if (IsAt(' ')) {
    const std::optional<TimeMs> time = timestamp_;
    ++at_;
    if (!ReadOpenMetricsTime()) return false;
    timestamp_ = time;
  }
  exemplar_ = {start, static_cast<std::size_t>(at_ - start)};
  return IsValidUtf8(exemplar_) || Refuse("invalid UTF-8 in an exemplar");
}

}  // namespace vedette::collector
