#include "collector/exposition/protobuf_decoder.h"

#include <algorithm>

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

}  // namespace

void ProtobufMetric::Clear() {
  labels = {};
  time.reset();
  value = count = sum = 0;
  exemplar.reset();
  points.clear();
  native.Clear();
  start.reset();
}

bool MetricDecoder::Bad(std::string_view what, const char* at) {
  if (bad_at_ == nullptr) {  // the innermost knows best
    bad_ = what;
    bad_at_ = at;
  }
  return false;
}

bool MetricDecoder::SkipUnknown(WireReader& in, std::uint32_t known, std::string_view what) {
  if (in.field() <= known) return Bad(what, in.tag_at());
  in.Skip();
  return true;
}

bool MetricDecoder::Read(std::string_view metric) {
  const bool histogram = type_ == MetricType::kHistogram || type_ == MetricType::kGaugeHistogram;
  WireReader in(metric);
  while (in.Next()) {
    if (in.Is(6, Type::kVarint)) {
      const std::int64_t ms = in.Varint();
      out_.time = ms == 0 ? std::nullopt : std::optional(TimeMs(ms));  // proto3: zero is absent
      continue;
    }
    if (in.type() != Type::kBytes || in.field() > 7 || in.field() == 6) {
      if (!SkipUnknown(in, 7, "metric")) return false;
      continue;
    }
    const std::string_view bytes = in.Bytes();
    if (!in.ok()) break;
    bool good = true;
    switch (in.field()) {
      case 1:
        AddLabel(in.tag_at(), in.at());
        break;
      case 2:
        good = type_ != MetricType::kGauge || ReadValue(bytes);
        break;
      case 3:
        good = type_ != MetricType::kCounter || ReadCounter(bytes);
        break;
      case 4:
        good = type_ != MetricType::kSummary || ReadSummary(bytes);
        break;
      case 5:
        good = type_ != MetricType::kUnknown || ReadValue(bytes);
        break;
      default:
        good = !histogram || ReadHistogram(bytes);
    }
    if (!good) return false;
  }
  if (histogram) {
    const NativeFields& native = out_.native;
    out_.count = native.count_float != 0 ? native.count_float : static_cast<double>(native.count);
  }
  return Done(in, "metric");
}

/// Labels usually stand together at the beginning: then their bytes are a view; otherwise they are gathered.
void MetricDecoder::AddLabel(const char* begin, const char* end) {
  std::string_view& labels = out_.labels;
  if (labels.empty()) {
    labels = {begin, static_cast<std::size_t>(end - begin)};
  } else if (labels.data() + labels.size() == begin) {
    labels = {labels.data(), static_cast<std::size_t>(end - labels.data())};
  } else {
    if (labels.data() != gathered_.data()) gathered_ = labels;
    gathered_.append(begin, end);
    labels = gathered_;
  }
}

/// Gauge and Untyped.
bool MetricDecoder::ReadValue(std::string_view bytes) {
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Type::kFixed64)) {
      out_.value = in.Double();
    } else if (!SkipUnknown(in, 1, "value")) {
      return false;
    }
  }
  return Done(in, "value");
}

bool MetricDecoder::ReadCounter(std::string_view bytes) {
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Type::kFixed64)) {
      out_.value = in.Double();
    } else if (in.Is(2, Type::kBytes)) {
      out_.exemplar = in.Bytes();
    } else if (in.Is(3, Type::kBytes)) {
      if (!ReadStart(in.Bytes())) return false;
    } else if (!SkipUnknown(in, 3, "counter")) {
      return false;
    }
  }
  return Done(in, "counter");
}

bool MetricDecoder::ReadSummary(std::string_view bytes) {
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Type::kVarint)) {
      out_.count = static_cast<double>(static_cast<std::uint64_t>(in.Varint()));
    } else if (in.Is(2, Type::kFixed64)) {
      out_.sum = in.Double();
    } else if (in.Is(3, Type::kBytes)) {
      const std::string_view quantile = in.Bytes();
      if (in.ok() && !ReadQuantile(quantile)) return false;
    } else if (in.Is(4, Type::kBytes)) {
      if (!ReadStart(in.Bytes())) return false;
    } else if (!SkipUnknown(in, 4, "summary")) {
      return false;
    }
  }
  return Done(in, "summary");
}

bool MetricDecoder::ReadQuantile(std::string_view bytes) {
  if (out_.points.size() >= kMaxProtobufParts) return Bad("too many quantiles", bytes.data());
  ProtobufMetric::Point point;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Type::kFixed64)) {
      point.bound = in.Double();
    } else if (in.Is(2, Type::kFixed64)) {
      point.value = in.Double();
    } else if (!SkipUnknown(in, 2, "quantile")) {
      return false;
    }
  }
  out_.points.push_back(point);
  return Done(in, "quantile");
}

bool MetricDecoder::ReadStart(std::string_view bytes) {
  out_.start = ReadProtobufTime(bytes);
  return out_.start.has_value() || Bad("start timestamp", bytes.data());
}

std::optional<TimeMs> ReadProtobufTime(std::string_view message) {
  constexpr std::int64_t kMaxSeconds = 9'000'000'000'000'000;
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
  WireReader in(message);
  while (in.Next()) {
    if (in.Is(1, Type::kVarint)) {
      seconds = in.Varint();
    } else if (in.Is(2, Type::kVarint)) {
      nanos = static_cast<std::int32_t>(in.Varint());
    } else if (in.field() <= 2) {
      return std::nullopt;
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return std::nullopt;
  return TimeMs(std::clamp(seconds, -kMaxSeconds, kMaxSeconds) * 1000 + nanos / 1'000'000);
}

}  // namespace vedette::collector
