#include "storage/fact_codec.h"

#include <algorithm>

#include "storage/chunk/value_codec.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

constexpr std::uint8_t kFactFormat = 1;

void PutFactText(std::string_view text, std::string& out) {
  PutVarint(out, text.size());
  out.append(text);
}

std::optional<std::string_view> GetFactText(ByteReader& in) {
  const auto size = in.Varint();
  if (!size || *size > in.size()) return std::nullopt;
  return in.Bytes(static_cast<std::size_t>(*size));
}

void PutLabels(const Labels& labels, std::string& out) {
  PutVarint(out, labels.size());
  for (const LabelView label : labels) {
    PutFactText(label.name, out);
    PutFactText(label.value, out);
  }
}

std::optional<Labels> GetLabels(ByteReader& in) {
  const auto count = in.Varint();
  if (!count || *count > in.size() / 2) return std::nullopt;
  std::vector<LabelView> labels;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto name = GetFactText(in);
    const auto value = name ? GetFactText(in) : std::nullopt;
    if (!value || value->empty() || name->empty()) return std::nullopt;
    if (!labels.empty() && labels.back().name >= *name) return std::nullopt;
    labels.push_back({*name, *value});
  }
  return Labels::FromSorted(labels);
}

/// No character is cut in two.
std::string_view Cut(std::string_view text) {
  if (text.size() <= kMaxInfoText) return text;
  std::size_t size = kMaxInfoText;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

std::string EncodeLabels(const Labels& labels) {
  std::string out(1, static_cast<char>(kFactFormat));
  PutLabels(labels, out);
  return out;
}

std::optional<Labels> DecodeLabels(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Byte() != kFactFormat) return std::nullopt;
  auto labels = GetLabels(in);
  return in.empty() ? labels : std::nullopt;
}

std::string EncodeExemplar(const Exemplar& exemplar) {
  std::string out(1, static_cast<char>(kFactFormat));
  PutValue(out, exemplar.value);
  PutLabels(exemplar.labels, out);
  return out;
}

std::optional<Exemplar> DecodeExemplar(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Byte() != kFactFormat) return std::nullopt;
  const auto value = GetValue(in);
  auto labels = value ? GetLabels(in) : std::nullopt;
  if (!labels || !in.empty()) return std::nullopt;
  return Exemplar{*std::move(labels), *value, {}};
}

std::string EncodeInfo(const MetricInfo& info) {
  std::string out(1, static_cast<char>(kFactFormat));
  for (const std::string* text : {&info.type, &info.help, &info.unit}) PutFactText(Cut(*text), out);
  return out;
}

std::optional<MetricInfo> DecodeInfo(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Byte() != kFactFormat) return std::nullopt;
  MetricInfo out;
  for (std::string* text : {&out.type, &out.help, &out.unit}) {
    const auto read = GetFactText(in);
    if (!read) return std::nullopt;
    text->assign(*read);
  }
  return in.empty() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace vedette::storage
