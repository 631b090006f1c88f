// Native histograms in the head: beside the floats, in a table of their own per shard, so that a series without them
// carries nothing for it. They do not come as rows of groups: what a target's histograms share is little, and each is
// as large as dozens of floats.
#include <algorithm>
#include <shared_mutex>

#include "storage/head/head.h"

namespace vedette::storage {

void Head::ApplyHistograms(std::span<const AppendBatch::HistogramSample> samples, std::uint64_t commit,
                           AppendOutcome& outcome) {
  const std::shared_lock table_lock(table_.mutex());
  for (const AppendBatch::HistogramSample& sample : samples) {
    HeadSeries* series = table_.Find(sample.series);
    if (series == nullptr) {
      ++outcome.unknown;
      continue;
    }
    Shard& shard = shards_[ShardOf(series->id)];
    const std::lock_guard lock(shard.mutex);
    series->max_time.Raise(TimeBound(sample.time.ms));
    HistogramParts& parts = shard.histograms[series->id];
    if (!parts.open) parts.open = std::make_unique<OpenHistograms>();
    switch (parts.open->Add(sample.time, sample.histogram, commit)) {
      case OpenHistograms::Added::kStored:
        ++outcome.stored;
        break;
      case OpenHistograms::Added::kDuplicate:
        ++outcome.duplicates;
        break;
      case OpenHistograms::Added::kConflict:
        ++outcome.conflicts;
        break;
    }
  }
}

void Head::ReadHistograms(SeriesId series, HeadView view, TimeRange range, HistogramColumns& out) const {
  std::vector<OpenHistogramCopy> copies;
  std::vector<std::shared_ptr<const OpenHistograms>> frozen;
  {
    const Shard& shard = shards_[ShardOf(series)];
    const std::lock_guard lock(shard.mutex);
    if (shard.histograms.empty()) return;
    const auto found = shard.histograms.find(series);
    if (found == shard.histograms.end()) return;
    for (const FrozenPart<OpenHistograms>& part : found->second.frozen) {
      if (part.IsNeeded(view.round) && part.data->range().Overlaps(range)) frozen.push_back(part.data);
    }
    const OpenHistograms* open = found->second.open.get();
    if (open != nullptr && open->range().Overlaps(range)) copies.push_back(open->Copy(view.commit));
  }
  for (const auto& part : frozen) copies.push_back(part->Copy(view.commit));
  for (const OpenHistogramCopy& copy : copies) copy.Decode(out);
}

bool Head::IsFull(const OpenHistograms& open) const {
  if (open.in_order() >= chunk_samples_ || open.late() >= chunk_samples_) return true;
  return open.size() >= span_samples_ && open.range().max - open.range().min >= chunk_span_;
}

void Head::FreezeHistograms(const std::function<bool(const HeadSeries&, const OpenHistograms&)>& decide,
                            std::size_t limit, FreezeBatch& out) {
  out.through = order_.visible();
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto& [id, parts] : shard.histograms) {
      if (out.histograms.size() == limit) return;
      HeadSeries* series = parts.open ? table_.Find(id) : nullptr;
      if (series == nullptr || !decide(*series, *parts.open)) continue;
      std::shared_ptr<const OpenHistograms> data = std::move(parts.open);
      // From here on readers look on disk for these times as well, where the chunk is about to be.
      series->sealed_max_time.Raise(TimeBound(data->range().max.ms));
      parts.frozen.push_back({data, 0});
      out.histograms.push_back({series, std::move(data)});
    }
  }
}

void Head::RetireHistograms(const FreezeBatch& batch, std::uint64_t round) {
  for (const FrozenHistograms& item : batch.histograms) {
    Shard& shard = shards_[ShardOf(item.series->id)];
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.histograms.find(item.series->id);
    if (found == shard.histograms.end()) continue;
    std::vector<FrozenPart<OpenHistograms>>& parts = found->second.frozen;
    if (round == 0) std::erase_if(parts, [&](const auto& part) { return part.data == item.data; });
    for (auto& part : parts) {
      if (part.data == item.data) part.retired_round = round;
    }
    if (!found->second.open && parts.empty()) shard.histograms.erase(found);
  }
}

bool Head::DropRetiredHistograms(Shard& shard, std::uint64_t oldest) {
  bool left = false;
  for (auto entry = shard.histograms.begin(); entry != shard.histograms.end();) {
    HistogramParts& parts = entry->second;
    std::erase_if(parts.frozen, [&](const auto& part) { return !part.IsNeeded(oldest); });
    for (const auto& part : parts.frozen) left = left || part.retired_round != 0;
    entry = !parts.open && parts.frozen.empty() ? shard.histograms.erase(entry) : std::next(entry);
  }
  return left;
}

void Head::DropOpenHistograms(SeriesId id) {
  Shard& shard = shards_[ShardOf(id)];
  const std::lock_guard lock(shard.mutex);
  shard.histograms.erase(id);
}

void Head::VisitHistograms(const std::function<void(const OpenHistograms&)>& visit) const {
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, parts] : shard.histograms) {
      if (parts.open) visit(*parts.open);
    }
  }
}

bool Head::HasHistograms(const Shard& shard, SeriesId id, TimeRange range) {
  if (shard.histograms.empty()) return false;
  const auto found = shard.histograms.find(id);
  if (found == shard.histograms.end()) return false;
  const HistogramParts& parts = found->second;
  if (parts.open && parts.open->range().Overlaps(range)) return true;
  return std::ranges::any_of(parts.frozen, [&](const auto& part) { return part.data->range().Overlaps(range); });
}

}  // namespace vedette::storage
