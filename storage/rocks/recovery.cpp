#include "storage/rocks/recovery.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_map>

#include <rocksdb/write_batch.h>

#include "storage/coding.h"
#include "storage/rocks/journal_record.h"
#include "storage/rocks/journal_stream.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/partitions.h"

namespace vedette::storage {
namespace {

class Replay {
 public:
  Replay(Head& head, std::int64_t sealed_max_time, TimeMs now)
      : head_(head), sealed_max_time_(sealed_max_time), now_(now) {}

  Status Record(std::uint64_t commit, std::string_view bytes) {
    VEDETTE_CHECK(DecodeRecord(bytes, record_));
    switch (record_.kind) {
      case RecordKind::kCommit:
        for (const RowPart& part : record_.rows) VEDETTE_CHECK(Row(part, commit));
        for (const SeriesId id : record_.singles.series) Need(id);
        Apply(record_.singles, commit);
        ApplyHistograms(commit);
        break;
      case RecordKind::kSealed:
        for (const SeriesId id : record_.sealed) {
          if (HeadSeries* series = head_.table().Find(id)) head_.DropOpen(*series);
        }
        for (const std::uint64_t block : record_.sealed_blocks) DropBlock(block);
        break;
      case RecordKind::kSealedHistograms:
        for (const SeriesId id : record_.sealed) head_.DropOpenHistograms(id);
        break;
      case RecordKind::kCarried:
        for (const CarriedSamples& carried : record_.carried) Restore(carried, commit);
        break;
    }
    return Ok();
  }

  Status Finish() {
    if (!unopened_.empty()) {
      return Fail(Code::kCorruption, "the journal has rows of block {}, but not its first, nor was it sealed",
                  *unopened_.begin());
    }
    for (RowGroup* group : head_.groups().All()) group->FinishRestore();
    return Ok();
  }

  /// Every series that was named, ascending.
  Postings TakeIds() {
    Normalize(ids_);
    return std::move(ids_);
  }
  std::uint64_t samples() const { return samples_; }

 private:
  struct Block {
    RowGroup* group = nullptr;
    RowBlock* rows = nullptr;
  };

  HeadSeries& Need(SeriesId id) {
    if (HeadSeries* known = head_.table().Find(id)) return *known;
    HeadSeries& series = head_.table().InsertBare(id);
    series.sealed_max_time = TimeBound(sealed_max_time_);
    series.Use(now_);
    ids_.push_back(id);
    return series;
  }

  void Apply(const AppendBatch& batch, std::uint64_t commit) {
    if (batch.empty()) return;
    AppendOutcome outcome;
    head_.ApplySingles(batch, commit, outcome);
    samples_ += batch.size();
  }

  void ApplyHistograms(std::uint64_t commit) {
    const std::vector<AppendBatch::HistogramSample>& samples = record_.singles.histograms;
    if (samples.empty()) return;
    for (const AppendBatch::HistogramSample& sample : samples) Need(sample.series);
    AppendOutcome outcome;
    head_.ApplyHistograms(samples, commit, outcome);
    samples_ += HistogramWeight(samples);
  }

  Status Row(const RowPart& part, std::uint64_t commit) {
    head_.groups().NoteBlock(part.block);
    if (part.opens_block) {
      if (part.ids.empty() || blocks_.contains(part.block)) {
        return Fail(Code::kCorruption, "block {} is opened twice or without columns", part.block);
      }
      RowGroup& group = head_.groups().Restore(part.group);
      group.Use(now_);
      blocks_[part.block] = {&group, &group.RestoreBlock(part.block)};
    }
    const auto found = blocks_.find(part.block);
    if (found == blocks_.end()) {
      // Records in front of this one were dropped, so the block was sealed: a later record says so.
      unopened_.insert(part.block);
      return Ok();
    }
    const Block& block = found->second;
    VEDETTE_CHECK(AddColumns(*block.group, part));
    const bool key = !part.row.empty() && IsKeyRow(part.row);
    const bool in_order =
        block.rows->empty() || (part.time > block.rows->range().max && block.rows->Reaches(part.time, commit));
    if (part.ordinal != block.rows->rows() || (!key && !block.rows->InSegment()) || !in_order ||
        !ValidateRow(part.row, block.group->ids().size())) {
      return Fail(Code::kCorruption, "row {} of block {} is damaged or does not follow the one before", part.ordinal,
                  part.block);
    }
    const std::size_t before = block.rows->samples();
    block.rows->AppendMany(part.time, commit, part.row);
    samples_ += block.rows->samples() - before;
    return Ok();
  }

  Status AddColumns(RowGroup& group, const RowPart& part) {
    if (part.ids.empty()) return Ok();
    if (part.first_column > group.ids().size() || part.first_column + part.ids.size() > kMaxRowColumns) {
      return Fail(Code::kCorruption, "block {} has columns from {} on, behind none", part.block, part.first_column);
    }
    group.RestoreColumns(part.first_column, part.ids);
    for (std::size_t i = 0; i < part.ids.size(); ++i) {
      if (part.ids[i] == SeriesId::kNone) continue;
      HeadSeries& series = Need(part.ids[i]);
      const auto column = static_cast<std::uint16_t>(part.first_column + i);
      if (series.group != nullptr && (series.group != &group || series.column != column)) {
        return Fail(Code::kCorruption, "series {} is in two groups, or twice in one",
                    static_cast<std::uint64_t>(series.id));
      }
      series.group = &group;
      series.column = column;
    }
    return Ok();
  }

  void DropBlock(std::uint64_t number) {
    unopened_.erase(number);
    const auto found = blocks_.find(number);
    if (found == blocks_.end()) return;
    RowGroup& group = *found->second.group;
    group.Retire(number, 0);
    blocks_.erase(found);
    if (!group.empty()) return;
    // Its next block would name all columns again; if the group had ended, its series may turn up in others.
    for (const SeriesId id : group.ids()) {
      HeadSeries* series = id == SeriesId::kNone ? nullptr : head_.table().Find(id);
      if (series != nullptr && series->group == &group) series->group = nullptr;
    }
    head_.groups().Erase(group);
  }

  /// The record holds all that was open then, so what older records brought is replaced.
  void Restore(const CarriedSamples& carried, std::uint64_t commit) {
    head_.DropOpen(Need(carried.id));
    AppendBatch batch;
    for (std::size_t i = 0; i < carried.samples.size(); ++i) {
      batch.Add(carried.id, TimeMs(carried.samples.times[i]), carried.samples.values[i]);
    }
    Apply(batch, commit);
  }

  Head& head_;
  const std::int64_t sealed_max_time_;
  const TimeMs now_;
  JournalRecord record_;
  Postings ids_;
  std::unordered_map<std::uint64_t, Block> blocks_;
  std::set<std::uint64_t> unopened_;
  std::uint64_t samples_ = 0;
};

/// More than a log has rounds.
constexpr std::uint64_t kLostSeals = 1 << 20;

}  // namespace

Status SkipLostNumbers(Database& database, const std::vector<std::int32_t>& days) {
  VEDETTE_TRY(std::uint64_t next_series, database.GetNumber(kMetaNextSeries));
  VEDETTE_TRY(const std::uint64_t seal, database.GetNumber(kMetaSeal));
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  for (const Family family : kSampleFamilies) {
    const auto at = database.NewIterator(options, family);
    for (const std::int32_t day : days) {
      at->SeekForPrev(DayPrefix(day + 1));
      if (!at->Valid()) continue;
      if (const auto series = ParseSeriesOfRow(ToView(at->key()))) {
        next_series = std::max(next_series, Raw(*series) + 1);
      }
    }
    // A table that cannot be read keeps its ids to itself.
  }
  rocksdb::WriteBatch batch;
  database.PutNumber(batch, kMetaNextSeries, next_series);
  database.PutNumber(batch, kMetaSeal, seal + kLostSeals);
  return database.Write(batch, true);
}

Result<Recovered> ReplayJournal(Database& database, Head& head, std::int64_t sealed_max_time, TimeMs now) {
  VEDETTE_TRY(const std::uint64_t watermark, database.GetNumber(kMetaWatermark));
  Replay replay(head, sealed_max_time, now);
  Recovered out;
  std::uint64_t last = watermark;
  JournalStream stream(database, watermark);
  for (;;) {
    VEDETTE_TRY(const JournalStream::Batch* const batch, stream.Next());
    if (batch == nullptr) break;
    for (const JournalStream::Record& record : batch->records) {
      last = std::max(last, record.commit);
      const Status status = replay.Record(last, batch->Bytes(record));
      if (!status) return Annotate(fmt::format("journal record {}.{}", last, record.number), status.error());
    }
    out.records += batch->records.size();
  }
  VEDETTE_CHECK(replay.Finish());
  out.series = replay.TakeIds();
  head.order().Restart(last);
  out.samples = replay.samples();
  return out;
}

}  // namespace vedette::storage
