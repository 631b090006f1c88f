#include "collector/exposition/parser.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "collector/exposition/number.h"
#include "core/labels.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr std::size_t kMaxQuotedLine = 120;  // bytes of a line that an error shows

enum : std::uint8_t { kNameStart = 1, kColon = 2, kDigit = 4 };

constexpr std::array<std::uint8_t, 256> MakeClasses() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<std::size_t>(c)] = kNameStart;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<std::size_t>(c)] = kNameStart;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<std::size_t>(c)] = kDigit;
  classes['_'] = kNameStart;
  classes[':'] = kColon;
  return classes;
}
constexpr auto kClasses = MakeClasses();

std::uint8_t ClassOf(char c) { return kClasses[static_cast<unsigned char>(c)]; }

/// Cut so that no UTF-8 sequence is split.
std::string_view CutLine(std::string_view line) {
  std::size_t size = std::min(line.size(), kMaxQuotedLine);
  while (size > 0 && size < line.size() && (static_cast<unsigned char>(line[size]) & 0xc0) == 0x80) --size;
  return line.substr(0, size);
}

}  // namespace

std::string_view MetricTypeName(MetricType type) {
  constexpr std::array<std::string_view, 8> kNames = {"unknown",        "counter", "gauge", "histogram",
                                                      "gaugehistogram", "summary", "info",  "stateset"};
  return kNames[static_cast<std::size_t>(type)];
}

std::optional<double> ParseSampleValue(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  if (ParsePlainDecimal(text.data(), end, value) == end && !text.empty()) return value;
  const std::optional<double> parsed = ParseFloat(text);
  return parsed && std::isnan(*parsed) ? NormalNan() : parsed;
}

ExpositionParser::ExpositionParser(std::string_view body, ExpositionFormat format)
    : begin_(body.data()), at_(begin_), end_(begin_ + body.size()), line_(begin_), format_(format) {}

ExpositionParser::Event ExpositionParser::Next() {
  return format_ == ExpositionFormat::kText ? NextText() : NextOpenMetrics();
}

ExpositionParser::Event ExpositionParser::NextKnown(std::size_t length) {
  line_ = at_;
  const char* const after = at_ + length;
  if (format_ == ExpositionFormat::kOpenMetrics) {
    if (after == end_ || *after != ' ') return Next();
    series_ = {at_, length};
    at_ = after;
    return FinishOpenMetricsSample();
  }
  // A bare name may be the beginning of a longer one, or of one with labels.
  if (after[-1] != '}' && (after == end_ || (*after != ' ' && *after != '\t'))) return Next();
  series_ = {at_, length};
  at_ = after;
  SkipBlanks();
  if (IsAt('{')) {
    at_ = line_;
    return Next();
  }
  return FinishTextSample();
}

void ExpositionParser::SkipKnown(std::size_t length, MetricType type) {
  at_ += length;
  type_ = type;
}

Error ExpositionParser::error() const {
  const auto number = 1 + std::count(begin_, line_, '\n');
  const char* const line_end = std::find(line_, end_, '\n');
  const std::string_view line(line_, static_cast<std::size_t>(line_end - line_));
  return Fail(Code::kBadData, "line {}: {} at column {}: {}", number, expected_, at_ - line_ + 1, Quote(CutLine(line)));
}

ExpositionParser::Event ExpositionParser::FailHere(std::string_view expected) {
  expected_ = expected;
  return Event::kError;
}

bool ExpositionParser::Refuse(std::string_view expected) {
  expected_ = expected;
  return false;
}

void ExpositionParser::SkipBlanks() {
  if (format_ == ExpositionFormat::kOpenMetrics) return;
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
}

bool ExpositionParser::SkipName(bool colons) {
  const std::uint8_t start = kNameStart | (colons ? kColon : 0);
  if (at_ == end_ || (ClassOf(*at_) & start) == 0) return false;
  const std::uint8_t inside = start | kDigit;
  while (at_ != end_ && (ClassOf(*at_) & inside) != 0) ++at_;
  return true;
}

/// From one `"` behind the next that no backslash escapes. Raw line breaks may stand in texts of the old format.
bool ExpositionParser::SkipQuoted() {
  if (!IsAt('"')) return false;
  const bool lines = format_ == ExpositionFormat::kText;
  for (++at_; at_ != end_; ++at_) {
    if (*at_ == '"') return ++at_, true;
    if (*at_ == '\n' && !lines) return false;
    if (*at_ == '\\' && (++at_ == end_ || *at_ == '\n')) return false;
  }
  return false;
}

std::string_view ExpositionParser::Token() const {
  const char* stop = at_;
  const bool text = format_ == ExpositionFormat::kText;
  while (stop != end_ && *stop != ' ' && *stop != '\n' && !(text && (*stop == '\t' || *stop == '{'))) ++stop;
  return {at_, static_cast<std::size_t>(stop - at_)};
}

/// Reads `name`, `name{...}` or `{"name",...}` and leaves at_ behind it.
bool ExpositionParser::ReadSeries() {
  const char* const start = at_;
  const bool has_name = SkipName(true);
  if (!has_name && !IsAt('{')) return Refuse("expected a metric name or '{'");
  const char* series_end = at_;
  SkipBlanks();
  if (IsAt('{')) {
    ++at_;
    if (!ReadLabels(false, has_name)) return false;
    series_end = at_;
  }
  series_ = {start, static_cast<std::size_t>(series_end - start)};
  return IsValidUtf8(series_) || Refuse("invalid UTF-8 in the labels");
}

/// Behind `{`: pairs, and in a series without a name before the brace one quoted text that is the name.
bool ExpositionParser::ReadLabels(bool exemplar, bool has_name) {
  const bool text = format_ == ExpositionFormat::kText;
  for (bool after_comma = false;; after_comma = true) {
    SkipBlanks();
    if (IsAt('}') && (text || !after_comma)) {
      ++at_;
      return has_name || exemplar || Refuse("metric name not set");
    }
    const bool quoted = IsAt('"');
    if (quoted ? !SkipQuoted() : !SkipName(false)) return Refuse("expected label name");
    SkipBlanks();
    if (quoted && !exemplar && (IsAt(',') || IsAt('}'))) {
      if (has_name) return Refuse("metric name already set");
      has_name = true;
    } else {
      if (!IsAt('=')) return Refuse("expected '='");
      ++at_;
      SkipBlanks();
      if (!SkipQuoted()) return Refuse("expected a quoted label value");
      SkipBlanks();
    }
    if (IsAt(',')) {
      ++at_;
    } else if (IsAt('}')) {
      ++at_;
      return has_name || exemplar || Refuse("metric name not set");
    } else if (!text) {
      return Refuse("expected ',' or '}'");
    }
  }
}

bool ExpositionParser::ReadFamily(std::string_view keyword) {
  at_ += keyword.size();
  SkipBlanks();
  const char* const start = at_;
  const bool quoted = IsAt('"');
  if (quoted ? !SkipQuoted() : !SkipName(true)) return Refuse("expected a metric name");
  family_ = {start, static_cast<std::size_t>(at_ - start)};
  if (quoted) family_ = family_.substr(1, family_.size() - 2);
  return true;
}

bool ExpositionParser::ReadType() {
  for (int i = 0; i <= static_cast<int>(MetricType::kStateset); ++i) {
    const auto type = static_cast<MetricType>(i);
    const bool only_open_metrics = type == MetricType::kUnknown || type == MetricType::kGaugeHistogram ||
                                   type == MetricType::kInfo || type == MetricType::kStateset;
    if (only_open_metrics && format_ == ExpositionFormat::kText) continue;
    if (text_ == MetricTypeName(type)) return type_ = type, true;
  }
  if (format_ == ExpositionFormat::kText && text_ == "untyped") return type_ = MetricType::kUnknown, true;
  return Refuse("invalid metric type");
}

bool ExpositionParser::ReadValue(std::string_view after) {
  const char* const stop = ParsePlainDecimal(at_, end_, value_);
  if (stop != nullptr && (stop == end_ || *stop == '\n' || *stop == ' ')) return at_ = stop, true;
  const std::string_view token = Token();
  if (token.empty()) return Refuse(after);
  const std::optional<double> value = ParseSampleValue(token);
  if (!value) return Refuse("expected a number");
  value_ = *value;
  at_ += token.size();
  return true;
}

Result<std::size_t> CountSamples(std::string_view body, ExpositionFormat format) {
  ExpositionParser parser(body, format);
  std::size_t samples = 0;
  for (;;) {
    const auto event = parser.Next();
    if (event == ExpositionParser::Event::kEnd) return samples;
    if (event == ExpositionParser::Event::kError) return parser.error();
    samples += event == ExpositionParser::Event::kSeries ? 1 : 0;
  }
}

}  // namespace vedette::collector
