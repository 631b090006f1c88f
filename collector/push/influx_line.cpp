#include "collector/push/influx_line.h"

#include <charconv>

#include "core/labels.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr std::size_t kLongestShown = 100;

Error BadLine(std::string_view what, std::string_view text) {
  return Fail(Code::kBadData, "{} in {}", what, Quote(text.substr(0, kLongestShown)));
}

/// How far it is to the first of `ends` that no backslash escapes; the size of the text when there is none. A newline
/// cannot be escaped: reading a bad line never goes beyond its end.
std::size_t FindUnescaped(std::string_view text, std::string_view ends) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && !text.substr(i + 1).starts_with('\n')) {
      ++i;
    } else if (ends.find(text[i]) != std::string_view::npos) {
      return i;
    }
  }
  return text.size();
}

/// Behind the closing quote of a text that begins with one; npos: there is none.
std::size_t EndOfString(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::optional<double> ReadInfluxNumber(std::string_view text) {
  constexpr std::string_view kTrue[] = {"t", "T", "true", "True", "TRUE"};
  constexpr std::string_view kFalse[] = {"f", "F", "false", "False", "FALSE"};
  for (const std::string_view word : kTrue) {
    if (text == word) return 1;
  }
  for (const std::string_view word : kFalse) {
    if (text == word) return 0;
  }
  if (text.ends_with('i') || text.ends_with('u')) text.remove_suffix(1);
  // Words like Inf and NaN are none here.
  if (text.find_first_of("0123456789") == std::string_view::npos) return std::nullopt;
  return ParseFloat(text);
}

}  // namespace

bool InfluxReader::More() {
  while (!rest_.empty()) {
    const std::size_t blank = std::min(rest_.find_first_not_of(" \t\r"), rest_.size());
    rest_.remove_prefix(blank);
    if (rest_.empty() || (rest_[0] != '\n' && rest_[0] != '#')) break;
    EndLine();
  }
  return !rest_.empty();
}

void InfluxReader::EndLine() {
  ++line_;
  const std::size_t end = rest_.find('\n');
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
}

Status InfluxReader::Next(InfluxLine& out) {
  const Status read = Read(out);
  EndLine();
  return read;
}

Status InfluxReader::ReadField(InfluxField& out) {
  const std::size_t equals = FindUnescaped(rest_, "=, \n");
  if (equals == 0 || equals == rest_.size() || rest_[equals] != '=') {
    return BadLine("field without a name or a value", rest_.substr(0, rest_.find('\n')));
  }
  out.key = rest_.substr(0, equals);
  rest_.remove_prefix(equals + 1);
  if (rest_.starts_with('"')) {
    const std::size_t end = EndOfString(rest_);
    if (end == std::string_view::npos) return BadLine("string without an end", rest_.substr(0, rest_.find('\n')));
    for (const char c : rest_.substr(0, end)) line_ += c == '\n' ? 1U : 0U;
    out.value.reset();
    rest_.remove_prefix(end);
    return Ok();
  }
  const std::string_view text = rest_.substr(0, rest_.find_first_of(", \r\n"));
  out.value = ReadInfluxNumber(text);
  if (!out.value) return BadLine("value that is no number", text);
  rest_.remove_prefix(text.size());
  return Ok();
}

Status InfluxReader::Read(InfluxLine& out) {
  out.fields.clear();
  out.time.reset();
  const std::size_t end = FindUnescaped(rest_, " \n");
  out.series = rest_.substr(0, end);
  if (out.series.empty() || out.series[0] == ',') return BadLine("line without a measurement", out.series);
  if (end == rest_.size() || rest_[end] == '\n') return BadLine("line without fields", out.series);
  rest_.remove_prefix(end);
  rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
  for (;;) {
    VEDETTE_CHECK(ReadField(out.fields.emplace_back()));
    if (!rest_.starts_with(',')) break;
    rest_.remove_prefix(1);
  }
  std::string_view time = rest_.substr(0, rest_.find_first_of("\r\n"));
  rest_.remove_prefix(time.size());
  time.remove_prefix(std::min(time.find_first_not_of(' '), time.size()));
  while (time.ends_with(' ')) time.remove_suffix(1);
  if (time.empty()) return Ok();
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(time.data(), time.data() + time.size(), number);
  if (error != std::errc() || stop != time.data() + time.size()) return BadLine("time that is no whole number", time);
  out.time = number;
  return Ok();
}

std::string WithoutInfluxEscapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() &&
        std::string_view(",= \\").find(text[i + 1]) != std::string_view::npos) {
      ++i;
    }
    out += text[i];
  }
  return out;
}

Status ReadInfluxSeries(std::string_view series, std::string& measurement,
                        std::vector<std::pair<std::string, std::string>>& tags) {
  const std::size_t end = FindUnescaped(series, ",");
  measurement = WithoutInfluxEscapes(series.substr(0, end));
  tags.clear();
  for (std::string_view rest = series.substr(end); !rest.empty();) {
    rest.remove_prefix(1);
    const std::string_view tag = rest.substr(0, FindUnescaped(rest, ","));
    rest.remove_prefix(tag.size());
    const std::size_t equals = FindUnescaped(tag, "=");
    if (equals == 0 || equals == tag.size()) return BadLine("tag without a name or a value", series);
    tags.emplace_back(WithoutInfluxEscapes(tag.substr(0, equals)), WithoutInfluxEscapes(tag.substr(equals + 1)));
  }
  return Ok();
}

}  // namespace vedette::collector
