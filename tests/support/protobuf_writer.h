// Protobuf bytes by hand: messages of the exposition format for the tests of the reader, right and wrong ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vedette::test {

class Proto {
 public:
  const std::string& bytes() const { return bytes_; }

  Proto& Varint(std::uint32_t field, std::uint64_t value) {
    Put(std::uint64_t{field} << 3);
    return Put(value);
  }
  Proto& Signed(std::uint32_t field, std::int64_t value) { return Varint(field, ZigZag(value)); }
  Proto& Double(std::uint32_t field, double value) {
    Put(std::uint64_t{field} << 3 | 1);
    return PutDouble(value);
  }
  Proto& Bytes(std::uint32_t field, std::string_view value) {
    Put(std::uint64_t{field} << 3 | 2);
    Put(value.size());
    bytes_ += value;
    return *this;
  }
  Proto& Message(std::uint32_t field, const Proto& message) { return Bytes(field, message.bytes()); }
  Proto& Deltas(std::uint32_t field, std::initializer_list<std::int64_t> values) {
    Proto packed;
    for (const std::int64_t value : values) packed.Put(ZigZag(value));
    return Message(field, packed);
  }
  Proto& Doubles(std::uint32_t field, std::initializer_list<double> values) {
    Proto packed;
    for (const double value : values) packed.PutDouble(value);
    return Message(field, packed);
  }
  Proto& Put(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
    return *this;
  }

 private:
  static std::uint64_t ZigZag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  }
  Proto& PutDouble(double value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof value);
    return *this;
  }
  std::string bytes_;
};

enum ProtoType : std::uint8_t {
  kCounterType,
  kGaugeType,
  kSummaryType,
  kUntypedType,
  kHistogramType,
  kGaugeHistogramType
};

inline Proto ProtoLabel(std::string_view name, std::string_view value) {
  return Proto().Bytes(1, name).Bytes(2, value);
}
/// A Metric with the labels; the caller adds its value.
inline Proto ProtoMetric(std::initializer_list<std::pair<std::string_view, std::string_view>> labels = {}) {
  Proto metric;
  for (const auto& [name, value] : labels) metric.Message(1, ProtoLabel(name, value));
  return metric;
}
inline Proto ProtoCounter(double value) { return Proto().Double(1, value); }
inline Proto ProtoTime(std::int64_t seconds, std::int32_t nanos = 0) {
  return Proto().Varint(1, static_cast<std::uint64_t>(seconds)).Varint(2, static_cast<std::uint64_t>(nanos));
}
inline Proto ProtoExemplar(std::string_view trace, double value) {
  return Proto().Message(1, ProtoLabel("trace_id", trace)).Double(2, value);
}
inline Proto ProtoBucket(double bound, std::uint64_t count) { return Proto().Varint(1, count).Double(2, bound); }
inline Proto ProtoSpan(std::int32_t offset, std::uint32_t length) {
  return Proto().Signed(1, offset).Varint(2, length);
}

/// A MetricFamily behind its length.
inline std::string ProtoFamily(std::string_view name, ProtoType type, const std::vector<Proto>& metrics,
                               std::string_view help = "", std::string_view unit = "") {
  Proto family;
  family.Bytes(1, name);
  if (!help.empty()) family.Bytes(2, help);
  if (type != kCounterType) family.Varint(3, type);
  for (const Proto& metric : metrics) family.Message(4, metric);
  if (!unit.empty()) family.Bytes(5, unit);
  return Proto().Put(family.bytes().size()).bytes() + family.bytes();
}

}  // namespace vedette::test
