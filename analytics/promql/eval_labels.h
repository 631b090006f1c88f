// Label sets made from label sets while evaluating: groups, match signatures, names dropped.
#pragma once

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"

namespace vedette::promql {

/// What says which metric it is; it goes when a function gives the values another meaning.
inline constexpr std::string_view kMetadataLabels[] = {kMetricName, "__type__", "__unit__"};
inline bool IsMetadataLabel(std::string_view name) {
  return name.starts_with("__") && std::ranges::find(kMetadataLabels, name) != std::end(kMetadataLabels);
}

/// Series of one name may be told apart by these, which go with the name.
inline bool HasTypeOrUnit(const Labels& labels) { return labels.Has("__type__") || labels.Has("__unit__"); }

/// Only the labels named. `names` sorted and unique.
Labels Only(const Labels& labels, std::span<const std::string> names);
/// All but the labels named. `names` sorted and unique.
Labels Without(const Labels& labels, std::span<const std::string> names);
/// All but those.
Labels WithoutMetadata(const Labels& labels);
/// `labels` with one of them replaced, added or (empty value) removed.
Labels With(const Labels& labels, std::string_view name, std::string_view value);

/// `{__name__="up", job="x"}`: as labels are written in messages, the name being a label like any other.
std::string BracedText(const Labels& labels);

std::vector<std::string> SortedUnique(std::span<const std::string> names);
std::vector<std::string> SortedUnique(std::span<const std::string> names, std::string_view one_more);

}  // namespace vedette::promql
