#include "storage/facts.h"

#include <algorithm>

namespace vedette::storage {
namespace {

std::size_t CodePoints(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

}  // namespace

Status ValidateExemplar(const Exemplar& exemplar) {
  std::size_t size = 0;
  for (const LabelView label : exemplar.labels) {
    if (label.name.empty() || !IsValidUtf8(label.name) || !IsValidUtf8(label.value)) {
      return Fail(Code::kBadData, "exemplar with label {}, which is not valid UTF-8", Quote(label.name));
    }
    size += CodePoints(label.name) + CodePoints(label.value);
  }
  if (size > kMaxExemplarText) {
    return Fail(Code::kBadData, "exemplar with {} characters of labels, allowed are {}", size, kMaxExemplarText);
  }
  return Ok();
}

std::optional<TimeMs> StartOf(std::span<const StartTime> starts, TimeMs time) {
  for (std::size_t i = starts.size(); i > 0; --i) {
    if (starts[i - 1].start <= time && starts[i - 1].first_sample <= time) return starts[i - 1].start;
  }
  return std::nullopt;
}

}  // namespace vedette::storage
