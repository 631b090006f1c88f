#include "storage/rocks/sealer.h"

#include <algorithm>
#include <chrono>
#include <shared_mutex>

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

bool Sealer::JournalIsLong() const {
  return journal_samples_ >=
         std::max(tuning_.journal_samples, tuning_.journal_samples_per_series * head_.table().size());
}

Status Sealer::SealFull(TimeMs oldest) {
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
  head_.DropRetired();
  return Ok();
}

Status Sealer::SealIdle(TimeMs unused_since, TimeMs oldest) {
  return SealWhere(
      [&](const HeadSeries& series) {
        const bool idle = series.last_use() <= unused_since;
        return idle ? Head::Fate::kFreeze : Head::Fate::kKeep;
      },
      oldest);
}

Status Sealer::SealWhere(const std::function<Head::Fate(const HeadSeries&)>& decide, TimeMs oldest) {
  VEDETTE_CHECK(WritePending(oldest));
  SeriesId cursor = SeriesId::kNone;
  for (bool more = true; more;) {
    FreezeBatch batch;
    {
      const auto pause = head_.order().Pause();
      const std::shared_lock lock(head_.table().mutex());
      more = head_.Freeze(cursor, kStep, decide, batch);
    }
    pending_ = std::move(batch);
    VEDETTE_CHECK(WritePending(oldest));
  }
  head_.DropRetired();
  return Ok();
}

Status Sealer::Spill(bool all, TimeMs oldest) {
  VEDETTE_CHECK(WritePending(oldest));
  const std::size_t journal_before = journal_samples_;
  // Read after the count, so that no record is dropped that was not counted; up to here everything is applied.
  const std::uint64_t through = head_.order().visible();
  std::size_t carried = 0;
  const auto decide = [&](const HeadSeries& series) {
    const OpenData& open = *series.open;
    if (open.first_commit() > through) return Head::Fate::kKeep;
    if (all || open.size() >= tuning_.spill_samples) return Head::Fate::kFreeze;
    carried += open.size();
    return Head::Fate::kCarry;
  };
  VEDETTE_CHECK(SealWhere(decide, oldest));
  VEDETTE_CHECK(DropJournal(through));
  journal_samples_ += carried;
  journal_samples_ -= std::min(journal_before, journal_samples_.load());
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
  for (const FrozenSeries& item : pending_->frozen) PutChunks(item, oldest, sealed);
  const std::size_t chunks = writer_.chunks(), bytes = writer_.bytes();
  for (const std::int32_t day : writer_.days()) partitions_.Touch(day, batch);
  const DayVersions::Change index_change = sealed.index.Write(database_, batch);

  rocksdb::ColumnFamilyHandle* journal = database_.family(Family::kJournal);
  if (!pending_->frozen.empty()) {
    std::vector<SeriesId> ids;
    for (const FrozenSeries& item : pending_->frozen) ids.push_back(item.series->id);
    Normalize(ids);
    batch.Put(journal, JournalKey(pending_->through, seal_), EncodeSealed(ids));
  }
  if (!pending_->carried.empty()) {
    std::vector<CarriedSamples> carried;
    for (const CarriedSeries& item : pending_->carried) carried.push_back({item.series->id, item.samples});
    batch.Put(journal, JournalKey(pending_->through, ++seal_), EncodeCarried(carried));
  }
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

void Sealer::PutChunks(const FrozenSeries& item, TimeMs oldest, Sealed& sealed) {
  thread_local Columns samples;
  samples.clear();
  item.data->Read(pending_->through, samples);
  SortAndResolve(samples, 0);
  const HeadSeries& series = *item.series;
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
      if (series.indexed_day != day) {
        const std::shared_lock lock(head_.table().mutex());
        sealed.index.Add(day, series.id, sealed.labels.emplace_back(head_.table().LabelsOf(series)));
        sealed.indexed[item.series] = day;
      }
      sealed.max_time = std::max(sealed.max_time, samples.times[end - 1]);
    }
    begin = end;
  }
}

Status Sealer::DropJournal(std::uint64_t through) {
  const std::string from = JournalKey(0, 0), to = JournalKey(through, 1);
  rocksdb::WriteBatch batch;
  database_.PutNumber(batch, kMetaWatermark, through);
  batch.DeleteRange(database_.family(Family::kJournal), from, to);
  VEDETTE_CHECK(database_.Write(batch, false));
  // Files that hold nothing else need not be compacted away. After the watermark: a start never looks for these
  // records.
  const rocksdb::Slice begin(from), end(to);
  const rocksdb::Status status =
      rocksdb::DeleteFilesInRange(&database_.db(), database_.family(Family::kJournal), &begin, &end, false);
  if (!status.ok()) return ToError(status, "drop of old journal files");
  return Ok();
}

}  // namespace vedette::storage
