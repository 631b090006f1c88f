#include "storage/rocks/sealer.h"

#include <algorithm>
#include <chrono>
#include <shared_mutex>
#include <thread>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include "storage/chunk/merge.h"
#include "storage/coding.h"
#include "storage/rocks/journal_record.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Series of one step. Commits wait while they are frozen: well under a millisecond.
constexpr std::size_t kStep = 2048;
/// A group ends when rows for it came so often that it could not take, or when most of its columns are empty.
constexpr std::size_t kMostRefused = 16;
constexpr std::size_t kSparseSlack = 64;
/// Times that SealVisible() waits a millisecond for a writer.
constexpr int kGapTries = 2000;
/// One mark per round: more than an hour of seconds.
constexpr std::size_t kMostMarks = 4096;
/// Table files that feeds let go are dropped between two cuts of the journal when there are so many bytes.
constexpr std::uint64_t kPassedBytes = 32 << 20;

std::uint64_t Biased(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63); }
std::int64_t Unbiased(std::uint64_t value) { return static_cast<std::int64_t>(value ^ (std::uint64_t{1} << 63)); }

}  // namespace

Status Sealer::Recover() {
  VEDETTE_TRY(const std::uint64_t seal, database_.GetNumber(kMetaSeal));
  seal_ = static_cast<std::uint32_t>(seal);
  VEDETTE_TRY(const std::uint64_t max_time, database_.GetNumber(kMetaMaxTime));
  sealed_max_time_ = max_time == 0 ? INT64_MIN : Unbiased(max_time);
  return Ok();
}

Status Sealer::SealFullChunks(TimeMs oldest) {
  VEDETTE_CHECK(WritePending(oldest));
  while (head_.has_full()) {
    FreezeBatch batch;
    {
      const auto pause = head_.order().Pause();
      const std::shared_lock lock(head_.table().mutex());
      head_.FreezeFull(kStep, batch);
    }
    pending_ = std::move(batch);
    VEDETTE_CHECK(WritePending(oldest));
  }
  return Ok();
}

Status Sealer::SealFull(TimeMs oldest) {
  VEDETTE_CHECK(SealFullChunks(oldest));
  head_.CloseBlocks([&](const RowGroup& group, const RowGroup::Extent& extent) {
    return head_.IsFull(group, extent) ? Head::GroupFate::kCloseBlock : Head::GroupFate::kKeep;
  });
  VEDETTE_CHECK(SealClosedBlocks(oldest));
  VEDETTE_CHECK(
      SealHistograms([&](const HeadSeries&, const OpenHistograms& open) { return head_.IsFull(open); }, oldest));
  head_.DropRetired();
  return Ok();
}

Status Sealer::SealIdle(TimeMs unused_since, TimeMs oldest) {
  head_.CloseBlocks([&](const RowGroup& group, const RowGroup::Extent& extent) {
    const bool sparse = extent.open_rows > 0 && extent.columns > 2 * extent.open_columns + kSparseSlack;
    const bool ends = group.last_use() <= unused_since || group.refused() >= kMostRefused || sparse;
    return ends ? Head::GroupFate::kEnd : Head::GroupFate::kKeep;
  });
  VEDETTE_CHECK(WritePending(oldest));
  VEDETTE_CHECK(SealClosedBlocks(oldest));
  VEDETTE_CHECK(SealHistograms(
      [&](const HeadSeries& series, const OpenHistograms&) { return series.last_use() <= unused_since; }, oldest));
  return SealWhere(
      [&](const HeadSeries& series) {
        return series.last_use() <= unused_since ? Head::Fate::kFreeze : Head::Fate::kKeep;
      },
      oldest);
}

Status Sealer::SealClosedBlocks(TimeMs oldest) {
  for (FreezeBatch& batch : head_.ClosedBlocks(kStep)) {
    pending_ = std::move(batch);
    VEDETTE_CHECK(WritePending(oldest));
  }
  return Ok();
}

Status Sealer::SealHistograms(const std::function<bool(const HeadSeries&, const OpenHistograms&)>& decide,
                              TimeMs oldest) {
  VEDETTE_CHECK(WritePending(oldest));
  for (;;) {
    FreezeBatch batch;
    {
      const auto pause = head_.order().Pause();
      const std::shared_lock lock(head_.table().mutex());
      head_.FreezeHistograms(decide, kStep, batch);
    }
    if (batch.empty()) return Ok();
    pending_ = std::move(batch);
    VEDETTE_CHECK(WritePending(oldest));
  }
}

Status Sealer::SealWhere(const std::function<Head::Fate(const HeadSeries&)>& decide, TimeMs oldest) {
  VEDETTE_CHECK(WritePending(oldest));
  const std::vector<SeriesId> open = head_.OpenSeries();
  for (std::size_t i = 0; i < open.size(); i += kStep) {
    FreezeBatch batch;
    {
      const auto pause = head_.order().Pause();
      const std::shared_lock lock(head_.table().mutex());
      head_.Freeze(std::span(open).subspan(i, std::min(kStep, open.size() - i)), decide, batch);
    }
    pending_ = std::move(batch);
    VEDETTE_CHECK(WritePending(oldest));
  }
  head_.DropRetired();
  const std::shared_lock lock(head_.table().mutex());
  head_.TrimOpenSeries();
  return Ok();
}

std::size_t Sealer::JournalBound() const {
  return std::max(tuning_.journal_samples, tuning_.journal_samples_per_series * head_.table().size());
}

void Sealer::MarkJournal() {
  // Samples are counted after their commit became visible: in this order the count is of commits up to that one.
  const std::size_t samples = journal_total_;
  const std::uint64_t commit = head_.order().visible();
  if (!marks_.empty() && marks_.back().commit == commit) return;
  marks_.push_back({commit, samples});
  if (marks_.size() <= kMostMarks) return;
  std::size_t n = 0;
  std::erase_if(marks_, [&](const Mark&) { return n++ % 2 == 0; });
}

Status Sealer::CutJournal(TimeMs oldest) {
  MarkJournal();
  const std::size_t bound = JournalBound();
  if (journal_samples() < bound) return DropUnneeded(bound / 8);
  // The older half goes; what groups sealed in turn is gone already.
  const std::size_t keep_from = journal_total_ - std::min(bound / 2, journal_total_.load());
  const auto mark = std::ranges::lower_bound(marks_, keep_from, {}, &Mark::samples);
  VEDETTE_CHECK(Release(mark == marks_.end() ? marks_.back().commit : mark->commit, false, oldest));
  return DropUnneeded(0);
}

Status Sealer::SealAll(TimeMs oldest) {
  MarkJournal();
  VEDETTE_CHECK(Release(head_.order().visible(), true, oldest));
  return DropUnneeded(0);
}

Status Sealer::SealVisible(TimeMs oldest) {
  MarkJournal();
  const std::uint64_t through = head_.order().visible();
  for (int i = 0; i < kGapTries; ++i) {
    VEDETTE_CHECK(Release(through, true, oldest));
    const auto sealed = [&] {
      const std::shared_lock lock(head_.table().mutex());
      return head_.OldestNeededCommit() > through;
    };
    // With its records in the journal a deleted series would be in memory again after a restart.
    if (sealed()) return DropUnneeded(0);
    // A row was on its way into a block, which ends with it.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return Fail(Code::kUnavailable, "writers left no gap for sealing; try again");
}

std::uint32_t Sealer::NewSeal(rocksdb::WriteBatch& batch, std::int64_t max_time) {
  sealed_max_time_ = std::max(sealed_max_time_.load(), max_time);
  database_.PutNumber(batch, kMetaSeal, ++seal_);
  database_.PutNumber(batch, kMetaMaxTime, Biased(sealed_max_time_));
  return seal_;
}

Status Sealer::Release(std::uint64_t through, bool all, TimeMs oldest) {
  VEDETTE_CHECK(WritePending(oldest));
  head_.CloseBlocks([&](const RowGroup&, const RowGroup::Extent& extent) {
    return extent.first_commit <= through ? Head::GroupFate::kCloseBlock : Head::GroupFate::kKeep;
  });
  VEDETTE_CHECK(SealClosedBlocks(oldest));
  VEDETTE_CHECK(SealHistograms(
      [&](const HeadSeries&, const OpenHistograms& open) { return open.first_commit() <= through; }, oldest));
  const auto decide = [&](const HeadSeries& series) {
    const OpenData& open = *series.open;
    // What was carried counts from the commit behind its record on: with `all` it is sealed whatever came since.
    if (open.first_commit() > through + (all ? 1 : 0)) return Head::Fate::kKeep;
    return all || open.size() >= tuning_.spill_samples ? Head::Fate::kFreeze : Head::Fate::kCarry;
  };
  return SealWhere(decide, oldest);
}

/// Drops the records that nothing unsealed needs, when they hold so many samples.
Status Sealer::DropUnneeded(std::size_t at_least) {
  // In this order: a commit that comes meanwhile has a higher number than what is visible now.
  std::uint64_t through = head_.order().visible();
  {
    const std::shared_lock lock(head_.table().mutex());
    through = std::min(through, head_.OldestNeededCommit() - 1);
  }
  auto end = std::ranges::upper_bound(marks_, through, {}, &Mark::commit);
  if (end == marks_.begin()) return DropPassed();
  const Mark last = *std::prev(end);
  if (last.samples - std::min(last.samples, journal_dropped_.load()) < at_least) return DropPassed();
  VEDETTE_CHECK(DropJournal(last.commit));
  journal_dropped_ = std::max(journal_dropped_.load(), last.samples);
  marks_.erase(marks_.begin(), end);
  return Ok();
}

Status Sealer::WritePending(TimeMs oldest) {
  if (!pending_) return Ok();
  if (!pending_->empty()) VEDETTE_CHECK(WriteStep(oldest));
  pending_.reset();
  return Ok();
}

Status Sealer::WriteStep(TimeMs oldest) {
  const auto start = std::chrono::steady_clock::now();
  rocksdb::WriteBatch batch;
  ++seal_;
  Sealed sealed;
  writer_.Clear();
  for (const FrozenSeries& item : pending_->frozen) PutSeries(item, oldest, sealed);
  for (const FrozenBlock& item : pending_->blocks) PutBlock(item, oldest, sealed);
  for (const FrozenHistograms& item : pending_->histograms) PutHistograms(item, oldest, sealed);
  const std::size_t chunks = writer_.chunks(), bytes = writer_.bytes();
  for (const std::int32_t day : writer_.days()) partitions_.Touch(day, batch);
  const SampleChanges::Change change(database_.sample_changes(), writer_.stripes());
  const DayVersions::Change index_change = sealed.index.Write(database_, batch);

  PutJournalRecords(batch);
  sealed.max_time = std::max(sealed.max_time, sealed_max_time_.load());
  database_.PutNumber(batch, kMetaSeal, seal_);
  if (sealed.max_time != INT64_MIN) database_.PutNumber(batch, kMetaMaxTime, Biased(sealed.max_time));
  VEDETTE_CHECK(writer_.Finish(batch));
  VEDETTE_CHECK(database_.Write(batch, false));

  sealed_max_time_ = sealed.max_time;
  for (const auto& [series, day] : sealed.indexed) series->indexed_day = day;
  head_.Retire(*pending_);
  metrics_.chunks_sealed.Increment(static_cast<double>(chunks));
  metrics_.chunk_bytes.Increment(static_cast<double>(bytes));
  metrics_.seal_seconds.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return Ok();
}

void Sealer::PutJournalRecords(rocksdb::WriteBatch& batch) {
  rocksdb::ColumnFamilyHandle* journal = database_.family(Family::kJournal);
  if (!pending_->frozen.empty() || !pending_->blocks.empty()) {
    std::vector<SeriesId> ids;
    std::vector<std::uint64_t> blocks;
    for (const FrozenSeries& item : pending_->frozen) ids.push_back(item.series->id);
    for (const FrozenBlock& item : pending_->blocks) blocks.push_back(item.block->number());
    Normalize(ids);
    batch.Put(journal, JournalKey(pending_->through, seal_), EncodeSealed(ids, blocks));
  }
  if (!pending_->histograms.empty()) {
    std::vector<SeriesId> ids;
    for (const FrozenHistograms& item : pending_->histograms) ids.push_back(item.series->id);
    Normalize(ids);
    batch.Put(journal, JournalKey(pending_->through, ++seal_), EncodeSealedHistograms(ids));
  }
  if (pending_->carried.empty()) return;
  std::vector<CarriedSamples> carried;
  for (const CarriedSeries& item : pending_->carried) carried.push_back({item.series->id, item.samples});
  batch.Put(journal, JournalKey(pending_->through, ++seal_), EncodeCarried(carried));
}

void Sealer::PutSeries(const FrozenSeries& item, TimeMs oldest, Sealed& sealed) {
  thread_local Columns samples;
  samples.clear();
  item.data->Read(pending_->through, samples);
  SortAndResolve(samples, 0);
  PutSamples(*item.series, samples, oldest, sealed);
}

/// Turns rows into the samples of each series.
void Sealer::PutBlock(const FrozenBlock& item, TimeMs oldest, Sealed& sealed) {
  std::vector<HeadSeries*> series(item.ids.size(), nullptr);
  {
    const std::shared_lock lock(head_.table().mutex());
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (item.ids[i] != SeriesId::kNone) series[i] = head_.table().Find(item.ids[i]);
    }
  }
  std::vector<RowPin> pins;
  item.block->Pin(TimeRange(), pins);
  std::vector<Columns> columns(kRowBlockColumns);
  for (std::size_t first = 0; first < series.size(); first += kRowBlockColumns) {
    const auto block = std::span(columns).first(std::min(kRowBlockColumns, series.size() - first));
    for (Columns& samples : block) samples.clear();
    for (const RowPin& pin : pins) pin.ReadBlock(first / kRowBlockColumns, block);
    for (std::size_t i = 0; i < block.size(); ++i) {
      HeadSeries* const one = series[first + i];
      // One that left memory did so without unsealed samples.
      if (one == nullptr || block[i].size() == 0) continue;
      // Before the chunk is written: from here on readers look on disk as well.
      head_.NoteSealing(*one, block[i].times.back(), item.group->last_use());
      PutSamples(*one, block[i], oldest, sealed);
    }
  }
}

void Sealer::PutSamples(HeadSeries& series, const Columns& samples, TimeMs oldest, Sealed& sealed) {
  const std::int32_t oldest_day = DayOf(oldest);
  for (std::size_t begin = 0; begin < samples.size();) {
    const std::int32_t day = DayOf(TimeMs(samples.times[begin]));
    const std::int64_t day_end = StartOfDay(day + 1).ms;
    std::size_t end = begin + 1;
    while (end < samples.size() && samples.times[end] < day_end) ++end;
    if (day >= oldest_day) {
      const std::size_t n = end - begin;
      writer_.Add(day, series.id, seal_, std::span(samples.times).subspan(begin, n),
                  std::span(samples.values).subspan(begin, n));
      NoteDay(series, day, samples.times[end - 1], sealed);
    }
    begin = end;
  }
}

void Sealer::PutHistograms(const FrozenHistograms& item, TimeMs oldest, Sealed& sealed) {
  HistogramColumns samples;
  item.data->Copy(pending_->through).Decode(samples);
  SortAndResolve(samples, 0);
  const std::int32_t oldest_day = DayOf(oldest);
  for (std::size_t begin = 0; begin < samples.size();) {
    const std::int32_t day = DayOf(TimeMs(samples.times[begin]));
    const auto end = static_cast<std::size_t>(std::ranges::lower_bound(samples.times, StartOfDay(day + 1).ms) -
                                              samples.times.begin());
    if (day >= oldest_day) {
      writer_.AddHistograms(day, item.series->id, seal_, std::span(samples.times).subspan(begin, end - begin),
                            std::span(samples.histograms).subspan(begin, end - begin));
      NoteDay(*item.series, day, samples.times[end - 1], sealed);
    }
    begin = end;
  }
}

/// Samples of the series up to `max_time` are written to `day`.
void Sealer::NoteDay(HeadSeries& series, std::int32_t day, std::int64_t max_time, Sealed& sealed) {
  if (series.indexed_day != day) {
    const std::shared_lock lock(head_.table().mutex());
    sealed.index.Add(day, series.id, sealed.labels.emplace_back(head_.table().LabelsOf(series)));
    sealed.indexed[&series] = day;
  }
  sealed.max_time = std::max(sealed.max_time, max_time);
}

/// Drops what feeds needed at the last time and do not need any more: also while nothing new comes, on a full disk.
Status Sealer::DropPassed() {
  const std::uint64_t held = feeds_.HeldFrom();
  if (kept_from_ > watermark_ || held <= kept_from_) return Ok();
  const std::string from = JournalKey(kept_from_, 0), to = JournalKey(std::min(held, watermark_), 0);
  const rocksdb::Range range(from, to);
  std::uint64_t bytes = 0;
  const auto status = database_.db().GetApproximateSizes({}, database_.family(Family::kJournal), &range, 1, &bytes);
  if (!status.ok() || bytes < kPassedBytes) return Ok();
  return DropJournal(watermark_);
}

Status Sealer::DropJournal(std::uint64_t through) {
  // A start replays from the watermark on; what feeds need of before stays.
  const std::uint64_t kept = std::min(through + 1, feeds_.HeldFrom());
  const std::string from = JournalKey(0, 0), to = kept > through ? JournalKey(through, 1) : JournalKey(kept, 0);
  rocksdb::WriteBatch batch;
  database_.PutNumber(batch, kMetaWatermark, through);
  batch.DeleteRange(database_.family(Family::kJournal), from, to);
  feeds_.DropBefore(kept, batch);
  // On the medium, and with it the chunks that the samples of these records went to: files go at once, and a power cut
  // that takes the end of the log would not bring them back.
  VEDETTE_CHECK(database_.Write(batch, false));
  VEDETTE_CHECK(database_.Sync());
  // Files that hold nothing else need not be compacted away. After the watermark: a start never looks for these
  // records.
  const rocksdb::Slice begin(from), end(to);
  const rocksdb::Status status =
      rocksdb::DeleteFilesInRange(&database_.db(), database_.family(Family::kJournal), &begin, &end, false);
  if (!status.ok()) return ToError(status, "drop of old journal files");
  watermark_ = through;
  kept_from_ = kept;
  return Ok();
}

}  // namespace vedette::storage
