#include "collector/push/pushed_series.h"

#include <algorithm>
#include <array>

#include "collector/push/wire.h"

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

Error Malformed(std::string_view what) { return Fail(Code::kBadData, "malformed protobuf in {}", what); }

/// The pair that the reader stands before.
bool ReadLabel(WireReader& reader, std::vector<LabelView>& labels) {
  WireReader pair(reader.Bytes());
  LabelView label;
  while (pair.Next()) {
    if (pair.Is(1, Type::kBytes)) {
      label.name = pair.Bytes();
    } else if (pair.Is(2, Type::kBytes)) {
      label.value = pair.Bytes();
    } else {
      pair.SkipUnknown(1U << 1 | 1U << 2);
    }
  }
  labels.push_back(label);
  return pair.ok() && reader.ok();
}

}  // namespace

std::string_view PushedTypeName(std::uint64_t number) {
  static constexpr std::string_view kNames[] = {"unknown",        "counter", "gauge", "histogram",
                                                "gaugehistogram", "summary", "info",  "stateset"};
  return number < std::size(kNames) ? kNames[number] : kNames[0];
}

SeriesCache::Key SymbolTable::KeyOf(const std::vector<std::uint32_t>& references) const {
  constexpr std::size_t kUsual = 64;
  std::array<SeriesCache::Key, kUsual> few;
  std::vector<SeriesCache::Key> many;
  if (references.size() > kUsual) many.resize(references.size());
  SeriesCache::Key* const keys = many.empty() ? few.data() : many.data();
  for (std::size_t i = 0; i < references.size(); ++i) keys[i] = hashes_[references[i]];
  return hasher_.KeyOf({reinterpret_cast<const char*>(keys), references.size() * sizeof(SeriesCache::Key)});
}

Status LookUpLabels(const SymbolTable& symbols, const std::vector<std::uint32_t>& references,
                    std::vector<LabelView>* labels) {
  if (references.size() % 2 != 0) return Fail(Code::kBadData, "invalid labelRefs length {}", references.size());
  for (std::size_t i = 0; i < references.size(); i += 2) {
    const std::uint32_t name = references[i], value = references[i + 1];
    if (!symbols.Has(name) || !symbols.Has(value)) {
      return Fail(Code::kBadData, "labelRefs {} (name) = {} (value) outside of symbols table (size {})", name, value,
                  symbols.size());
    }
    if (labels != nullptr) labels->push_back({symbols[name], symbols[value]});
  }
  return Ok();
}

Status PushedSeries::ReadLabels() {
  labels.clear();
  if (symbols != nullptr) return LookUpLabels(*symbols, label_references, &labels);
  WireReader reader(label_bytes);
  while (reader.Next()) {
    if (labels.size() == kMaxPushedLabels)
      return Fail(Code::kLimit, "a series with more than {} labels", kMaxPushedLabels);
    if (!ReadLabel(reader, labels)) return Malformed("a label");
  }
  return reader.ok() ? Ok() : Status(Malformed("the labels"));
}

Result<PushedExemplar> PushedSeries::ReadExemplar(std::string_view bytes) const {
  PushedExemplar out;
  std::vector<std::uint32_t> references;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(2, Type::kFixed64)) {
      out.value = reader.Double();
    } else if (reader.Is(3, Type::kVarint)) {
      out.time = TimeMs(reader.Varint());
    } else if (reader.field() != 1) {
      reader.SkipUnknown(1U << 2 | 1U << 3);
    } else if (symbols == nullptr && reader.type() == Type::kBytes) {
      if (!ReadLabel(reader, out.labels)) return Malformed("an exemplar");
    } else if (symbols == nullptr || !reader.Repeated(Type::kVarint, [&](WireReader& items) {
                 references.push_back(static_cast<std::uint32_t>(items.Varint()));
               })) {
      reader.SkipUnknown(1U << 1);
    }
  }
  if (!reader.ok()) return Malformed("an exemplar");
  if (symbols != nullptr) {
    if (const Status found = LookUpLabels(*symbols, references, &out.labels); !found) {
      out.problem = found.error().message;
    }
  }
  return out;
}

void PushedSeries::Clear() {
  labels.clear();
  samples.clear();
  starts.clear();
  histograms.clear();
  exemplars.clear();
  metadata.reset();
  problem.clear();
  label_bytes = {};
  label_references.clear();
  start = kNoTime;
}

LabelVerdict NormalizeLabels(std::vector<LabelView>& labels) {
  const auto by_name = [](const LabelView& a, const LabelView& b) { return a.name < b.name; };
  if (!std::is_sorted(labels.begin(), labels.end(), by_name)) std::sort(labels.begin(), labels.end(), by_name);
  bool named = false, repeated = false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto [name, value] = labels[i];
    if (name.empty() || !IsValidUtf8(name) || !IsValidUtf8(value)) return LabelVerdict::kInvalid;
    repeated = repeated || (i > 0 && labels[i - 1].name == name);
    named = named || (name == kMetricName && !value.empty());
  }
  if (!named) return LabelVerdict::kInvalid;
  if (repeated) return LabelVerdict::kRepeated;
  std::erase_if(labels, [](const LabelView& label) { return label.value.empty(); });
  return LabelVerdict::kGood;
}

std::string LabelText(const std::vector<LabelView>& labels) {
  constexpr std::size_t kLongest = 1024;
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > kLongest) return out + " ...}";
    if (out.size() > 1) out += ", ";
    out += IsLegacyLabelName(name) ? std::string(name) : Quote(name.substr(0, kLongest));
    out += '=';
    out += Quote(value.substr(0, kLongest));
  }
  return out + "}";
}

}  // namespace vedette::collector
