#include "collector/bulk/json_series.h"

#include <utility>

#include "collector/bulk/json_histogram.h"
#include "collector/bulk/json_scanner.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

bool Metric(JsonScanner& in, std::vector<std::pair<std::string, std::string>>& labels) {
  if (!in.Take('{')) return false;
  if (in.Take('}')) return true;
  do {
    auto& [name, value] = labels.emplace_back();
    if (!in.String(name) || !in.Take(':') || !in.String(value)) return false;
  } while (in.Take(','));
  return in.Take('}');
}

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void AppendMetric(std::string& out, const Labels& labels) {
  out += "{\"metric\":{";
  const char* separator = "";
  for (const LabelView label : labels) {
    out += separator;
    separator = ",";
    AppendJsonString(out, label.name);
    out.push_back(':');
    AppendJsonString(out, label.value);
  }
  out.push_back('}');
}

void AppendTimes(std::string& out, std::span<const std::int64_t> times) {
  out += ",\"timestamps\":[";
  const char* separator = "";
  for (const std::int64_t time : times) {
    out += separator;
    separator = ",";
    out += std::to_string(time);
  }
  out += "]}\n";
}

}  // namespace

Result<JsonSeries> ParseJsonSeries(std::string_view line) {
  JsonScanner in(line);
  JsonSeries out;
  auto& values = out.samples.values;
  auto& times = out.samples.times;
  std::vector<std::size_t> nulls;
  std::string key;
  const auto field = [&]() -> Status {
    if (!in.String(key) || !in.Take(':')) return Fail(Code::kBadData, "a key expected at column {}", in.column());
    bool good = false;
    if (key == "metric") {
      good = Metric(in, out.labels);
    } else if (key == "values") {
      good = JsonArray(in, [&] {
        double& value = values.emplace_back();
        if (!in.TakeNull()) return in.Number(value);
        nulls.push_back(values.size() - 1);
        return true;
      });
    } else if (key == "histograms") {
      good = JsonArray(in, [&] { return ReadJsonHistogram(in, out.histograms.histograms); });
    } else if (key == "timestamps") {
      good = JsonArray(in, [&] { return in.Integer(times.emplace_back()); });
    } else {
      return Fail(Code::kBadData, "unknown key {}", Quote(key));
    }
    return good ? Ok() : Status(Fail(Code::kBadData, "{} is damaged at column {}", Quote(key), in.column()));
  };
  if (!in.Take('{')) return Fail(Code::kBadData, "a JSON object expected");
  do {
    VEDETTE_CHECK(field());
  } while (in.Take(','));
  if (!in.Take('}') || !in.AtEnd())
    return Fail(Code::kBadData, "the end of the object expected at column {}", in.column());
  if (!out.histograms.histograms.empty()) {
    if (!values.empty() || out.histograms.histograms.size() != times.size()) {
      return Fail(Code::kBadData, "{} histograms and {} values with {} timestamps", out.histograms.histograms.size(),
                  values.size(), times.size());
    }
    for (const Histogram& histogram : out.histograms.histograms) VEDETTE_CHECK(ValidateHistogram(histogram));
    out.histograms.times = std::exchange(times, {});
    return out;
  }
  if (values.size() != times.size()) {
    return Fail(Code::kBadData, "{} values with {} timestamps", values.size(), times.size());
  }
  if (nulls.empty()) return out;
  std::size_t kept = 0, null = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (null < nulls.size() && nulls[null] == i) {
      ++null;
      continue;
    }
    times[kept] = times[i];
    values[kept++] = values[i];
  }
  times.resize(kept);
  values.resize(kept);
  return out;
}

void AppendJsonSeries(std::string& out, const Labels& labels, const storage::Columns& samples) {
  AppendMetric(out, labels);
  out += ",\"values\":[";
  const char* separator = "";
  for (const double value : samples.values) {
    out += separator;
    separator = ",";
    AppendJsonNumber(out, value);
  }
  out.push_back(']');
  AppendTimes(out, samples.times);
}

void AppendJsonSeries(std::string& out, const Labels& labels, const storage::HistogramColumns& samples) {
  AppendMetric(out, labels);
  out += ",\"histograms\":[";
  const char* separator = "";
  for (const Histogram& histogram : samples.histograms) {
    out += separator;
    separator = ",";
    AppendJsonHistogram(out, histogram);
  }
  out.push_back(']');
  AppendTimes(out, samples.times);
}

}  // namespace vedette::collector
