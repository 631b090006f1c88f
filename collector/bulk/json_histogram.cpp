#include "collector/bulk/json_histogram.h"

#include <cmath>
#include <span>

#include "core/numbers.h"

namespace vedette::collector {
namespace {

/// Reads one histogram, key by key.
class HistogramReader {
 public:
  explicit HistogramReader(JsonScanner& in) : in_(in) {}

  bool Read() {
    if (!in_.Take('{')) return false;
    do {
      if (!in_.String(key_) || !in_.Take(':') || !Field()) return false;
    } while (in_.Take(','));
    // Before memory is spent on the next one: what spans name is longer than their text.
    if (!in_.Take('}') || positive_.size() != layout_.positive.size() || negative_.size() != layout_.negative.size()) {
      return false;
    }
    out_.counts = std::move(positive_);
    out_.counts.insert(out_.counts.end(), negative_.begin(), negative_.end());
    return true;
  }

  HistogramLayout& layout() { return layout_; }
  Histogram& histogram() { return out_; }

 private:
  bool Field() {
    if (key_ == "schema") return Small(layout_.schema);
    if (key_ == "zero_threshold") return in_.Number(layout_.zero_threshold);
    if (key_ == "bounds") return Numbers(layout_.bounds);
    if (key_ == "positive_spans") return Spans(layout_.positive);
    if (key_ == "negative_spans") return Spans(layout_.negative);
    if (key_ == "positive") return Numbers(positive_);
    if (key_ == "negative") return Numbers(negative_);
    if (key_ == "count") return in_.Number(out_.count);
    if (key_ == "sum") return in_.Number(out_.sum);
    if (key_ == "zero_count") return in_.Number(out_.zero_count);
    if (key_ == "integers") return in_.Bool(out_.integers);
    int reset = 0;
    if (key_ != "reset" || !Small(reset) || reset < 0 || reset > static_cast<int>(CounterReset::kGauge)) return false;
    out_.reset = static_cast<CounterReset>(reset);
    return true;
  }

  bool Small(int& out) {
    std::int64_t value = 0;
    if (!in_.Integer(value) || value < INT32_MIN || value > INT32_MAX) return false;
    out = static_cast<int>(value);
    return true;
  }

  bool Numbers(std::vector<double>& out) {
    return JsonArray(in_, [&] { return out.size() < kMaxHistogramBuckets && in_.Number(out.emplace_back()); });
  }

  bool Spans(std::vector<std::int32_t>& out) {
    std::vector<BucketSpan> spans;
    bool is_length = false;
    const bool read = JsonArray(in_, [&] {
      int value = 0;
      if (!Small(value)) return false;
      if (is_length && value < 0) return false;
      if (is_length) {
        spans.back().length = static_cast<std::uint32_t>(value);
      } else {
        spans.push_back({value, 0});
      }
      is_length = !is_length;
      return true;
    });
    return read && !is_length && out.empty() && AppendSpans(spans, out).has_value();
  }

  JsonScanner& in_;
  std::string key_;
  HistogramLayout layout_;
  Histogram out_;
  std::vector<double> positive_, negative_;
};

template <class Number, class Append>
void AppendArray(std::string& out, std::string_view key, std::span<const Number> values, Append append) {
  out.append(",\"").append(key).append("\":[");
  const char* separator = "";
  for (const Number& value : values) {
    out += separator;
    separator = ",";
    append(value);
  }
  out.push_back(']');
}

}  // namespace

bool ReadJsonHistogram(JsonScanner& in, std::vector<Histogram>& out) {
  HistogramReader reader(in);
  if (!reader.Read()) return false;
  Histogram& histogram = reader.histogram();
  if (!out.empty() && *out.back().layout == reader.layout()) {
    histogram.layout = out.back().layout;
  } else {
    histogram.layout = std::make_shared<const HistogramLayout>(std::move(reader.layout()));
  }
  out.push_back(std::move(histogram));
  return true;
}

void AppendJsonNumber(std::string& out, double value) {
  if (std::isfinite(value)) {
    AppendSampleValue(out, value);
  } else {
    out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  }
}

void AppendJsonHistogram(std::string& out, const Histogram& histogram) {
  const HistogramLayout& layout = *histogram.layout;
  out += fmt::format("{{\"schema\":{},\"zero_threshold\":", layout.schema);
  AppendJsonNumber(out, layout.zero_threshold);
  out += fmt::format(",\"integers\":{},\"reset\":{}", histogram.integers, static_cast<int>(histogram.reset));
  for (const auto& [key, value] : {std::pair("count", histogram.count), std::pair("sum", histogram.sum),
                                   std::pair("zero_count", histogram.zero_count)}) {
    out.append(",\"").append(key).append("\":");
    AppendJsonNumber(out, value);
  }
  const auto number = [&](double value) { AppendJsonNumber(out, value); };
  const auto span = [&](const BucketSpan& value) { out += fmt::format("{},{}", value.offset, value.length); };
  const std::span<const double> counts = histogram.counts;
  const std::vector<BucketSpan> positive = SpansOf(layout.positive), negative = SpansOf(layout.negative);
  if (layout.custom()) AppendArray(out, "bounds", std::span<const double>(layout.bounds), number);
  AppendArray(out, "positive_spans", std::span(positive), span);
  AppendArray(out, "positive", counts.first(layout.positive.size()), number);
  AppendArray(out, "negative_spans", std::span(negative), span);
  AppendArray(out, "negative", counts.subspan(layout.positive.size()), number);
  out.push_back('}');
}

}  // namespace vedette::collector
