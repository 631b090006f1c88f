// Labels and exemplars of the protobuf format: read only when they are new.
#include "collector/exposition/protobuf_decoder.h"
#include "collector/exposition/protobuf_parser.h"
#include "core/labels.h"

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

Status AppendPair(std::string_view pair, RawLabels& out) {
  std::string_view name, value;
  bool named = false;
  WireReader in(pair);
  while (in.Next()) {
    if (in.Is(1, Type::kBytes)) {
      name = in.Bytes();
      named = true;
    } else if (in.Is(2, Type::kBytes)) {
      value = in.Bytes();
    } else if (in.field() <= 2) {
      return Fail(Code::kBadData, "malformed protobuf: label pair with a field of another type");
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return Fail(Code::kBadData, "malformed protobuf: label pair");
  if (!named || name.empty() || !IsValidUtf8(name)) {
    return Fail(Code::kBadData, "invalid label name: {}", Quote(name));
  }
  if (!IsValidUtf8(value)) return Fail(Code::kBadData, "invalid label value: {}", Quote(value));
  out.emplace_back(name, value);
  return Ok();
}

}  // namespace

Status AppendProtobufLabels(std::string_view labels, RawLabels& out) {
  WireReader in(labels);
  while (in.Next()) VEDETTE_CHECK(AppendPair(in.Bytes(), out));
  return in.ok() ? Ok() : Status(Fail(Code::kBadData, "malformed protobuf: labels"));
}

Result<std::optional<storage::Exemplar>> ReadProtobufExemplar(std::string_view message, std::optional<TimeMs> time) {
  RawLabels labels;
  double value = 0;
  WireReader in(message);
  while (in.Next()) {
    if (in.Is(1, Type::kBytes)) {
      const std::string_view pair = in.Bytes();
      if (in.ok()) VEDETTE_CHECK(AppendPair(pair, labels));
    } else if (in.Is(2, Type::kFixed64)) {
      value = in.Double();
    } else if (in.Is(3, Type::kBytes)) {
      time = ReadProtobufTime(in.Bytes());
      if (!time) return Fail(Code::kBadData, "malformed protobuf: time of an exemplar");
    } else if (in.field() <= 3) {
      return Fail(Code::kBadData, "malformed protobuf: exemplar with a field of another type");
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return Fail(Code::kBadData, "malformed protobuf: exemplar");
  if (!time) return std::optional<storage::Exemplar>();
  VEDETTE_CHECK(CheckUniqueNames(labels));
  LabelsBuilder builder;
  for (const auto& [name, content] : labels) builder.Set(name, content);
  return std::optional(storage::Exemplar{builder.Build(), value, *time});
}

}  // namespace vedette::collector
