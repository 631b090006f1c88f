// The histogram message, classic and native: the other half of MetricDecoder.
#include "collector/exposition/protobuf_decoder.h"

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

std::int64_t UnZigZag(std::int64_t varint) {
  const auto bits = static_cast<std::uint64_t>(varint);
  return static_cast<std::int64_t>((bits >> 1) ^ (0 - (bits & 1)));
}
std::int32_t UnZigZag32(std::int64_t varint) { return static_cast<std::int32_t>(UnZigZag(varint & 0xffff'ffff)); }

}  // namespace

void NativeFields::Clear() {
  count = zero_count = 0;
  count_float = zero_count_float = zero_threshold = 0;
  schema = 0;
  positive_spans.clear();
  negative_spans.clear();
  positive_deltas.clear();
  negative_deltas.clear();
  positive_counts.clear();
  negative_counts.clear();
  exemplars.clear();
}

bool MetricDecoder::ReadHistogram(std::string_view bytes) {
  WireReader in(bytes);
  while (in.Next()) {
    if (!ReadHistogramField(in)) return false;
  }
  return Done(in, "histogram");
}

bool MetricDecoder::ReadHistogramField(WireReader& in) {
  NativeFields& native = out_.native;
  if (in.type() == Type::kVarint) {
    if (in.field() == 1) return native.count = static_cast<std::uint64_t>(in.Varint()), true;
    if (in.field() == 5) return native.schema = UnZigZag32(in.Varint()), true;
    if (in.field() == 7) return native.zero_count = static_cast<std::uint64_t>(in.Varint()), true;
  } else if (in.type() == Type::kFixed64) {
    if (in.field() == 2) return out_.sum = in.Double(), true;
    if (in.field() == 4) return native.count_float = in.Double(), true;
    if (in.field() == 6) return native.zero_threshold = in.Double(), true;
    if (in.field() == 8) return native.zero_count_float = in.Double(), true;
  }
  if (in.field() == 10) return ReadDeltas(in, native.negative_deltas);
  if (in.field() == 11) return ReadCounts(in, native.negative_counts);
  if (in.field() == 13) return ReadDeltas(in, native.positive_deltas);
  if (in.field() == 14) return ReadCounts(in, native.positive_counts);
  if (in.type() != Type::kBytes || in.field() > 16) return SkipUnknown(in, 16, "histogram");

  const char* const at = in.tag_at();
  const std::string_view bytes = in.Bytes();
  if (!in.ok()) return Bad("histogram", at);
  switch (in.field()) {
    case 3:
      return ReadBucket(bytes);
    case 9:
      return ReadSpan(bytes, native.negative_spans);
    case 12:
      return ReadSpan(bytes, native.positive_spans);
    case 15:
      return ReadStart(bytes);
    case 16:
      if (native.exemplars.size() >= kMaxProtobufParts) return Bad("too many exemplars", at);
      native.exemplars.push_back(bytes);
      return true;
    default:
      return Bad("histogram", at);
  }
}

bool MetricDecoder::ReadBucket(std::string_view bytes) {
  if (out_.points.size() >= kMaxProtobufParts) return Bad("too many buckets", bytes.data());
  ProtobufMetric::Point point;
  double count = 0;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Type::kVarint)) {
      count = static_cast<double>(static_cast<std::uint64_t>(in.Varint()));
    } else if (in.Is(2, Type::kFixed64)) {
      point.bound = in.Double();
    } else if (in.Is(3, Type::kBytes)) {
      point.exemplar = in.Bytes();
    } else if (in.Is(4, Type::kFixed64)) {
      point.value = in.Double();
    } else if (!SkipUnknown(in, 4, "bucket")) {
      return false;
    }
  }
  if (point.value == 0) point.value = count;  // the float, unless it says nothing
  out_.points.push_back(point);
  return Done(in, "bucket");
}

bool MetricDecoder::ReadSpan(std::string_view bytes, std::vector<BucketSpan>& spans) {
  if (spans.size() >= kMaxProtobufParts) return Bad("too many spans", bytes.data());
  BucketSpan span;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Type::kVarint)) {
      span.offset = UnZigZag32(in.Varint());
    } else if (in.Is(2, Type::kVarint)) {
      span.length = static_cast<std::uint32_t>(in.Varint());
    } else if (!SkipUnknown(in, 2, "span")) {
      return false;
    }
  }
  spans.push_back(span);
  return Done(in, "span");
}

/// Packed or one by one.
bool MetricDecoder::ReadDeltas(WireReader& in, std::vector<std::int64_t>& out) {
  const char* const at = in.tag_at();
  if (in.type() == Type::kVarint) {
    out.push_back(UnZigZag(in.Varint()));
  } else if (in.type() == Type::kBytes) {
    const std::string_view packed = in.Bytes();
    WireReader numbers(packed);
    while (numbers.ok() && numbers.at() != packed.data() + packed.size() && out.size() <= kMaxProtobufParts) {
      out.push_back(UnZigZag(numbers.Varint()));
    }
    if (!numbers.ok()) return Bad("bucket counts", at);
  } else {
    return Bad("bucket counts", at);
  }
  return out.size() <= kMaxProtobufParts || Bad("too many bucket counts", at);
}

bool MetricDecoder::ReadCounts(WireReader& in, std::vector<double>& out) {
  const char* const at = in.tag_at();
  if (in.type() == Type::kFixed64) {
    out.push_back(in.Double());
  } else if (in.type() == Type::kBytes) {
    const std::string_view packed = in.Bytes();
    if (packed.size() % sizeof(double) != 0) return Bad("bucket counts", at);
    WireReader numbers(packed);
    while (numbers.at() != packed.data() + packed.size() && out.size() <= kMaxProtobufParts) {
      out.push_back(numbers.Double());
    }
  } else {
    return Bad("bucket counts", at);
  }
  return out.size() <= kMaxProtobufParts || Bad("too many bucket counts", at);
}

}  // namespace vedette::collector
