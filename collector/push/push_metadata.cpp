#include "collector/push/push_metadata.h"

#include <algorithm>
#include <string>

namespace vedette::collector {
namespace {

/// A text that is unlike that of every other list of parts.
void AppendPart(std::string& out, std::string_view part) {
  out += std::to_string(part.size());
  out += ':';
  out += part;
}

Said SaidOf(const SeriesCache& hasher, std::string_view whose, const PushedMetadata& metadata) {
  std::string about, what;
  AppendPart(about, whose);
  AppendPart(about, metadata.family);
  for (const std::string_view part : {metadata.type, metadata.help, metadata.unit}) AppendPart(what, part);
  return {hasher.KeyOf(about), hasher.KeyOf(what).low | 1};
}

std::string_view BytesOf(const SeriesCache::Key& key) { return {reinterpret_cast<const char*>(&key), sizeof key}; }

struct Suffixes {
  std::string_view type;
  std::string_view suffixes[3];
};
constexpr Suffixes kSuffixes[] = {{"histogram", {"_bucket", "_count", "_sum"}},
                                  {"gaugehistogram", {"_bucket", "_gcount", "_gsum"}},
                                  {"summary", {"_count", "_sum", ""}}};

}  // namespace

std::optional<storage::Exemplar> GoodExemplar(PushedExemplar& pushed) {
  std::ranges::sort(pushed.labels, {}, &LabelView::name);
  if (std::ranges::adjacent_find(pushed.labels, std::equal_to(), &LabelView::name) != pushed.labels.end()) return {};
  std::erase_if(pushed.labels, [](const LabelView& label) { return label.value.empty(); });
  storage::Exemplar out{Labels::FromSorted(pushed.labels), pushed.value, pushed.time};
  if (!storage::ValidateExemplar(out)) return {};
  return out;
}

std::string_view FamilyOfSeries(std::string_view metric, std::string_view type) {
  for (const Suffixes& row : kSuffixes) {
    if (row.type != type) continue;
    for (const std::string_view suffix : row.suffixes) {
      if (!suffix.empty() && metric.size() > suffix.size() && metric.ends_with(suffix)) {
        return metric.substr(0, metric.size() - suffix.size());
      }
    }
  }
  return metric;
}

void NoteMetadata(Intake& intake, PushBatch& batch, const Labels& target, const PushedMetadata& metadata) {
  if (metadata.family.empty() || !IsValidUtf8(metadata.family) || !IsValidUtf8(metadata.help) ||
      !IsValidUtf8(metadata.unit)) {
    return;
  }
  batch.SetMetadata(SaidOf(intake.series_cache(), target.ToString(), metadata), target, metadata.family,
                    {std::string(metadata.type), std::string(metadata.help), std::string(metadata.unit)});
}

bool MetadataIsKnown(Intake& intake, const SeriesCache::Key& series, const PushedMetadata& metadata) {
  return intake.Knows(SaidOf(intake.series_cache(), BytesOf(series), metadata));
}

void NoteSeriesMetadata(Intake& intake, PushBatch& batch, const PushedSeries& series) {
  PushedMetadata metadata = *series.metadata;
  batch.Remember(SaidOf(intake.series_cache(), BytesOf(series.key), metadata));
  LabelsBuilder target;
  for (const auto& [name, value] : series.labels) {
    if (name == "job" || name == "instance") target.Set(name, value);
    if (name == kMetricName) metadata.family = FamilyOfSeries(value, metadata.type);
  }
  NoteMetadata(intake, batch, target.Build(), metadata);
}

}  // namespace vedette::collector
