#include "storage/rocks/recovery.h"

#include <algorithm>
#include <mutex>

#include "storage/coding.h"
#include "storage/rocks/journal_record.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

class Replay {
 public:
  Replay(Head& head, std::int64_t sealed_max_time, TimeMs now)
      : head_(head), sealed_max_time_(sealed_max_time), now_(now) {}

  Status Record(std::uint64_t commit, std::string_view bytes) {
    VEDETTE_CHECK(DecodeRecord(bytes, record_));
    switch (record_.kind) {
      case RecordKind::kRows:
        for (const SeriesId id : record_.rows.series) Need(id);
        Apply(record_.rows, commit);
        break;
      case RecordKind::kSealed:
        for (const SeriesId id : record_.sealed) {
          if (HeadSeries* series = head_.table().Find(id)) head_.DropOpen(*series);
        }
        break;
      case RecordKind::kCarried:
        for (const CarriedSamples& carried : record_.carried) Restore(carried, commit);
        break;
    }
    return Ok();
  }

  /// Every series that was named, ascending.
  Postings TakeIds() {
    Normalize(ids_);
    return std::move(ids_);
  }
  std::uint64_t samples() const { return samples_; }

 private:
  HeadSeries& Need(SeriesId id) {
    if (HeadSeries* known = head_.table().Find(id)) return *known;
    HeadSeries& series = head_.table().InsertBare(id);
    series.sealed_max_time = TimeBound(sealed_max_time_);
    series.Use(now_);
    ids_.push_back(id);
    return series;
  }

  void Apply(const AppendBatch& batch, std::uint64_t commit) {
    AppendOutcome outcome;
    head_.Apply(batch, commit, outcome);
    samples_ += batch.size();
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
  std::uint64_t samples_ = 0;
};

}  // namespace

Result<Recovered> ReplayJournal(Database& database, SeriesCatalog& catalog, Head& head, std::int64_t sealed_max_time,
                                TimeMs now) {
  VEDETTE_TRY(const std::uint64_t watermark, database.GetNumber(kMetaWatermark));
  Replay replay(head, sealed_max_time, now);
  Recovered out;
  std::uint64_t last = watermark;
  rocksdb::ReadOptions options;
  options.fill_cache = false;        // read once
  options.readahead_size = 1 << 20;  // from front to end
  const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator(options, database.family(Family::kJournal)));
  for (at->Seek(JournalKey(watermark, 1)); at->Valid(); at->Next()) {
    const std::string_view key = ToView(at->key());
    if (key.size() != 12) return Fail(Code::kCorruption, "journal: key of {} bytes instead of 12", key.size());
    last = std::max(last, GetBigEndian<std::uint64_t>(key));
    ++out.records;
    const Status status = replay.Record(last, ToView(at->value()));
    if (!status) {
      const auto number = GetBigEndian<std::uint32_t>(key.substr(8));
      return Annotate(fmt::format("journal record {}.{}", last, number), status.error());
    }
  }
  if (!at->status().ok()) return ToError(at->status(), "read of the journal");
  VEDETTE_CHECK(catalog.LoadLabels(replay.TakeIds()));
  head.order().Restart(last);
  out.samples = replay.samples();
  return out;
}

}  // namespace vedette::storage
