// The JSON form of OTLP: protobuf's mapping, with enums as numbers and ids in hexadecimal.
#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <limits>

#include "collector/media_type.h"
#include "collector/push/otlp/model.h"
#include "collector/push/otlp/value.h"
#include "core/numbers.h"

namespace vedette::collector::otlp {
namespace {

using Json = nlohmann::json;

/// The member under its name in camelCase, or in snake_case, which protobuf's mapping accepts as well; null: none.
const Json* Member(const Json& object, const char* name, const char* snake = nullptr) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(name);
  if (found == object.end() && snake != nullptr) found = object.find(snake);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// Reads members and keeps the first mistake.
class JsonReader {
 public:
  explicit JsonReader(Sink& sink) : sink_(sink) {}

  Status ReadRequest(const Json& root);

 private:
  /// The items of a list; an empty one when it is not there.
  const Json& List(const Json& object, const char* name, const char* snake = nullptr) {
    static const Json kNone = Json::array();
    const Json* const list = Member(object, name, snake);
    if (list == nullptr) return kNone;
    if (!list->is_array()) return Mistake(name, "a list"), kNone;
    return *list;
  }
  std::string_view Text(const Json& object, const char* name, const char* snake = nullptr) {
    const Json* const text = Member(object, name, snake);
    if (text == nullptr) return {};
    if (!text->is_string()) return Mistake(name, "a string"), std::string_view();
    return text->get_ref<const std::string&>();
  }
  bool Bool(const Json& object, const char* name, const char* snake) {
    const Json* const value = Member(object, name, snake);
    if (value == nullptr) return false;
    if (!value->is_boolean()) Mistake(name, "true or false");
    return value->is_boolean() && value->get<bool>();
  }

  template <class T>
  T Integer(const Json& value, const char* name) {
    if (value.is_number_unsigned()) {
      const auto number = value.get<std::uint64_t>();
      if (std::in_range<T>(number)) return static_cast<T>(number);
    } else if (value.is_number_integer()) {
      const auto number = value.get<std::int64_t>();
      if (std::in_range<T>(number)) return static_cast<T>(number);
    } else if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      T number{};
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error == std::errc() && end == text.data() + text.size()) return number;
    } else if (value.is_number_float()) {
      const double number = value.get<double>();
      if (number == std::floor(number) && std::abs(number) < 9.0e15 &&
          (std::is_signed_v<T> ? std::abs(number) <= static_cast<double>(std::numeric_limits<T>::max())
                               : number >= 0)) {
        return static_cast<T>(number);
      }
    }
    Mistake(name, "a whole number");
    return T{};
  }
  template <class T>
  T IntegerOf(const Json& object, const char* name, const char* snake = nullptr) {
    const Json* const value = Member(object, name, snake);
    return value == nullptr ? T{} : Integer<T>(*value, name);
  }
  double Number(const Json& value, const char* name) {
    if (value.is_number()) return value.get<double>();
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
      if (text == "Infinity") return std::numeric_limits<double>::infinity();
      if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
      if (const auto number = ParseFloat(text)) return *number;
    }
    Mistake(name, "a number");
    return 0;
  }

  Value ReadValue(const Json& json, int depth);
  void ReadAttributes(const Json& object, const char* name, const char* snake, Attributes& out);
  void ReadExemplars(const Json& object, Point& out);
  void ReadBuckets(const Json& object, const char* name, std::int32_t& offset, std::vector<std::uint64_t>& counts);
  Status ReadPoint(const Json& json, Point& out);
  Status ReadMetric(const Json& json, Metric& out);
  Status ReadScope(const Json& json);
  Status ReadResource(const Json& json);

  void Mistake(std::string_view name, std::string_view wanted) {
    if (mistake_.empty()) mistake_ = fmt::format("JSON: {} is not {}", name, wanted);
  }
  Status Good() const { return mistake_.empty() ? Ok() : Status(Error{Code::kBadData, mistake_}); }

  Sink& sink_;
  std::string mistake_;
};

Value JsonReader::ReadValue(const Json& json, int depth) {
  Value out;
  if (const Json* text = Member(json, "stringValue", "string_value")) {
    out.kind = Value::Kind::kText;
    if (!text->is_string()) return Mistake("stringValue", "a string"), out;
    out.text = text->get_ref<const std::string&>();
  } else if (const Json* flag = Member(json, "boolValue", "bool_value")) {
    out.kind = Value::Kind::kPlain;
    out.text = Bool(json, "boolValue", "bool_value") ? "true" : "false";
    static_cast<void>(flag);
  } else if (const Json* whole = Member(json, "intValue", "int_value")) {
    out.kind = Value::Kind::kPlain;
    out.text = std::to_string(Integer<std::int64_t>(*whole, "intValue"));
  } else if (const Json* number = Member(json, "doubleValue", "double_value")) {
    out.kind = Value::Kind::kPlain;
    out.text = DoubleText(Number(*number, "doubleValue"));
  } else if (const Json* bytes = Member(json, "bytesValue", "bytes_value")) {
    out.kind = Value::Kind::kText;  // base64 here and there
    if (!bytes->is_string()) return Mistake("bytesValue", "a string"), out;
    out.text = bytes->get_ref<const std::string&>();
  } else if (const Json* array = Member(json, "arrayValue", "array_value")) {
    out.kind = Value::Kind::kArray;
    if (depth >= kMaxValueDepth) return out;
    for (const Json& item : List(*array, "values")) out.items.push_back({{}, ReadValue(item, depth + 1)});
  } else if (const Json* map = Member(json, "kvlistValue", "kvlist_value")) {
    out.kind = Value::Kind::kMap;
    if (depth >= kMaxValueDepth) return out;
    for (const Json& item : List(*map, "values")) {
      const Json* const value = Member(item, "value");
      out.items.push_back({std::string(Text(item, "key")), value != nullptr ? ReadValue(*value, depth + 1) : Value()});
    }
  }
  return out;
}

void JsonReader::ReadAttributes(const Json& object, const char* name, const char* snake, Attributes& out) {
  if (List(object, name, snake).size() > kMaxAttributes) return Mistake(name, "a list of at most 1024 attributes");
  for (const Json& item : List(object, name, snake)) {
    const Json* const value = Member(item, "value");
    out.push_back({Text(item, "key"), value != nullptr ? ReadValue(*value, 0).Text() : std::string()});
  }
}

void JsonReader::ReadExemplars(const Json& object, Point& out) {
  if (List(object, "exemplars").size() > kMaxExemplars) return Mistake("exemplars", "a list of at most 1024 exemplars");
  for (const Json& item : List(object, "exemplars")) {
    ExemplarPoint& exemplar = out.exemplars.emplace_back();
    exemplar.time_ns = IntegerOf<std::uint64_t>(item, "timeUnixNano", "time_unix_nano");
    if (const Json* number = Member(item, "asDouble", "as_double")) {
      exemplar.value = Number(*number, "asDouble");
      exemplar.has_value = true;
    } else if (const Json* whole = Member(item, "asInt", "as_int")) {
      exemplar.value = static_cast<double>(Integer<std::int64_t>(*whole, "asInt"));
      exemplar.has_value = true;
    }
    exemplar.trace_id = NormalizedToken(Text(item, "traceId", "trace_id"));
    exemplar.span_id = NormalizedToken(Text(item, "spanId", "span_id"));
    ReadAttributes(item, "filteredAttributes", "filtered_attributes", exemplar.attributes);
  }
}

void JsonReader::ReadBuckets(const Json& object, const char* name, std::int32_t& offset,
                             std::vector<std::uint64_t>& counts) {
  const Json* const buckets = Member(object, name);
  if (buckets == nullptr) return;
  if (List(*buckets, "bucketCounts", "bucket_counts").size() > kMaxBuckets) {
    return Mistake("bucketCounts", "a list of at most 65536 buckets");
  }
  offset = IntegerOf<std::int32_t>(*buckets, "offset");
  for (const Json& count : List(*buckets, "bucketCounts", "bucket_counts")) {
    counts.push_back(Integer<std::uint64_t>(count, "bucketCounts"));
  }
}

Status JsonReader::ReadPoint(const Json& json, Point& out) {
  ReadAttributes(json, "attributes", nullptr, out.attributes);
  out.start_ns = IntegerOf<std::uint64_t>(json, "startTimeUnixNano", "start_time_unix_nano");
  out.time_ns = IntegerOf<std::uint64_t>(json, "timeUnixNano", "time_unix_nano");
  out.flags = IntegerOf<std::uint64_t>(json, "flags");
  if (const Json* number = Member(json, "asDouble", "as_double")) {
    out.value = Number(*number, "asDouble");
  } else if (const Json* whole = Member(json, "asInt", "as_int")) {
    out.value = static_cast<double>(Integer<std::int64_t>(*whole, "asInt"));
  }
  out.count = IntegerOf<std::uint64_t>(json, "count");
  if (const Json* sum = Member(json, "sum")) {
    out.sum = Number(*sum, "sum");
    out.has_sum = true;
  }
  if (std::max(List(json, "bucketCounts", "bucket_counts").size(),
               List(json, "explicitBounds", "explicit_bounds").size()) > kMaxBuckets) {
    Mistake("bucketCounts", "a list of at most 65536 buckets");
    return Good();
  }
  for (const Json& count : List(json, "bucketCounts", "bucket_counts")) {
    out.bucket_counts.push_back(Integer<std::uint64_t>(count, "bucketCounts"));
  }
  for (const Json& bound : List(json, "explicitBounds", "explicit_bounds")) {
    out.bounds.push_back(Number(bound, "explicitBounds"));
  }
  out.scale = IntegerOf<std::int32_t>(json, "scale");
  out.zero_count = IntegerOf<std::uint64_t>(json, "zeroCount", "zero_count");
  ReadBuckets(json, "positive", out.positive_offset, out.bucket_counts);
  ReadBuckets(json, "negative", out.negative_offset, out.negative_counts);
  for (const Json& item : List(json, "quantileValues", "quantile_values")) {
    const Json* const quantile = Member(item, "quantile");
    const Json* const value = Member(item, "value");
    out.quantiles.emplace_back(quantile != nullptr ? Number(*quantile, "quantile") : 0,
                               value != nullptr ? Number(*value, "value") : 0);
  }
  ReadExemplars(json, out);
  return Good();
}

struct DataMember {
  MetricType type;
  const char *name, *snake;
};
constexpr DataMember kDataMembers[] = {
    {MetricType::kGauge, "gauge", nullptr},
    {MetricType::kSum, "sum", nullptr},
    {MetricType::kHistogram, "histogram", nullptr},
    {MetricType::kExponentialHistogram, "exponentialHistogram", "exponential_histogram"},
    {MetricType::kSummary, "summary", nullptr},
};

Status JsonReader::ReadMetric(const Json& json, Metric& out) {
  out = Metric();
  out.name = Text(json, "name");
  out.description = Text(json, "description");
  out.unit = Text(json, "unit");
  for (const DataMember& row : kDataMembers) {
    const Json* const data = Member(json, row.name, row.snake);
    if (data == nullptr) continue;
    out.type = row.type;
    out.points.clear();
    const Json* const temporality = Member(*data, "aggregationTemporality", "aggregation_temporality");
    if (temporality != nullptr && *temporality == "AGGREGATION_TEMPORALITY_CUMULATIVE") {
      out.temporality = Temporality::kCumulative;
    } else if (temporality != nullptr && *temporality == "AGGREGATION_TEMPORALITY_DELTA") {
      out.temporality = Temporality::kDelta;
    } else if (temporality != nullptr) {
      out.temporality = static_cast<Temporality>(Integer<std::uint8_t>(*temporality, "aggregationTemporality") & 3);
    }
    out.monotonic = Bool(*data, "isMonotonic", "is_monotonic");
    for (const Json& point : List(*data, "dataPoints", "data_points")) {
      VEDETTE_CHECK(sink_.Charge(sizeof(Point)));
      VEDETTE_CHECK(ReadPoint(point, out.points.emplace_back()));
    }
  }
  return Good();
}

Status JsonReader::ReadScope(const Json& json) {
  Scope scope;
  scope.schema_url = Text(json, "schemaUrl", "schema_url");
  if (const Json* about = Member(json, "scope")) {
    scope.name = Text(*about, "name");
    scope.version = Text(*about, "version");
    ReadAttributes(*about, "attributes", nullptr, scope.attributes);
  }
  VEDETTE_CHECK(Good());
  VEDETTE_CHECK(sink_.BeginScope(scope));
  Metric metric;
  for (const Json& item : List(json, "metrics")) {
    VEDETTE_CHECK(ReadMetric(item, metric));
    VEDETTE_CHECK(sink_.Take(metric));
  }
  return Good();
}

Status JsonReader::ReadResource(const Json& json) {
  Attributes attributes;
  if (const Json* resource = Member(json, "resource")) ReadAttributes(*resource, "attributes", nullptr, attributes);
  VEDETTE_CHECK(Good());
  VEDETTE_CHECK(sink_.BeginResource(attributes));
  for (const Json& item : List(json, "scopeMetrics", "scope_metrics")) VEDETTE_CHECK(ReadScope(item));
  VEDETTE_CHECK(Good());
  return sink_.EndResource();
}

Status JsonReader::ReadRequest(const Json& root) {
  if (!root.is_object()) return Fail(Code::kBadData, "JSON: the request is not an object");
  for (const Json& item : List(root, "resourceMetrics", "resource_metrics")) VEDETTE_CHECK(ReadResource(item));
  return Good();
}

}  // namespace

Status ReadJson(std::string_view text, Sink& sink) {
  // A tree takes many times what two bytes of text can ask for.
  constexpr std::size_t kTreeBytesPerByte = 12;
  VEDETTE_CHECK(sink.Charge(text.size() * kTreeBytesPerByte));
  const Json root = Json::parse(text.begin(), text.end(), nullptr, false);
  if (root.is_discarded()) return Fail(Code::kBadData, "JSON: the request is malformed");
  return JsonReader(sink).ReadRequest(root);
}

}  // namespace vedette::collector::otlp
