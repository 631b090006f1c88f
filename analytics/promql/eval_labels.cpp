// Label sets made from label sets, by one pass over the sorted labels.
#include "analytics/promql/eval_labels.h"

#include <algorithm>

namespace vedette::promql {

namespace {

template <class Keep>
Labels Filter(const Labels& labels, const Keep& keep) {
  std::vector<LabelView> kept;
  kept.reserve(labels.size());
  for (const LabelView label : labels) {
    if (keep(label.name)) kept.push_back(label);
  }
  if (kept.size() == labels.size()) return labels;
  return Labels::FromSorted(kept);
}

bool IsOneOf(std::span<const std::string> names, std::string_view name) {
  return std::binary_search(names.begin(), names.end(), name, std::less<>());
}

}  // namespace

Labels Only(const Labels& labels, std::span<const std::string> names) {
  return Filter(labels, [&](std::string_view name) { return IsOneOf(names, name); });
}

Labels Without(const Labels& labels, std::span<const std::string> names) {
  return Filter(labels, [&](std::string_view name) { return !IsOneOf(names, name); });
}

Labels WithoutMetadata(const Labels& labels) {
  return Filter(labels, [](std::string_view name) { return !IsMetadataLabel(name); });
}

Labels With(const Labels& labels, std::string_view name, std::string_view value) {
  if (labels.Get(name) == value) return labels;
  std::vector<LabelView> all;
  all.reserve(labels.size() + 1);
  bool placed = value.empty();
  for (const LabelView label : labels) {
    if (!placed && label.name >= name) {
      all.push_back({name, value});
      placed = true;
    }
    if (label.name != name) all.push_back(label);
  }
  if (!placed) all.push_back({name, value});
  return Labels::FromSorted(all);
}

std::string BracedText(const Labels& labels) {
  std::string text = "{";
  for (const LabelView label : labels) {
    if (text.size() > 1) text += ", ";
    text.append(label.name).append("=").append(Quote(label.value));
  }
  return text + "}";
}

std::vector<std::string> SortedUnique(std::span<const std::string> names) {
  std::vector<std::string> sorted(names.begin(), names.end());
  std::ranges::sort(sorted);
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

std::vector<std::string> SortedUnique(std::span<const std::string> names, std::string_view one_more) {
  std::vector<std::string> all(names.begin(), names.end());
  all.emplace_back(one_more);
  return SortedUnique(all);
}

}  // namespace vedette::promql
