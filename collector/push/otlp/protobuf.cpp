#include <cstdlib>
#include <string>

#include "collector/push/otlp/model.h"
#include "collector/push/otlp/value.h"
#include "collector/push/wire.h"

namespace vedette::collector::otlp {
namespace {

using Type = WireReader::Type;

Error Malformed(std::string_view what) { return Fail(Code::kBadData, "malformed protobuf in {}", what); }

Value ReadValue(std::string_view bytes, int depth, bool& good);

void ReadPair(std::string_view bytes, int depth, std::string_view& key, Value& value, bool& good) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kBytes)) {
      key = reader.Bytes();
    } else if (reader.Is(2, Type::kBytes)) {
      value = ReadValue(reader.Bytes(), depth, good);
    } else {
      reader.Skip();
    }
  }
  good = good && reader.ok();
}

/// The items of an ArrayValue or KeyValueList, which differ in what an item is.
void ReadItems(std::string_view bytes, int depth, Value& out, bool& good) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (!reader.Is(1, Type::kBytes)) {
      reader.Skip();
    } else if (depth >= kMaxValueDepth) {
      reader.Bytes();
    } else if (out.kind == Value::Kind::kArray) {
      out.items.push_back({{}, ReadValue(reader.Bytes(), depth + 1, good)});
    } else {
      std::string_view key;
      Value value;
      ReadPair(reader.Bytes(), depth + 1, key, value, good);
      out.items.push_back({std::string(key), std::move(value)});
    }
  }
  good = good && reader.ok();
}

Value ReadValue(std::string_view bytes, int depth, bool& good) {
  Value out;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kBytes)) {
      out = Value{.kind = Value::Kind::kText, .text = std::string(reader.Bytes()), .items = {}};
    } else if (reader.Is(2, Type::kVarint)) {
      out = Value{.kind = Value::Kind::kPlain, .text = reader.Varint() != 0 ? "true" : "false", .items = {}};
    } else if (reader.Is(3, Type::kVarint)) {
      out = Value{.kind = Value::Kind::kPlain, .text = std::to_string(reader.Varint()), .items = {}};
    } else if (reader.Is(4, Type::kFixed64)) {
      out = Value{.kind = Value::Kind::kPlain, .text = DoubleText(reader.Double()), .items = {}};
    } else if (reader.Is(5, Type::kBytes) || reader.Is(6, Type::kBytes)) {
      out = Value{.kind = reader.field() == 5 ? Value::Kind::kArray : Value::Kind::kMap, .text = {}, .items = {}};
      ReadItems(reader.Bytes(), depth, out, good);
    } else if (reader.Is(7, Type::kBytes)) {
      out = Value{.kind = Value::Kind::kText, .text = Base64Text(reader.Bytes()), .items = {}};
    } else {
      reader.Skip();
    }
  }
  good = good && reader.ok();
  return out;
}

/// Reads messages and remembers whether all of them were well-formed.
class ProtobufReader {
 public:
  explicit ProtobufReader(Sink& sink) : sink_(sink) {}

  Status ReadRequest(std::string_view message);

 private:
  Status ReadResource(std::string_view bytes);
  Status ReadScope(std::string_view bytes);
  Status ReadMetric(std::string_view bytes, Metric& out);
  Status ReadData(std::string_view bytes, Metric& out);
  Status ReadPoint(std::string_view bytes, Metric& out);
  bool NumberField(WireReader& reader, Point& out);
  bool HistogramField(WireReader& reader, Point& out);
  bool ExponentialField(WireReader& reader, Point& out);
  bool SummaryField(WireReader& reader, Point& out);
  void ReadBuckets(std::string_view bytes, std::int32_t& offset, std::vector<std::uint64_t>& counts);
  void ReadQuantile(std::string_view bytes, Point& out);
  void ReadExemplar(std::string_view bytes, Point& out);
  void AddAttribute(std::string_view bytes, Attributes& out);
  /// What to say of bytes that are not good.
  Error Bad(std::string_view what) const {
    return too_many_.empty() ? Malformed(what) : Fail(Code::kLimit, "{} with more than {}", what, too_many_);
  }
  /// False: the request is not good any more.
  bool Within(std::size_t size, std::size_t limit, std::string_view of) {
    if (size < limit) return true;
    if (too_many_.empty()) too_many_ = fmt::format("{} {}", limit, of);
    return good_ = false;
  }

  Sink& sink_;
  bool good_ = true;
  std::string too_many_;  // not empty: why it is not good
};

void ProtobufReader::AddAttribute(std::string_view bytes, Attributes& out) {
  if (!Within(out.size(), kMaxAttributes, "attributes")) return;
  Attribute& attribute = out.emplace_back();
  Value value;
  ReadPair(bytes, 0, attribute.key, value, good_);
  attribute.value = std::move(value).Text();
}

void ProtobufReader::ReadBuckets(std::string_view bytes, std::int32_t& offset, std::vector<std::uint64_t>& counts) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kVarint)) {
      offset = static_cast<std::int32_t>(reader.ZigZag());
    } else if (reader.field() != 2 || !reader.Repeated(Type::kVarint, [&](WireReader& items) {
                 const auto count = static_cast<std::uint64_t>(items.Varint());
                 if (Within(counts.size(), kMaxBuckets, "buckets")) counts.push_back(count);
               })) {
      reader.Skip();
    }
  }
  good_ = good_ && reader.ok();
}

void ProtobufReader::ReadQuantile(std::string_view bytes, Point& out) {
  auto& [quantile, value] = out.quantiles.emplace_back();
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kFixed64)) {
      quantile = reader.Double();
    } else if (reader.Is(2, Type::kFixed64)) {
      value = reader.Double();
    } else {
      reader.Skip();
    }
  }
  good_ = good_ && reader.ok();
}

void ProtobufReader::ReadExemplar(std::string_view bytes, Point& out) {
  if (!Within(out.exemplars.size(), kMaxExemplars, "exemplars")) return;
  ExemplarPoint& exemplar = out.exemplars.emplace_back();
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(2, Type::kFixed64)) {
      exemplar.time_ns = reader.Fixed64();
    } else if (reader.Is(3, Type::kFixed64)) {
      exemplar.value = reader.Double();
      exemplar.has_value = true;
    } else if (reader.Is(4, Type::kBytes)) {
      exemplar.span_id = HexText(reader.Bytes());
    } else if (reader.Is(5, Type::kBytes)) {
      exemplar.trace_id = HexText(reader.Bytes());
    } else if (reader.Is(6, Type::kFixed64)) {
      exemplar.value = static_cast<double>(static_cast<std::int64_t>(reader.Fixed64()));
      exemplar.has_value = true;
    } else if (reader.Is(7, Type::kBytes)) {
      AddAttribute(reader.Bytes(), exemplar.attributes);
    } else {
      reader.Skip();
    }
  }
  good_ = good_ && reader.ok();
}

/// False: not one of the fields; nothing was read.
bool ProtobufReader::NumberField(WireReader& reader, Point& out) {
  if (reader.Is(4, Type::kFixed64)) {
    out.value = reader.Double();
  } else if (reader.Is(5, Type::kBytes)) {
    ReadExemplar(reader.Bytes(), out);
  } else if (reader.Is(6, Type::kFixed64)) {
    out.value = static_cast<double>(static_cast<std::int64_t>(reader.Fixed64()));
  } else if (reader.Is(7, Type::kBytes)) {
    AddAttribute(reader.Bytes(), out.attributes);
  } else if (reader.Is(8, Type::kVarint)) {
    out.flags = static_cast<std::uint64_t>(reader.Varint());
  } else {
    return false;
  }
  return true;
}

bool ProtobufReader::HistogramField(WireReader& reader, Point& out) {
  if (reader.field() == 6) {
    return reader.Repeated(Type::kFixed64, [&](WireReader& items) {
      const std::uint64_t count = items.Fixed64();
      if (Within(out.bucket_counts.size(), kMaxBuckets, "buckets")) out.bucket_counts.push_back(count);
    });
  }
  if (reader.field() == 7) {
    return reader.Repeated(Type::kFixed64, [&](WireReader& items) {
      const double bound = items.Double();
      if (Within(out.bounds.size(), kMaxBuckets, "bounds")) out.bounds.push_back(bound);
    });
  }
  if (reader.Is(8, Type::kBytes)) {
    ReadExemplar(reader.Bytes(), out);
  } else if (reader.Is(9, Type::kBytes)) {
    AddAttribute(reader.Bytes(), out.attributes);
  } else if (reader.Is(10, Type::kVarint)) {
    out.flags = static_cast<std::uint64_t>(reader.Varint());
  } else {
    return false;
  }
  return true;
}

bool ProtobufReader::ExponentialField(WireReader& reader, Point& out) {
  if (reader.Is(1, Type::kBytes)) {
    AddAttribute(reader.Bytes(), out.attributes);
  } else if (reader.Is(6, Type::kVarint)) {
    out.scale = static_cast<std::int32_t>(reader.ZigZag());
  } else if (reader.Is(7, Type::kFixed64)) {
    out.zero_count = reader.Fixed64();
  } else if (reader.Is(8, Type::kBytes)) {
    ReadBuckets(reader.Bytes(), out.positive_offset, out.bucket_counts);
  } else if (reader.Is(9, Type::kBytes)) {
    ReadBuckets(reader.Bytes(), out.negative_offset, out.negative_counts);
  } else if (reader.Is(10, Type::kVarint)) {
    out.flags = static_cast<std::uint64_t>(reader.Varint());
  } else if (reader.Is(11, Type::kBytes)) {
    ReadExemplar(reader.Bytes(), out);
  } else {
    return false;
  }
  return true;
}

bool ProtobufReader::SummaryField(WireReader& reader, Point& out) {
  if (reader.Is(6, Type::kBytes)) {
    ReadQuantile(reader.Bytes(), out);
  } else if (reader.Is(7, Type::kBytes)) {
    AddAttribute(reader.Bytes(), out.attributes);
  } else if (reader.Is(8, Type::kVarint)) {
    out.flags = static_cast<std::uint64_t>(reader.Varint());
  } else {
    return false;
  }
  return true;
}

Status ProtobufReader::ReadPoint(std::string_view bytes, Metric& out) {
  VEDETTE_CHECK(sink_.Charge(sizeof(Point) + 2 * bytes.size()));
  Point& point = out.points.emplace_back();
  const bool number = out.type == MetricType::kGauge || out.type == MetricType::kSum;
  WireReader reader(bytes);
  while (good_ && reader.Next()) {
    if (reader.Is(2, Type::kFixed64)) {
      point.start_ns = reader.Fixed64();
    } else if (reader.Is(3, Type::kFixed64)) {
      point.time_ns = reader.Fixed64();
    } else if (!number && reader.Is(4, Type::kFixed64)) {
      point.count = reader.Fixed64();
    } else if (!number && reader.Is(5, Type::kFixed64)) {
      point.sum = reader.Double();
      point.has_sum = true;
    } else {
      const bool read = number                               ? NumberField(reader, point)
                        : out.type == MetricType::kHistogram ? HistogramField(reader, point)
                        : out.type == MetricType::kSummary   ? SummaryField(reader, point)
                                                             : ExponentialField(reader, point);
      if (!read) reader.Skip();
    }
  }
  return good_ && reader.ok() ? Ok() : Status(Bad("a data point"));
}

Status ProtobufReader::ReadData(std::string_view bytes, Metric& out) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kBytes)) {
      VEDETTE_CHECK(ReadPoint(reader.Bytes(), out));
    } else if (reader.Is(2, Type::kVarint)) {
      out.temporality = static_cast<Temporality>(reader.Varint() & 3);
    } else if (reader.Is(3, Type::kVarint)) {
      out.monotonic = reader.Varint() != 0;
    } else {
      reader.Skip();
    }
  }
  return reader.ok() ? Ok() : Status(Bad("a metric"));
}

MetricType TypeOfField(std::uint32_t field) {
  switch (field) {
    case 5:
      return MetricType::kGauge;
    case 7:
      return MetricType::kSum;
    case 9:
      return MetricType::kHistogram;
    case 10:
      return MetricType::kExponentialHistogram;
    case 11:
      return MetricType::kSummary;
    default:
      return MetricType::kNone;
  }
}

Status ProtobufReader::ReadMetric(std::string_view bytes, Metric& out) {
  out = Metric();
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kBytes)) {
      out.name = reader.Bytes();
    } else if (reader.Is(2, Type::kBytes)) {
      out.description = reader.Bytes();
    } else if (reader.Is(3, Type::kBytes)) {
      out.unit = reader.Bytes();
    } else if (const MetricType type = TypeOfField(reader.field());
               type != MetricType::kNone && reader.type() == Type::kBytes) {
      if (type != out.type) out.points.clear();
      out.type = type;
      VEDETTE_CHECK(ReadData(reader.Bytes(), out));
    } else {
      reader.Skip();
    }
  }
  return reader.ok() ? Ok() : Status(Bad("a metric"));
}

Status ProtobufReader::ReadScope(std::string_view bytes) {
  // What metrics belong to may stand behind them.
  Scope scope;
  WireReader head(bytes);
  while (head.Next()) {
    if (head.Is(3, Type::kBytes)) {
      scope.schema_url = head.Bytes();
      continue;
    }
    if (!head.Is(1, Type::kBytes)) {
      head.Skip();
      continue;
    }
    WireReader fields(head.Bytes());
    while (fields.Next()) {
      if (fields.Is(1, Type::kBytes)) {
        scope.name = fields.Bytes();
      } else if (fields.Is(2, Type::kBytes)) {
        scope.version = fields.Bytes();
      } else if (fields.Is(3, Type::kBytes)) {
        AddAttribute(fields.Bytes(), scope.attributes);
      } else {
        fields.Skip();
      }
    }
    good_ = good_ && fields.ok();
  }
  if (!good_ || !head.ok()) return Bad("a scope");
  VEDETTE_CHECK(sink_.BeginScope(scope));
  Metric metric;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (!reader.Is(2, Type::kBytes)) {
      reader.Skip();
      continue;
    }
    VEDETTE_CHECK(ReadMetric(reader.Bytes(), metric));
    VEDETTE_CHECK(sink_.Take(metric));
  }
  return Ok();
}

Status ProtobufReader::ReadResource(std::string_view bytes) {
  Attributes attributes;
  WireReader head(bytes);
  while (head.Next()) {
    if (!head.Is(1, Type::kBytes)) {
      head.Skip();
      continue;
    }
    WireReader fields(head.Bytes());
    while (fields.Next()) {
      if (fields.Is(1, Type::kBytes)) {
        AddAttribute(fields.Bytes(), attributes);
      } else {
        fields.Skip();
      }
    }
    good_ = good_ && fields.ok();
  }
  if (!good_ || !head.ok()) return Bad("a resource");
  VEDETTE_CHECK(sink_.BeginResource(attributes));
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(2, Type::kBytes)) {
      VEDETTE_CHECK(ReadScope(reader.Bytes()));
    } else {
      reader.Skip();
    }
  }
  return sink_.EndResource();
}

Status ProtobufReader::ReadRequest(std::string_view message) {
  WireReader reader(message);
  while (reader.Next()) {
    if (!reader.Is(1, Type::kBytes)) {
      reader.Skip();
      continue;
    }
    const std::string_view bytes = reader.Bytes();
    if (reader.ok()) VEDETTE_CHECK(ReadResource(bytes));
  }
  return reader.ok() ? Ok() : Status(Bad("the request"));
}

}  // namespace

Status ReadProtobuf(std::string_view message, Sink& sink) { return ProtobufReader(sink).ReadRequest(message); }

}  // namespace vedette::collector::otlp
