#include "storage/memory/memory_facts.h"

#include <algorithm>

#include "storage/fact_codec.h"

namespace vedette::storage {

void MemoryFacts::Add(const BatchFacts& facts, std::size_t series, std::size_t max_exemplars, AppendOutcome& outcome) {
  const auto known = [&](SeriesId id) { return id != SeriesId::kNone && static_cast<std::uint64_t>(id) <= series; };
  for (const BatchFacts::ExemplarSample& sample : facts.exemplars) {
    if (!known(sample.series)) {
      ++outcome.unknown;
      continue;
    }
    exemplars_.emplace(ExemplarOrder{sample.exemplar.time.ms, sample.series, EncodeExemplar(sample.exemplar)},
                       sample.exemplar);
  }
  while (exemplars_.size() > max_exemplars) exemplars_.erase(exemplars_.begin());
  for (const BatchFacts::StartSample& sample : facts.starts) {
    if (!known(sample.series)) continue;
    const auto [at, fresh] = starts_[sample.series].emplace(sample.start, sample.time);
    if (!fresh) at->second = std::min(at->second, sample.time);
  }
  for (const BatchFacts::MetadataSample& sample : facts.metadata) SetMetadata(sample);
}

void MemoryFacts::SetMetadata(const BatchFacts::MetadataSample& sample) {
  const auto last = [&](History& history) {  // at or before the time; null: none
    const auto after = history.upper_bound(sample.time);
    return after == history.begin() ? nullptr : &*std::prev(after);
  };
  auto& families = metadata_[sample.target];
  if (!sample.info) {
    for (auto& [family, history] : families) {
      const auto* const before = last(history);
      if (before != nullptr && before->second) history[sample.time] = std::nullopt;
    }
    return;
  }
  History& history = families[sample.family];
  const auto* const before = last(history);
  if (before == nullptr || before->second != sample.info) history[sample.time] = sample.info;
}

std::vector<SeriesExemplars> MemoryFacts::Exemplars(std::span<const std::vector<Matcher>> selectors, TimeRange range,
                                                    const std::function<Labels(SeriesId)>& labels_of) const {
  std::map<SeriesId, std::vector<Exemplar>> by_series;
  for (const auto& [order, exemplar] : exemplars_) {
    if (range.Contains(exemplar.time)) by_series[std::get<SeriesId>(order)].push_back(exemplar);
  }
  std::vector<SeriesExemplars> out;
  for (auto& [id, exemplars] : by_series) {
    const Labels labels = labels_of(id);
    const auto accepts = [&](const std::vector<Matcher>& matchers) { return MatchesAll(matchers, labels); };
    if (std::ranges::any_of(selectors, accepts)) out.push_back({labels, std::move(exemplars)});
  }
  std::ranges::sort(out, {}, &SeriesExemplars::series);
  return out;
}

void MemoryFacts::DeleteExemplars(SeriesId series, TimeRange range) {
  std::erase_if(exemplars_, [&](const auto& entry) {
    return std::get<SeriesId>(entry.first) == series && range.Contains(entry.second.time);
  });
}

void MemoryFacts::ReadStarts(SeriesId series, std::vector<StartTime>& out) const {
  const auto found = starts_.find(series);
  if (found == starts_.end()) return;
  for (const auto& [start, first] : found->second) out.push_back({start, first});
}

void MemoryFacts::VisitMetadata(const MetadataQuery& query,
                                const std::function<bool(const MetadataEntry&)>& visit) const {
  for (const auto& [target, families] : metadata_) {
    if (!MatchesAll(query.targets, target)) continue;
    for (const auto& [family, history] : families) {
      if (!query.family.empty() && query.family != family) continue;
      for (auto at = history.begin(); at != history.end(); ++at) {
        const auto next = std::next(at);
        const auto until = next == history.end() ? std::nullopt : std::optional(next->first);
        if (!at->second || at->first > query.range.max || (until && *until <= query.range.min)) continue;
        if (!visit({target, family, *at->second, at->first, until})) return;
      }
    }
  }
}

}  // namespace vedette::storage
