// What the sealer takes out of the head, and what becomes of it afterwards.
#include <algorithm>
#include <shared_mutex>

#include "storage/chunk/merge.h"
#include "storage/head/head.h"

namespace vedette::storage {
namespace {

/// 0 to 1023, the same for a block whenever it is asked.
std::uint64_t Spread(std::uint64_t number) { return (number * 0x9E3779B97F4A7C15) >> 54; }

}  // namespace

std::vector<SeriesId> Head::OpenSeries() const {
  const std::lock_guard lock(lists_mutex_);
  return open_;
}

void Head::TrimOpenSeries() {
  std::vector<SeriesId> listed;
  {
    const std::lock_guard lock(lists_mutex_);
    listed.swap(open_);
  }
  std::erase_if(listed, [&](SeriesId id) {
    HeadSeries* series = table_.Find(id);
    if (series == nullptr) return true;
    const std::lock_guard lock(shards_[ShardOf(id)].mutex);
    if (!series->open) series->listed = false;
    return !series->open;
  });
  const std::lock_guard lock(lists_mutex_);
  open_.insert(open_.end(), listed.begin(), listed.end());
}

void Head::FreezeLocked(HeadSeries& series, Shard& shard, FreezeBatch& out) {
  std::shared_ptr<const OpenData> data = std::move(series.open);
  DropOpen(series);
  // From here on readers look on disk for these times as well, where the chunk is about to be.
  series.sealed_max_time.Raise(TimeBound(data->range().max.ms));
  shard.frozen[series.id].push_back({data, 0});
  out.frozen.push_back({&series, std::move(data)});
}

void Head::Freeze(std::span<const SeriesId> ids, const std::function<Fate(const HeadSeries&)>& decide,
                  FreezeBatch& out) {
  out.through = order_.visible();
  for (const SeriesId id : ids) {
    HeadSeries* series = table_.Find(id);
    if (series == nullptr) continue;
    Shard& shard = shards_[ShardOf(id)];
    const std::lock_guard lock(shard.mutex);
    if (!series->open) continue;
    switch (decide(*series)) {
      case Fate::kKeep:
        break;
      case Fate::kFreeze:
        FreezeLocked(*series, shard, out);
        break;
      case Fate::kCarry:
        CarriedSeries& carried = out.carried.emplace_back();
        carried.series = series;
        series->open->Read(out.through, carried.samples);
        SortAndResolve(carried.samples, 0);
        break;
    }
  }
}

void Head::FreezeFull(std::size_t limit, FreezeBatch& out) {
  out.through = order_.visible();
  std::vector<SeriesId> ids;
  {
    const std::lock_guard lock(lists_mutex_);
    const std::size_t take = std::min(limit, full_.size());
    ids.assign(full_.end() - static_cast<std::ptrdiff_t>(take), full_.end());
    full_.resize(full_.size() - take);
  }
  for (const SeriesId id : ids) {
    HeadSeries* series = table_.Find(id);
    if (series == nullptr) continue;
    Shard& shard = shards_[ShardOf(id)];
    const std::lock_guard lock(shard.mutex);
    if (series->queued && series->open) FreezeLocked(*series, shard, out);
  }
}

bool Head::has_full() const {
  const std::lock_guard lock(lists_mutex_);
  return !full_.empty();
}

void Head::CloseBlocks(const std::function<GroupFate(const RowGroup&, const RowGroup::Extent&)>& decide) {
  for (RowGroup* group : groups_.All()) {
    const GroupFate fate = decide(*group, group->extent());
    if (fate == GroupFate::kKeep) continue;
    if (fate == GroupFate::kEnd) group->End();
    const std::unique_lock claim(group->claim(), std::try_to_lock);
    if (claim.owns_lock()) {
      group->CloseBlock();
    } else {
      // Somebody who writes without a pause: waiting for a gap could take forever, but the next row can do it.
      group->WantNewBlock();
    }
  }
}

bool Head::IsFull(const RowGroup& group, const RowGroup::Extent& extent) const {
  if (extent.open_rows == 0) return false;
  // Targets start together. First blocks of all sizes up to the usual one part them, so that memory is level from then
  // on; between three and five quarters of it they stay apart.
  const std::uint64_t spread = Spread(group.number() * 31 + extent.first_commit);
  const std::uint64_t quarters = extent.open_is_first ? 256 + spread * 7 / 4 : 3 * 512 + spread;
  if (extent.open_rows >= std::max<std::size_t>(1, chunk_samples_ * quarters / 2048)) return true;
  return extent.open_rows >= span_samples_ && extent.open_range.max - extent.open_range.min >= chunk_span_;
}

std::vector<FreezeBatch> Head::ClosedBlocks(std::size_t columns) {
  std::vector<FreezeBatch> out;
  std::size_t room = 0;
  const std::uint64_t through = order_.visible();
  for (RowGroup* group : groups_.All()) {
    for (auto& block : group->ClosedBlocks()) {
      std::vector<SeriesId> ids = group->CopyIds();
      if (room < ids.size()) {
        out.emplace_back().through = through;
        room = columns;
      }
      room -= std::min(room, ids.size());
      // Its last rows may have come since. The record of the seal has to follow theirs in the journal.
      out.back().through = std::max(out.back().through, block->last_commit());
      out.back().blocks.push_back({group, std::move(block), std::move(ids)});
    }
  }
  return out;
}

void Head::NoteSealing(HeadSeries& series, std::int64_t max_time, TimeMs used) {
  const std::lock_guard lock(shards_[ShardOf(series.id)].mutex);
  series.max_time.Raise(TimeBound(max_time));
  series.sealed_max_time.Raise(TimeBound(max_time));
  if (used > series.last_use()) series.Use(used);
}

void Head::Retire(const FreezeBatch& batch) {
  bool has_older_readers = false;
  const std::uint64_t round = readers_.CompleteRound(has_older_readers);
  has_retired_ = has_retired_ || has_older_readers;
  for (const FrozenSeries& item : batch.frozen) {
    Shard& shard = shards_[ShardOf(item.series->id)];
    const std::lock_guard lock(shard.mutex);
    auto& parts = shard.frozen[item.series->id];
    if (has_older_readers) {
      for (Frozen& part : parts) {
        if (part.data == item.data) part.retired_round = round;
      }
    } else {
      std::erase_if(parts, [&](const Frozen& part) { return part.data == item.data; });
      if (parts.empty()) shard.frozen.erase(item.series->id);
    }
  }
  for (const FrozenBlock& item : batch.blocks) {
    item.group->Retire(item.block->number(), has_older_readers ? round : 0);
  }
  RetireHistograms(batch, has_older_readers ? round : 0);
  for (const CarriedSeries& item : batch.carried) {
    const std::lock_guard lock(shards_[ShardOf(item.series->id)].mutex);
    // Samples that came since have later records; those before are in the carry record, right behind that of `through`.
    if (item.series->open) item.series->open->set_first_commit(batch.through + 1);
  }
}

void Head::DropRetired() {
  if (!has_retired_) return;
  const std::uint64_t oldest = readers_.OldestRound();
  has_retired_ = false;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto entry = shard.frozen.begin(); entry != shard.frozen.end();) {
      std::vector<Frozen>& parts = entry->second;
      std::erase_if(parts, [&](const Frozen& part) { return part.retired_round != 0 && part.retired_round <= oldest; });
      for (const Frozen& part : parts) has_retired_ = has_retired_ || part.retired_round != 0;
      entry = parts.empty() ? shard.frozen.erase(entry) : std::next(entry);
    }
    if (DropRetiredHistograms(shard, oldest)) has_retired_ = true;
  }
  for (RowGroup* group : groups_.All()) {
    if (!group->DropRetired(oldest)) has_retired_ = true;
  }
}

void Head::DropEndedGroups() {
  for (RowGroup* group : groups_.All()) {
    if (!group->ended() || !group->empty()) continue;
    const std::unique_lock table_lock(table_.mutex());
    for (const SeriesId id : group->CopyIds()) {
      HeadSeries* series = id == SeriesId::kNone ? nullptr : table_.Find(id);
      if (series != nullptr && series->group == group) series->group = nullptr;
    }
    groups_.Erase(*group);
  }
}

std::uint64_t Head::OldestNeededCommit() const {
  std::uint64_t oldest = UINT64_MAX;
  VisitOpen([&](const HeadSeries& series) { oldest = std::min(oldest, series.open->first_commit()); });
  VisitHistograms([&](const OpenHistograms& open) { oldest = std::min(oldest, open.first_commit()); });
  for (const RowGroup* group : groups_.All()) oldest = std::min(oldest, group->extent().first_commit);
  return oldest;
}

}  // namespace vedette::storage
