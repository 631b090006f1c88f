#include "collector/exposition/series_labels.h"

#include <algorithm>
#include <cmath>

#include "collector/exposition/number.h"
#include "core/labels.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

/// `text` starts with a quote. Returns what is between it and the closing one and removes both from `text`.
std::string_view TakeQuoted(std::string_view& text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  end = std::min(end, text.size());
  const std::string_view inside = text.substr(1, end - 1);
  text.remove_prefix(std::min(end + 1, text.size()));
  return inside;
}

void SkipSeparators(std::string_view& text) {
  const auto at = text.find_first_not_of(" \t,");
  text.remove_prefix(at == std::string_view::npos ? text.size() : at);
}

/// The next `name=` or `"name"=`; a quoted text that no = follows is the metric name.
std::string_view TakeName(std::string_view& text, bool& is_metric) {
  std::string_view name;
  if (text.front() == '"') {
    name = TakeQuoted(text);
  } else {
    const auto end = std::min(text.find_first_of(" \t=,}\""), text.size());
    name = text.substr(0, end);
    text.remove_prefix(std::max<std::size_t>(end, 1));
    if (end == 0) text = {};
  }
  const auto at = text.find_first_not_of(" \t");
  text.remove_prefix(at == std::string_view::npos ? text.size() : at);
  is_metric = text.empty() || text.front() != '=';
  return name;
}

/// `escapable`: what a backslash means something in front of; every other one stays.
std::string ResolveEscapes(std::string_view text, std::string_view escapable) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && escapable.find(text[i + 1]) != std::string_view::npos) {
      ++i;
      out += text[i] == 'n' ? '\n' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

/// A number in float form; a text that is none stays.
std::string InFloatForm(std::string_view text) {
  const std::optional<double> value = ParseFloat(text);
  return value ? FloatForm(*value) : std::string(text);
}

/// The pairs up to a `}`, both of which are removed from `text`; `where` is for messages. A quoted text without a value
/// is the metric name and passed over.
Status TakePairs(std::string_view& text, std::string_view where, MetricType type, RawLabels& labels) {
  for (;;) {
    SkipSeparators(text);
    if (text.empty() || text.front() == '}') break;
    bool is_metric = false;
    const std::string_view name = TakeName(text, is_metric);
    if (is_metric) continue;
    if (name.empty()) return Fail(Code::kBadData, "a label name is empty in {}", Quote(where));
    text.remove_prefix(1);
    SkipSeparators(text);
    if (text.empty() || text.front() != '"') return Fail(Code::kBadData, "label {} has no value", Quote(name));
    std::string value = Unescape(TakeQuoted(text));
    if ((type == MetricType::kHistogram && name == "le") || (type == MetricType::kSummary && name == "quantile")) {
      value = InFloatForm(value);
    }
    labels.emplace_back(Unescape(name), std::move(value));
  }
  text.remove_prefix(std::min<std::size_t>(text.size(), 1));
  return Ok();
}

}  // namespace

Status CheckUniqueNames(const RawLabels& labels) {
  std::vector<std::string_view> names;
  names.reserve(labels.size());
  for (const auto& label : labels) names.push_back(label.first);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) return Fail(Code::kBadData, "label name {} is not unique: invalid sample", Quote(*twice));
  return Ok();
}

std::string FloatForm(double value) {
  if (value == 0) return "0.0";  // also of minus zero
  std::string out;
  AppendGeneral(out, value);
  if (std::isfinite(value) && out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string Unescape(std::string_view text) { return ResolveEscapes(text, "\\n\""); }

std::string UnescapeTextHelp(std::string_view text) { return ResolveEscapes(text, "\\n"); }

std::string_view MetricNameOf(std::string_view series) {
  const auto brace = series.find('{');
  if (brace != 0) {
    const std::string_view name = series.substr(0, brace);
    return name.substr(0, name.find_last_not_of(" \t") + 1);
  }
  for (std::string_view text = series.substr(1);;) {
    SkipSeparators(text);
    if (text.empty() || text.front() == '}') return {};
    bool is_metric = false;
    const std::string_view name = TakeName(text, is_metric);
    if (is_metric) return name;
    text.remove_prefix(1);
    SkipSeparators(text);
    if (text.empty() || text.front() != '"') return {};
    TakeQuoted(text);
  }
}

Result<RawLabels> ParseSeriesLabels(std::string_view series, MetricType type) {
  RawLabels labels;
  const std::string_view metric = MetricNameOf(series);
  if (metric.empty()) return Fail(Code::kBadData, "metric name is missing or empty in {}", Quote(series));
  labels.emplace_back(kMetricName, Unescape(metric));

  const auto brace = series.find('{');
  std::string_view text = brace == std::string_view::npos ? std::string_view() : series.substr(brace + 1);
  VEDETTE_CHECK(TakePairs(text, series, type, labels));
  VEDETTE_CHECK(CheckUniqueNames(labels));
  return labels;
}

Result<storage::Exemplar> ParseExemplar(std::string_view text, TimeMs time) {
  RawLabels labels;
  std::string_view rest = text.substr(std::min<std::size_t>(text.size(), 1));
  VEDETTE_CHECK(TakePairs(rest, text, MetricType::kUnknown, labels));
  VEDETTE_CHECK(CheckUniqueNames(labels));
  rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
  const std::size_t blank = rest.find(' ');
  const auto value = ParseSampleValue(rest.substr(0, blank));
  if (!value) return Fail(Code::kBadData, "exemplar {} has no value", Quote(text));
  if (blank != std::string_view::npos) {
    const auto own = ParseOpenMetricsTime(rest.substr(blank + 1));
    if (!own) return Fail(Code::kBadData, "exemplar {} has no time", Quote(text));
    time = *own;
  }
  LabelsBuilder builder;
  for (const auto& [name, content] : labels) builder.Set(name, content);
  return storage::Exemplar{builder.Build(), *value, time};
}

}  // namespace vedette::collector
