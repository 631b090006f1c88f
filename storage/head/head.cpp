#include "storage/head/head.h"

#include <algorithm>
#include <bit>
#include <shared_mutex>

#include "storage/head/commit_plan.h"

namespace vedette::storage {

void Head::Apply(CommitPlan& plan, std::uint64_t commit, AppendOutcome& outcome) {
  for (const RowDraft& draft : plan.drafts_.rows) {
    draft.group->Apply(draft, plan.drafts_.RowBytes(draft), commit);
    outcome.stored += draft.values;
  }
  plan.applied_ = true;
  if (!plan.singles_.rows.empty()) ApplySingles(plan.singles_, commit, outcome);
}

void Head::ApplySingles(const AppendBatch& batch, std::uint64_t commit, AppendOutcome& outcome) {
  const std::uint64_t oldest_reader = readers_.OldestCommit(commit - 1);
  std::vector<SeriesId> opened;
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
      Count(*series, row.time, batch.values[i], commit, oldest_reader, outcome);
      if (!series->open || series->listed) continue;
      series->listed = true;
      opened.push_back(series->id);
    }
  }
  if (lock.owns_lock()) lock.unlock();
  if (opened.empty()) return;
  const std::lock_guard lists_lock(lists_mutex_);
  open_.insert(open_.end(), opened.begin(), opened.end());
}

/// Adds one sample to the open chunk, unless the series has a better one at that time.
void Head::Count(HeadSeries& series, TimeMs time, double value, std::uint64_t commit, std::uint64_t oldest_reader,
                 AppendOutcome& outcome) {
  double there = 0;
  const bool in_rows = series.group != nullptr && series.group->Find(series.column, time, there);
  if (in_rows) {
    const auto bits = [](double v) { return std::bit_cast<std::uint64_t>(v); };
    const bool same = bits(there) == bits(value);
    ++(same ? outcome.duplicates : outcome.conflicts);
    if (same || bits(ResolveDuplicate(there, value)) == bits(there)) return;
  }
  if (!series.open) series.open = std::make_unique<OpenData>();
  const OpenData::Added added = series.open->Add(time, value, commit, oldest_reader);
  if (!in_rows) {
    ++(added == OpenData::Added::kStored      ? outcome.stored
       : added == OpenData::Added::kDuplicate ? outcome.duplicates
                                              : outcome.conflicts);
  }
  if (added != OpenData::Added::kDuplicate) NoteIfFull(series);
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
  const std::lock_guard lock(lists_mutex_);
  full_.push_back(series.id);
}

Placement Head::PlaceOf(SeriesId id) const {
  HeadSeries* series = table_.Find(id);
  if (series == nullptr) return {};
  const std::lock_guard lock(shards_[ShardOf(id)].mutex);
  return {series, series->group, series->column};
}

std::optional<std::uint16_t> Head::Join(HeadSeries& series, RowGroup& group) {
  const std::lock_guard lock(shards_[ShardOf(series.id)].mutex);
  if (series.group != nullptr) return std::nullopt;
  series.group = &group;
  series.column = group.AddColumn(series.id);
  return series.column;
}

void Head::Leave(const HeadSeries& series) {
  const std::lock_guard lock(shards_[ShardOf(series.id)].mutex);
  if (series.group != nullptr) series.group->ForgetColumn(series.column);
}

void Head::Read(const HeadSeries& series, HeadView view, TimeRange range, Columns& out) const {
  GroupWalk walk;
  ReadAll(series, view, range, walk, out, nullptr);
}

bool Head::ReadAll(const HeadSeries& series, HeadView view, TimeRange range, GroupWalk& walk, Columns& out,
                   HistogramColumns* histograms) const {
  OpenCopy copy;
  std::vector<std::shared_ptr<const OpenData>> frozen;
  const RowGroup* group = nullptr;
  std::size_t column = 0;
  bool on_disk = false, has_histograms = false;
  {
    const Shard& shard = shards_[ShardOf(series.id)];
    const std::lock_guard lock(shard.mutex);
    on_disk = series.sealed_max_time.Reaches(range.min.ms);
    group = series.group;
    column = series.column;
    if (series.open && series.open->range().Overlaps(range)) copy = series.open->Copy(view.commit);
    if (!shard.frozen.empty()) {
      const auto found = shard.frozen.find(series.id);
      if (found != shard.frozen.end()) {
        for (const Frozen& part : found->second) {
          if (part.IsNeeded(view.round) && part.data->range().Overlaps(range)) frozen.push_back(part.data);
        }
      }
    }
    has_histograms = histograms != nullptr && shard.histograms.contains(series.id);
  }
  if (group != nullptr) walk.Read(*group, column, view, range, out);
  for (const auto& part : frozen) part->Read(view.commit, out);
  copy.Decode(out);
  if (has_histograms) ReadHistograms(series.id, view, range, *histograms);
  return on_disk;
}

bool Head::MayHave(const HeadSeries& series, TimeRange range, bool sealed_too) const {
  const RowGroup* group = nullptr;
  std::size_t column = 0;
  {
    const Shard& shard = shards_[ShardOf(series.id)];
    const std::lock_guard lock(shard.mutex);
    if (series.open && series.open->range().Overlaps(range)) return true;
    if (sealed_too && (series.max_time.Reaches(range.min.ms) || series.sealed_max_time.Reaches(range.min.ms))) {
      return true;
    }
    const auto found = shard.frozen.find(series.id);
    if (found != shard.frozen.end() &&
        std::ranges::any_of(found->second, [&](const Frozen& part) { return part.data->range().Overlaps(range); })) {
      return true;
    }
    if (HasHistograms(shard, series.id, range)) return true;
    group = series.group;
    column = series.column;
  }
  return group != nullptr && group->Has(column, range);
}

bool Head::IsClean(const HeadSeries& series) const {
  const RowGroup* group = nullptr;
  std::size_t column = 0;
  {
    const Shard& shard = shards_[ShardOf(series.id)];
    const std::lock_guard lock(shard.mutex);
    if (series.open || shard.frozen.contains(series.id) || shard.histograms.contains(series.id)) return false;
    group = series.group;
    column = series.column;
  }
  return group == nullptr || !group->Has(column, TimeRange());
}

void Head::VisitOpen(const std::function<void(const HeadSeries&)>& visit) const {
  for (const SeriesId id : OpenSeries()) {
    const HeadSeries* series = table_.Find(id);
    if (series == nullptr) continue;
    const std::lock_guard lock(shards_[ShardOf(id)].mutex);
    if (series->open) visit(*series);
  }
}

void Head::NoteOnDisk(HeadSeries& series, std::int64_t max_time) {
  const std::lock_guard lock(shards_[ShardOf(series.id)].mutex);
  series.max_time.Raise(TimeBound(max_time));
  series.sealed_max_time.Raise(TimeBound(max_time));
}

std::size_t Head::open_chunks() const {
  std::size_t chunks = 0;
  const std::shared_lock table_lock(table_.mutex());
  VisitOpen([&](const HeadSeries&) { ++chunks; });
  VisitHistograms([&](const OpenHistograms&) { ++chunks; });
  for (const RowGroup* group : groups_.All()) {
    const RowGroup::Extent extent = group->extent();
    if (extent.rows > 0) chunks += extent.columns;
  }
  return chunks;
}

std::optional<TimeRange> Head::range() const {
  std::optional<TimeRange> range;
  const auto take = [&](const TimeRange& own) {
    if (!range) range = own;
    range = TimeRange{std::min(range->min, own.min), std::max(range->max, own.max)};
  };
  const std::shared_lock table_lock(table_.mutex());
  VisitOpen([&](const HeadSeries& series) { take(series.open->range()); });
  VisitHistograms([&](const OpenHistograms& open) { take(open.range()); });
  for (const RowGroup* group : groups_.All()) {
    const RowGroup::Extent extent = group->extent();
    if (extent.rows > 0) take(extent.range);
  }
  return range;
}

std::size_t Head::row_bytes() const {
  std::size_t bytes = 0;
  for (const RowGroup* group : groups_.All()) bytes += group->extent().bytes;
  VisitHistograms([&](const OpenHistograms& open) { bytes += open.bytes(); });
  return bytes;
}

}  // namespace vedette::storage
