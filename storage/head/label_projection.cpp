#include "storage/head/label_projection.h"

#include <xxhash.h>

#include <algorithm>

namespace vedette::storage {

std::size_t LabelProjection::ListHash::operator()(const std::vector<PairId>& list) const {
  return XXH3_64bits(list.data(), list.size() * sizeof(PairId));
}

LabelProjection::LabelProjection(const SeriesTable& table, std::span<const std::string> names) : table_(table) {
  for (const std::string& name : names) {
    const std::uint32_t number = table.index().pairs().NameNumber(name);
    if (number != UINT32_MAX) names_.push_back(number);
  }
}

Labels LabelProjection::Of(const HeadSeries& series) {
  const LabelPairs& all = table_.index().pairs();
  pairs_.clear();
  wanted_.clear();
  if (!names_.empty()) table_.PairsOf(series, pairs_);
  for (const PairId pair : pairs_) {
    if (std::ranges::find(names_, all.NameNumber(pair)) != names_.end()) wanted_.push_back(pair);
  }
  if (wanted_.empty()) return {};
  const auto [at, is_new] = known_.try_emplace(wanted_);
  if (is_new) {
    std::vector<LabelView> views;
    for (const PairId pair : wanted_) views.push_back(all.View(pair));
    at->second = Labels::FromSorted(views);
  }
  return at->second;
}

Labels SetProjection::Of(const Labels& labels) {
  wanted_.clear();
  std::uint64_t hash = 0;
  for (const LabelView label : labels) {
    if (std::ranges::find(names_, label.name) == names_.end()) continue;
    wanted_.push_back(label);
    hash = XXH3_64bits_withSeed(label.value.data(), label.value.size(), hash + label.name.size());
  }
  const auto [at, is_new] = known_.try_emplace(hash);
  if (!is_new && std::ranges::equal(at->second, wanted_)) return at->second;
  Labels made = Labels::FromSorted(wanted_);
  if (is_new) at->second = made;
  return made;
}

}  // namespace vedette::storage
