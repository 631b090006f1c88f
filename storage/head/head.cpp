#include "storage/head/head.h"

#include <algorithm>
#include <shared_mutex>

#include "storage/chunk/merge.h"

namespace vedette::storage {

void Head::Apply(const AppendBatch& batch, std::uint64_t commit, AppendOutcome& outcome) {
  const std::uint64_t oldest_reader = readers_.OldestCommit(commit - 1);
  const std::shared_lock table_lock(table_.mutex());
  std::unique_lock<std::mutex> lock;
  std::size_t locked = kShards;
  for (const AppendBatch::Row& row : batch.rows) {
    const TimeBound row_time(row.time.ms);
    for (std::size_t i = row.begin; i < row.end; ++i) {
      HeadSeries* series = table_.Find(batch.series[i]);
      if (series == nullptr) {
        ++outcome.unknown;
        continue;
      }
      if (const std::size_t shard = ShardOf(series->id); shard != locked) {
        if (lock.owns_lock()) lock.unlock();
        lock = std::unique_lock(shards_[shard].mutex);
        locked = shard;
      }
      series->max_time.Raise(row_time);
      if (!series->open) series->open = std::make_unique<OpenData>();
      switch (series->open->Add(row.time, batch.values[i], commit, oldest_reader)) {
        case OpenData::Added::kStored:
          ++outcome.stored;
          break;
        case OpenData::Added::kDuplicate:
          ++outcome.duplicates;
          continue;
        case OpenData::Added::kConflict:
          ++outcome.conflicts;
          break;
      }
      NoteIfFull(*series);
    }
  }
}

void Head::NoteIfFull(HeadSeries& series) {
  if (series.queued) return;
  const OpenData& open = *series.open;
  if (open.in_order() < chunk_samples_ && open.late() < chunk_samples_) {
    if (open.size() < span_samples_) return;
    const TimeRange range = open.range();
    if (range.max - range.min < chunk_span_) return;
  }
  series.queued = true;
  const std::lock_guard lock(full_mutex_);
  full_.push_back(series.id);
}

void Head::Read(const HeadSeries& series, HeadView view, TimeRange range, Columns& out) const {
  OpenCopy copy;
  std::vector<std::shared_ptr<const OpenData>> frozen;
  {
    const Shard& shard = shards_[ShardOf(series.id)];
    const std::lock_guard lock(shard.mutex);
    if (series.open && series.open->range().Overlaps(range)) copy = series.open->Copy(view.commit);
    if (!shard.frozen.empty()) {
      const auto found = shard.frozen.find(series.id);
      if (found != shard.frozen.end()) {
        for (const Frozen& part : found->second) {
          const bool needed = part.retired_round == 0 || part.retired_round > view.round;
          if (needed && part.data->range().Overlaps(range)) frozen.push_back(part.data);
        }
      }
    }
  }
  for (const auto& part : frozen) part->Read(view.commit, out);
  copy.Decode(out);
}

bool Head::MayHave(const HeadSeries& series, TimeRange range, bool sealed_too) const {
  const Shard& shard = shards_[ShardOf(series.id)];
  const std::lock_guard lock(shard.mutex);
  if (series.open && series.open->range().Overlaps(range)) return true;
  if (sealed_too && (series.max_time.Reaches(range.min.ms) || series.sealed_max_time.Reaches(range.min.ms)))
    return true;
  const auto found = shard.frozen.find(series.id);
  return found != shard.frozen.end() &&
         std::ranges::any_of(found->second, [&](const Frozen& part) { return part.data->range().Overlaps(range); });
}

bool Head::MayBeOnDisk(const HeadSeries& series, TimeRange range) const {
  const std::lock_guard lock(shards_[ShardOf(series.id)].mutex);
  return series.sealed_max_time.Reaches(range.min.ms);
}

void Head::FreezeLocked(HeadSeries& series, Shard& shard, FreezeBatch& out) {
  std::shared_ptr<const OpenData> data = std::move(series.open);
  DropOpen(series);
  // From here on readers look on disk for these times as well, where the chunk is about to be.
  series.sealed_max_time.Raise(TimeBound(data->range().max.ms));
  shard.frozen[series.id].push_back({data, 0});
  out.frozen.push_back({&series, std::move(data)});
}

bool Head::Freeze(SeriesId& cursor, std::size_t limit, const std::function<Fate(const HeadSeries&)>& decide,
                  FreezeBatch& out) {
  out.through = order_.visible();
  for (std::size_t i = 0; i < limit; ++i) {
    HeadSeries* series = table_.After(cursor);
    if (series == nullptr) return false;
    cursor = series->id;
    Shard& shard = shards_[ShardOf(series->id)];
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
  return true;
}

void Head::FreezeFull(std::size_t limit, FreezeBatch& out) {
  out.through = order_.visible();
  std::vector<SeriesId> ids;
  {
    const std::lock_guard lock(full_mutex_);
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
  const std::lock_guard lock(full_mutex_);
  return !full_.empty();
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
  for (const CarriedSeries& item : batch.carried) {
    const std::lock_guard lock(shards_[ShardOf(item.series->id)].mutex);
    // Samples that came since have later records; those before are in the carry record, at `through`.
    if (item.series->open) item.series->open->set_first_commit(batch.through);
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
  }
}

bool Head::IsClean(const HeadSeries& series) const {
  const Shard& shard = shards_[ShardOf(series.id)];
  const std::lock_guard lock(shard.mutex);
  return !series.open && !shard.frozen.contains(series.id);
}

std::size_t Head::open_chunks() const {
  std::size_t chunks = 0;
  const std::shared_lock table_lock(table_.mutex());
  for (const HeadSeries* series = table_.After(SeriesId::kNone); series; series = table_.After(series->id)) {
    const std::lock_guard lock(shards_[ShardOf(series->id)].mutex);
    chunks += series->open ? 1 : 0;
  }
  return chunks;
}

std::optional<TimeRange> Head::range() const {
  std::optional<TimeRange> range;
  const std::shared_lock table_lock(table_.mutex());
  for (const HeadSeries* series = table_.After(SeriesId::kNone); series; series = table_.After(series->id)) {
    const std::lock_guard lock(shards_[ShardOf(series->id)].mutex);
    if (!series->open) continue;
    const TimeRange own = series->open->range();
    if (!range) range = own;
    range = TimeRange{std::min(range->min, own.min), std::max(range->max, own.max)};
  }
  return range;
}

}  // namespace vedette::storage
