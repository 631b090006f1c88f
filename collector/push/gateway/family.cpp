#include "collector/push/gateway/family.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_set>

#include "collector/exposition/layout_cache.h"
#include "collector/exposition/native_histogram.h"
#include "collector/exposition/protobuf_parser.h"
#include "collector/exposition/strict.h"
#include "collector/push/wire.h"
#include "collector/remote/proto_writer.h"
#include "core/labels.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr std::uint32_t kCounterType = 0, kGaugeType = 1, kSummaryType = 2, kUntypedType = 3, kHistogramType = 4;

/// By MetricType: its name, the field of Metric with its value, and how the text format calls it.
struct GatewayTypeRow {
  std::string_view name;
  std::uint32_t field;
  std::string_view text;
};
constexpr std::array<GatewayTypeRow, 6> kGatewayTypes = {{{"COUNTER", 3, "counter"},
                                                          {"GAUGE", 2, "gauge"},
                                                          {"SUMMARY", 4, "summary"},
                                                          {"UNTYPED", 5, "untyped"},
                                                          {"HISTOGRAM", 7, "histogram"},
                                                          {"GAUGE_HISTOGRAM", 7, ""}}};
constexpr std::uint32_t kTimestampField = 6;

std::string LabelsText(std::string_view name, const RawLabels& labels) {
  LabelsBuilder builder;
  builder.Set(kMetricName, name);
  for (const auto& [key, value] : labels) builder.Set(key, value);
  return builder.Build().ToString();
}

std::uint64_t SeriesHash(const RawLabels& sorted) {
  std::string text;
  for (const auto& [name, value] : sorted) {
    if (value.empty()) continue;
    text.append(name) += '\xff';
    text.append(value) += '\xff';
  }
  return XXH3_64bits(text.data(), text.size());
}

/// Puts the metrics of one body together.
class GatewayBodyBuilder {
 public:
  GatewayBodyBuilder(const RawLabels& group, std::size_t max_bytes) : group_(group), max_bytes_(max_bytes) {}

  void BeginFamily(std::string_view name, std::string_view help, std::uint32_t type) {
    family_ = {};
    family_.name = name;
    family_.help = help;
    family_.type = type;
    seen_.clear();
    if (name.empty() || !IsValidUtf8(name)) Refuse(Fail(Code::kBadData, "invalid metric name {}", Quote(name)));
    if (!IsValidUtf8(help)) Refuse(Fail(Code::kBadData, "help of metric {} is not UTF-8", Quote(name)));
  }
  /// `rest`: the fields of Metric but for the labels.
  void AddMetric(RawLabels labels, std::string_view rest) {
    if (too_large_) return;
    for (const auto& [name, value] : group_) Put(labels, name, value);
    if (std::ranges::find(labels, kGatewayInstance, &RawLabels::value_type::first) == labels.end()) {
      labels.emplace_back(kGatewayInstance, "");
    }
    std::ranges::sort(labels);
    // One bad metric on the page would fail the scrape of all groups.
    for (const auto& [name, value] : labels) {
      const bool bound =
          (family_.type == kSummaryType && name == "quantile") || (family_.type >= kHistogramType && name == "le");
      if (name.empty() || name == kMetricName || bound || !IsValidUtf8(name)) {
        return Refuse(Fail(Code::kBadData, "invalid label name {} of metric {}", Quote(name), Quote(family_.name)));
      }
      if (!IsValidUtf8(value)) {
        return Refuse(Fail(Code::kBadData, "label {} of metric {} has a value that is not UTF-8: {}", Quote(name),
                           Quote(family_.name), Quote(value)));
      }
    }
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (std::ranges::adjacent_find(labels, same) != labels.end()) {
      return Refuse("collected metric {} has two or more labels with the same name", labels);
    }
    const std::uint64_t hash = SeriesHash(labels);
    if (!seen_.insert(hash).second) {
      return Refuse("collected metric {} was collected before with the same name and label values", labels);
    }
    family_.series.push_back(hash);
    message_.clear();
    for (const auto& [name, value] : labels) {
      pair_.clear();
      proto::PutText(pair_, 1, name);
      proto::PutText(pair_, 2, value);
      proto::PutText(message_, 1, pair_);
    }
    message_ += rest;
    proto::PutText(family_.metrics, 4, message_);
    too_large_ = family_.bytes() > max_bytes_ - std::min(max_bytes_, bytes_);
    if (too_large_) body_.problem = Fail(Code::kLimit, "the metrics take more than {} bytes", max_bytes_);
  }
  void EndFamily() {
    bytes_ += family_.bytes();
    const auto known = std::ranges::find(body_.families, family_.name, &GatewayFamily::name);
    if (known != body_.families.end()) {
      *known = std::move(family_);
    } else {
      body_.families.push_back(std::move(family_));
    }
  }
  void Refuse(Error problem) {
    if (body_.problem) body_.problem = std::move(problem);
  }
  void RefuseTimes() { Refuse(Fail(Code::kBadData, "pushed metrics must not have timestamps")); }
  const GatewayFamily& family() const { return family_; }
  GatewayBody Take() { return std::move(body_); }

 private:
  static void Put(RawLabels& labels, const std::string& name, const std::string& value) {
    const auto known = std::ranges::find(labels, name, &RawLabels::value_type::first);
    if (known == labels.end()) {
      labels.emplace_back(name, value);
    } else {
      known->second = value;
    }
  }
  void Refuse(fmt::format_string<std::string> sentence, const RawLabels& labels) {
    Refuse(Fail(Code::kBadData, sentence, LabelsText(family_.name, labels)));
  }

  const RawLabels& group_;
  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;  // of the families before
  bool too_large_ = false;
  GatewayBody body_;
  GatewayFamily family_;
  std::unordered_set<std::uint64_t> seen_;
  std::string message_, pair_;  // reused
};

/// As Go converts a float that is no whole number.
std::uint64_t GoCount(double value) {
  if (!(value > 0)) return 0;
  return value >= 0x1p63 ? std::uint64_t{1} << 63 : static_cast<std::uint64_t>(value);
}

/// The samples of a summary or histogram that are one metric.
struct GatewayPoints {
  double count = 0, sum = 0;
  std::vector<std::pair<double, double>> points;  // quantile or bound, and its value
};

std::string PointsMessage(const GatewayPoints& metric, bool histogram) {
  std::string inner, point, out;
  proto::PutNumber(inner, 1, GoCount(metric.count));
  proto::PutDouble(inner, 2, metric.sum);
  for (const auto& [bound, value] : metric.points) {
    point.clear();
    if (histogram) {
      proto::PutNumber(point, 1, GoCount(value));
      proto::PutDouble(point, 2, bound);
    } else {
      proto::PutDouble(point, 1, bound);
      proto::PutDouble(point, 2, value);
    }
    proto::PutText(inner, 3, point);
  }
  proto::PutText(out, kGatewayTypes[histogram ? kHistogramType : kSummaryType].field, inner);
  return out;
}

void AddPoints(const StrictFamily& family, bool histogram, GatewayBodyBuilder& builder) {
  const std::string bound_label = histogram ? "le" : "quantile";
  std::map<std::map<std::string, std::string>, GatewayPoints> metrics;
  for (const StrictSample& sample : family.samples) {
    auto labels = sample.labels;
    const auto bound = labels.extract(bound_label);
    GatewayPoints& metric = metrics[std::move(labels)];
    if (sample.name == family.name + "_count") {
      metric.count = sample.value;
    } else if (sample.name == family.name + "_sum") {
      metric.sum = sample.value;
    } else if (!bound.empty()) {
      metric.points.emplace_back(ParseFloat(bound.mapped()).value_or(NormalNan()), sample.value);
    }
  }
  for (const auto& [labels, metric] : metrics) {
    builder.AddMetric(RawLabels(labels.begin(), labels.end()), PointsMessage(metric, histogram));
  }
}

void AddValues(const StrictFamily& family, std::uint32_t type, GatewayBodyBuilder& builder) {
  std::string inner, rest;
  for (const StrictSample& sample : family.samples) {
    inner.clear();
    rest.clear();
    proto::PutDouble(inner, 1, sample.value);
    proto::PutText(rest, kGatewayTypes[type].field, inner);
    builder.AddMetric(RawLabels(sample.labels.begin(), sample.labels.end()), rest);
  }
}

/// One Metric of a body that ProtobufParser has accepted.
Status AddProtobufMetric(std::string_view metric, GatewayBodyBuilder& builder) {
  const std::uint32_t wanted = kGatewayTypes[builder.family().type].field;
  std::string label_bytes, rest;
  bool has_value = false;
  WireReader in(metric);
  while (in.Next()) {
    const std::uint32_t field = in.field();
    const char* const begin = in.tag_at();
    in.Skip();
    if (field == kTimestampField) {
      builder.RefuseTimes();
    } else {
      (field == 1 ? label_bytes : rest).append(begin, in.at());
      has_value = has_value || field == wanted;
    }
  }
  RawLabels labels;
  VEDETTE_CHECK(AppendProtobufLabels(label_bytes, labels));
  if (!has_value) {
    builder.Refuse(Fail(Code::kBadData, "collected metric {} is not a {}", LabelsText(builder.family().name, labels),
                        GatewayTypeName(builder.family().type)));
  }
  builder.AddMetric(std::move(labels), rest);
  return Ok();
}

Status CheckProtobuf(std::string_view body) {
  LayoutCache layouts;
  for (ProtobufParser parser(body);;) {
    switch (parser.Next()) {
      case ProtobufParser::Event::kEnd:
        return Ok();
      case ProtobufParser::Event::kError:
        return parser.error();
      case ProtobufParser::Event::kFamily:
        VEDETTE_CHECK(parser.CheckFamily());
        break;
      case ProtobufParser::Event::kMetric: {
        const ProtobufMetric& metric = parser.metric();
        const bool gauge = parser.family().type == MetricType::kGaugeHistogram;
        if (!gauge && parser.family().type != MetricType::kHistogram) break;
        if (!metric.native.IsNative()) break;
        const auto histogram = MakeNativeHistogram(metric.native, metric.sum, gauge, layouts);
        const Status good = histogram ? CheckHistogram(*histogram) : Status(histogram.error());
        if (!good) return Annotate("histogram " + Quote(parser.family().name), good.error());
        break;
      }
    }
  }
}

}  // namespace

std::string_view GatewayTypeName(std::uint32_t type) {
  return type < kGatewayTypes.size() ? kGatewayTypes[type].name : "UNTYPED";
}

Result<GatewayBody> ReadGatewayText(std::string_view body, const RawLabels& group, std::size_t max_bytes) {
  auto families = ReadStrictText(body);
  if (!families) return Fail(Code::kBadData, "text format parsing error in {}", families.error().message);
  GatewayBodyBuilder builder(group, max_bytes);
  for (const StrictFamily& family : *families) {
    const auto* const row = std::ranges::find(kGatewayTypes, family.type, &GatewayTypeRow::text);
    const bool typed = !family.type.empty() && row != kGatewayTypes.end();
    const auto type = typed ? static_cast<std::uint32_t>(row - kGatewayTypes.begin()) : kUntypedType;
    builder.BeginFamily(family.name, family.help.value_or(""), type);
    if (std::ranges::any_of(family.samples, [](const StrictSample& s) { return s.time.has_value(); })) {
      builder.RefuseTimes();
    }
    if (type == kSummaryType || type == kHistogramType) {
      AddPoints(family, type == kHistogramType, builder);
    } else {
      AddValues(family, type, builder);
    }
    builder.EndFamily();
  }
  return builder.Take();
}

Result<GatewayBody> ReadGatewayProtobuf(std::string_view body, const RawLabels& group, std::size_t max_bytes) {
  VEDETTE_CHECK(CheckProtobuf(body));
  GatewayBodyBuilder builder(group, max_bytes);
  storage::ByteReader messages(body);
  while (!messages.empty()) {
    const auto size = messages.Varint();
    const auto message = size ? messages.Bytes(*size) : std::nullopt;
    if (!message) return Fail(Code::kBadData, "malformed protobuf: length of a metric family");
    std::string_view name, help;
    std::uint32_t type = kCounterType;
    std::vector<std::string_view> metrics;
    WireReader in(*message);
    while (in.Next()) {
      if (in.Is(3, WireReader::Type::kVarint)) {
        type = static_cast<std::uint32_t>(in.Varint());
      } else if (in.type() == WireReader::Type::kBytes) {
        const std::string_view bytes = in.Bytes();
        if (in.field() == 1) name = bytes;
        if (in.field() == 2) help = bytes;
        if (in.field() == 4) metrics.push_back(bytes);
      } else {
        in.Skip();
      }
    }
    if (metrics.empty()) continue;
    if (type >= kGatewayTypes.size()) return Fail(Code::kBadData, "unknown metric type {} of {}", type, Quote(name));
    builder.BeginFamily(name, help, type);
    for (const std::string_view metric : metrics) VEDETTE_CHECK(AddProtobufMetric(metric, builder));
    builder.EndFamily();
  }
  return builder.Take();
}

void AppendFamilyMessage(std::string& out, std::string_view name, std::string_view help, std::uint32_t type,
                         std::string_view metrics) {
  std::string head;
  proto::PutText(head, 1, name);
  if (!help.empty()) proto::PutText(head, 2, help);
  proto::PutNumber(head, 3, type);
  storage::PutVarint(out, head.size() + metrics.size());
  out.append(head).append(metrics);
}

GatewayFamily GatewayGauge(std::string_view name, std::string_view help, double value, const RawLabels& group) {
  std::string inner, rest;
  proto::PutDouble(inner, 1, value);
  proto::PutText(rest, kGatewayTypes[kGaugeType].field, inner);
  GatewayBodyBuilder builder(group, SIZE_MAX);
  builder.BeginFamily(name, help, kGaugeType);
  builder.AddMetric({}, rest);
  return builder.family();
}

}  // namespace vedette::collector
