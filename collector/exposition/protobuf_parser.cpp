#include "collector/exposition/protobuf_parser.h"

#include "collector/exposition/protobuf_decoder.h"
#include "core/labels.h"

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

/// The numbers of io.prometheus.client.MetricType, in their order.
constexpr MetricType kMetricTypes[] = {MetricType::kCounter, MetricType::kGauge,     MetricType::kSummary,
                                       MetricType::kUnknown, MetricType::kHistogram, MetricType::kGaugeHistogram};

}  // namespace

ProtobufParser::Event ProtobufParser::Next() {
  for (;;) {
    while (fields_.Next()) {
      if (fields_.Is(4, Type::kBytes)) return ReadMetric(fields_.Bytes());
      fields_.Skip();
    }
    if (at_ == body_.size()) return Event::kEnd;
    if (const Event event = NextFamily(); event != Event::kEnd) return event;
  }
}

/// kEnd: there is nothing in it.
ProtobufParser::Event ProtobufParser::NextFamily() {
  constexpr int kMaxLengthBytes = 5;
  std::uint64_t size = 0;
  const std::size_t start = at_;
  for (int i = 0;; ++i) {
    if (i == kMaxLengthBytes || at_ == body_.size()) {
      error_ = Fail(Code::kBadData, "clientpb: invalid varint encountered at byte {}", start);
      return Event::kError;
    }
    const auto byte = static_cast<unsigned char>(body_[at_++]);
    size |= std::uint64_t{byte & 0x7fU} << (7 * i);
    if (byte < 0x80) break;
  }
  if (size > body_.size() - at_) {
    error_ =
        Fail(Code::kBadData,
             "clientpb: insufficient length of buffer, expected at least {} bytes, got {} bytes (family at byte {})",
             size + (at_ - start), body_.size() - start, start);
    return Event::kError;
  }
  const std::string_view message = body_.substr(at_, size);
  at_ += size;
  return ReadFamily(message);
}

/// The name may stand behind the metrics: a first pass steps over those.
ProtobufParser::Event ProtobufParser::ReadFamily(std::string_view message) {
  family_ = {};
  std::int32_t type = 0;
  bool has_metrics = false;
  WireReader in(message);
  while (in.Next()) {
    if (in.Is(3, Type::kVarint)) {
      type = static_cast<std::int32_t>(in.Varint());
    } else if (in.field() <= 5 && in.type() == Type::kBytes && in.field() != 3) {
      const std::string_view bytes = in.Bytes();
      if (in.field() == 1) family_.name = bytes;
      if (in.field() == 2) family_.help = bytes;
      if (in.field() == 5) family_.unit = bytes;
      has_metrics = has_metrics || in.field() == 4;
    } else if (in.field() <= 5) {
      return Malformed("metric family", in.tag_at());
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return Malformed("metric family", in.at());
  if (!has_metrics) return Event::kEnd;
  if (type < 0 || type >= static_cast<std::int32_t>(std::size(kMetricTypes))) {
    error_ = Fail(Code::kBadData, "unknown metric type for metric {}: {}", Quote(family_.name), type);
    return Event::kError;
  }
  family_.type = kMetricTypes[type];
  fields_ = WireReader(message);
  return Event::kFamily;
}

ProtobufParser::Event ProtobufParser::ReadMetric(std::string_view message) {
  metric_.Clear();
  MetricDecoder decoder(family_.type, metric_, gathered_labels_);
  if (!decoder.Read(message)) return Malformed(decoder.bad(), decoder.bad_at());
  return Event::kMetric;
}

ProtobufParser::Event ProtobufParser::Malformed(std::string_view what, const char* at) {
  error_ = Fail(Code::kBadData, "malformed protobuf: {} at byte {}, in the metric family {}", what, at - body_.data(),
                Quote(family_.name.substr(0, 100)));
  return Event::kError;
}

Status ProtobufParser::CheckFamily() const {
  if (family_.name.empty() || !IsValidUtf8(family_.name)) {
    return Fail(Code::kBadData, "invalid metric name: {}", Quote(family_.name));
  }
  if (!IsValidUtf8(family_.help)) {
    return Fail(Code::kBadData, "invalid help for metric {}: {}", Quote(family_.name), Quote(family_.help));
  }
  return Ok();
}

}  // namespace vedette::collector
