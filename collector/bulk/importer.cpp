#include "collector/bulk/importer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "collector/bulk/json_series.h"
#include "collector/exposition/number.h"
#include "collector/exposition/series_labels.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr std::size_t kNamedBadLines = 20;
/// Of a float in the buffer: what `max_buffered` counts in.
constexpr std::size_t kSampleBytes = 16;
/// A line longer than this is no line: the file is something else.
constexpr std::size_t kMaxLineBytes = 64 << 20;

Result<Labels> MakeLabels(std::vector<std::pair<std::string, std::string>> raw) {
  std::ranges::sort(raw);
  std::vector<LabelView> views;
  for (const auto& [name, value] : raw) {
    if (!views.empty() && views.back().name == name) {
      return Fail(Code::kBadData, "label {} is given twice", Quote(name));
    }
    if (!value.empty()) views.push_back({name, value});
  }
  return Labels::FromSorted(views);
}

/// A value and a time in the plain notation that nearly all lines have, and nothing behind them. False says nothing
/// about the validity of the line.
bool ReadPlain(std::string_view text, bool seconds, double& value, std::int64_t& time) {
  const char* at = text.data();
  const char* const end = at + text.size();
  at = ParsePlainDecimal(at, end, value);
  if (at == nullptr || at == end || *at != ' ') return false;
  double number = 0;
  at = ParsePlainDecimal(at + 1, end, number);
  if (at != end) return false;
  if (seconds) number = number * 1000 + (number < 0 ? -0.5 : 0.5);
  time = static_cast<std::int64_t>(number);
  return true;
}

/// Fields of a line, in double quotes where they hold commas. False: a quote is not closed.
bool SplitCsv(std::string_view line, std::vector<std::string>& out) {
  out.clear();
  for (std::size_t at = 0;;) {
    std::string& field = out.emplace_back();
    if (at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        if (at == line.size()) return false;
        if (line[at] == '"' && (at + 1 == line.size() || line[at + 1] != '"')) break;
        if (line[at] == '"') ++at;
        field.push_back(line[at]);
      }
      ++at;
      if (at < line.size() && line[at] != ',') return false;
    } else {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      field = line.substr(at, comma - at);
      at = comma;
    }
    if (at == line.size()) return true;
    ++at;
  }
}

}  // namespace

Result<BulkFormat> ParseBulkFormat(std::string_view text) {
  if (text == "text") return BulkFormat::kText;
  if (text == "openmetrics") return BulkFormat::kOpenMetrics;
  if (text == "jsonl") return BulkFormat::kJsonLines;
  if (text == "csv") return BulkFormat::kCsv;
  return Fail(Code::kBadData, "format {} is none of text, openmetrics, jsonl, csv", Quote(text));
}

Importer::Importer(storage::BulkWriter& writer, BulkFormat format, std::size_t max_buffered)
    : writer_(writer), format_(format), max_buffered_(max_buffered) {}

Status Importer::Feed(std::string_view bytes) {
  if (!rest_.empty()) {
    const std::size_t end = bytes.find('\n');
    rest_.append(bytes.substr(0, end));
    if (rest_.size() > kMaxLineBytes) {
      return Fail(Code::kBadData, "line {} is longer than {} bytes", report_.lines + 1, kMaxLineBytes);
    }
    if (end == std::string_view::npos) return Ok();
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(rest_, {});
    VEDETTE_CHECK(Line(line));
  }
  while (!bytes.empty()) {
    const auto* const end = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    if (end == nullptr) {
      rest_ = bytes;
      return Ok();
    }
    const auto size = static_cast<std::size_t>(end - bytes.data());
    VEDETTE_CHECK(Line(bytes.substr(0, size)));
    bytes.remove_prefix(size + 1);
  }
  return Ok();
}

/// Only what the writer says is an error: a line that cannot be read is noted.
Status Importer::Line(std::string_view line) {
  ++report_.lines;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) return Ok();
  Status read = Ok();
  switch (format_) {
    case BulkFormat::kText:
    case BulkFormat::kOpenMetrics:
      read = TextLine(line);
      break;
    case BulkFormat::kJsonLines:
      read = JsonLine(line);
      break;
    case BulkFormat::kCsv:
      read = columns_.empty() ? CsvHead(line) : CsvLine(line);
      break;
  }
  if (!read) {
    const Code code = read.error().code;
    if (code == Code::kIo || code == Code::kUnavailable || code == Code::kCorruption) return read;
    if (++report_.bad_lines <= kNamedBadLines) report_.first_bad.push_back({report_.lines, read.error().message});
  }
  return buffered_ < max_buffered_ ? Ok() : Drain();
}

Importer::Series* Importer::Guess(std::string_view line) {
  // Files are ordered by series, or by time with the series in the same order each time.
  for (const std::size_t i : {last_, last_ + 1}) {
    if (i >= series_.size()) break;
    const std::string& text = series_[i]->text;
    if (line.size() <= text.size() || line[text.size()] != ' ') continue;
    if (std::memcmp(line.data(), text.data(), text.size()) != 0) continue;
    last_ = i;
    return series_[i].get();
  }
  return nullptr;
}

Status Importer::TextLine(std::string_view line) {
  if (ended_) return Fail(Code::kBadData, "text behind # EOF");
  const bool openmetrics = format_ == BulkFormat::kOpenMetrics;
  double value = 0;
  std::int64_t time = 0;
  if (Series* series = Guess(line);
      series != nullptr && ReadPlain(line.substr(series->text.size() + 1), openmetrics, value, time)) {
    Add(*series, time, value);
    return Ok();
  }
  if (line == "# EOF" && openmetrics) {
    ended_ = true;
    return Ok();
  }
  // The parser of scrapes decides about everything that is not plain. It knows no time before 1970; exports do.
  std::string body = std::string(line) + "\n";
  const std::size_t sign = line.rfind(' ') + 1;
  const bool before_1970 = sign != 0 && sign < line.size() && line[sign] == '-' && !openmetrics;
  if (before_1970) body.erase(sign, 1);
  ExpositionParser parser(body, openmetrics ? ExpositionFormat::kOpenMetrics : ExpositionFormat::kText);
  switch (parser.Next()) {
    case ExpositionParser::Event::kSeries:
      break;
    case ExpositionParser::Event::kType:
      type_ = parser.type();
      return Ok();
    case ExpositionParser::Event::kError: {
      // It counts lines of its own.
      std::string text = parser.error().message;
      return Fail(Code::kBadData, "{}", text);
    }
    default:
      return Ok();
  }
  if (!parser.timestamp()) return Fail(Code::kBadData, "no time behind the value");
  VEDETTE_TRY(Series * series, FindText(parser.series(), type_));
  const std::int64_t ms = parser.timestamp()->ms;
  Add(*series, before_1970 ? -ms : ms, parser.value());
  return Ok();
}

Result<Importer::Series*> Importer::FindText(std::string_view text, MetricType type) {
  if (const auto known = by_text_.find(text); known != by_text_.end()) {
    last_ = known->second;
    return series_[last_].get();
  }
  VEDETTE_TRY(RawLabels raw, ParseSeriesLabels(text, type));
  VEDETTE_TRY(const Labels labels, MakeLabels(std::move(raw)));
  return FindLabels(std::string(text), labels);
}

Result<Importer::Series*> Importer::FindLabels(std::string key, const Labels& labels) {
  if (const auto known = by_text_.find(key); known != by_text_.end()) return series_[known->second].get();
  VEDETTE_TRY(const storage::SeriesId id, writer_.Series(labels));
  auto series = std::make_unique<Series>();
  series->text = std::move(key);
  series->id = id;
  last_ = series_.size();
  by_text_.emplace(series->text, last_);
  ++report_.series;
  return series_.emplace_back(std::move(series)).get();
}

Status Importer::JsonLine(std::string_view line) {
  VEDETTE_TRY(JsonSeries read, ParseJsonSeries(line));
  VEDETTE_TRY(const Labels labels, MakeLabels(std::move(read.labels)));
  VEDETTE_TRY(Series * series, FindLabels(labels.ToString(), labels));
  if (read.histograms.size() > 0) {
    AddHistograms(*series, std::move(read.histograms));
    return Ok();
  }
  storage::Columns& samples = series->samples;
  report_.samples += read.samples.size();
  buffered_ += read.samples.size();
  if (samples.size() == 0 && samples.times.capacity() < read.samples.size()) {
    samples = std::move(read.samples);
    return Ok();
  }
  samples.times.insert(samples.times.end(), read.samples.times.begin(), read.samples.times.end());
  samples.values.insert(samples.values.end(), read.samples.values.begin(), read.samples.values.end());
  return Ok();
}

void Importer::AddHistograms(Series& series, storage::HistogramColumns read) {
  report_.samples += read.size();
  for (const Histogram& histogram : read.histograms) {
    buffered_ += sizeof(Histogram) / kSampleBytes + histogram.counts.size() / 2;
  }
  storage::HistogramColumns& all = series.histograms;
  all.times.insert(all.times.end(), read.times.begin(), read.times.end());
  all.histograms.insert(all.histograms.end(), std::make_move_iterator(read.histograms.begin()),
                        std::make_move_iterator(read.histograms.end()));
}

Status Importer::CsvHead(std::string_view line) {
  std::vector<std::string> columns;
  if (!SplitCsv(line, columns)) return Fail(Code::kBadData, "a quote is not closed");
  for (const char* needed : {"timestamp", "value"}) {
    if (std::ranges::count(columns, needed) != 1) {
      return Fail(Code::kBadData, "the head line needs one column {}", Quote(needed));
    }
  }
  columns_ = std::move(columns);
  return Ok();
}

Status Importer::CsvLine(std::string_view line) {
  std::vector<std::string> fields;
  if (!SplitCsv(line, fields)) return Fail(Code::kBadData, "a quote is not closed");
  if (fields.size() != columns_.size()) {
    return Fail(Code::kBadData, "{} columns instead of {}", fields.size(), columns_.size());
  }
  RawLabels raw;
  std::optional<double> value, time;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (columns_[i] == "timestamp") {
      time = ParseFloat(fields[i]);
    } else if (columns_[i] == "value") {
      value = ParseSampleValue(fields[i]);
    } else {
      raw.emplace_back(columns_[i], fields[i]);
    }
  }
  if (!value) return Fail(Code::kBadData, "the value is not a number");
  // Beyond this the conversion is undefined.
  if (!time || !(std::abs(*time) < 9e18)) return Fail(Code::kBadData, "the timestamp is not a time in ms");
  VEDETTE_TRY(const Labels labels, MakeLabels(std::move(raw)));
  VEDETTE_TRY(Series * series, FindLabels(labels.ToString(), labels));
  Add(*series, static_cast<std::int64_t>(*time), *value);
  return Ok();
}

Status Importer::Drain() {
  for (const auto& series : series_) {
    if (series->samples.size() > 0) VEDETTE_CHECK(writer_.Add(series->id, series->samples));
  }
  for (const auto& series : series_) {
    if (series->histograms.size() > 0) VEDETTE_CHECK(writer_.AddHistograms(series->id, series->histograms));
  }
  VEDETTE_TRY(const storage::BulkOutcome outcome, writer_.Flush());
  report_.outcome.stored += outcome.stored;
  report_.outcome.too_old += outcome.too_old;
  report_.outcome.too_new += outcome.too_new;
  buffered_ = 0;
  return Ok();
}

Result<ImportReport> Importer::Finish() {
  if (!rest_.empty()) {
    const std::string line = std::exchange(rest_, {});
    VEDETTE_CHECK(Line(line));
  }
  VEDETTE_CHECK(Drain());
  return report_;
}

}  // namespace vedette::collector
