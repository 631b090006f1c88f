// BulkWriter of the RocksDB store: whole chunks go into table files of the family `blocks`, past journal and head.
//
// The order of the steps keeps every crash harmless: definitions and index rows are durable before the chunks appear.
// An index row that names a series without chunks on that day costs a look-up and nothing else.
#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include <rocksdb/write_batch.h>

#include "storage/append_batch.h"
#include "storage/chunk/merge.h"
#include "storage/rocks/chunk_writer.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/engine.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Encoded bytes that are flushed without being asked: 64 MiB are some hundred million samples.
constexpr std::size_t kFlushBytes = 64 << 20;

class RocksBulkWriter final : public BulkWriter {
 public:
  explicit RocksBulkWriter(Engine& engine)
      : engine_(engine), writer_(*engine.database, 0, Family::kBlocks, engine.tuning.repack_samples) {}

  Result<SeriesId> Series(const Labels& labels) override {
    VEDETTE_CHECK(ValidateSeries(labels));
    return engine_.catalog.FindOrCreate(labels, engine_.clock.Now(), engine_.series_limit);
  }

  Status Add(SeriesId series, Columns& samples) override {
    return AddByDay(series, samples, [&](std::int32_t day, std::size_t at, std::size_t n) {
      writer_.Add(day, series, 0, std::span(samples.times).subspan(at, n), std::span(samples.values).subspan(at, n));
    });
  }

  Status AddHistograms(SeriesId series, HistogramColumns& samples) override {
    return AddByDay(series, samples, [&](std::int32_t day, std::size_t at, std::size_t n) {
      writer_.AddHistograms(day, series, 0, std::span(samples.times).subspan(at, n),
                            std::span(samples.histograms).subspan(at, n));
    });
  }

  Result<BulkOutcome> Flush() override {
    VEDETTE_CHECK(Write());
    return std::exchange(outcome_, {});
  }

 private:
  /// Sorts the samples, drops those that the store does not take, and cuts the rest at midnight: `add` takes a day and
  /// which samples are its own. Clears them.
  template <class Samples, class AddDay>
  Status AddByDay(SeriesId series, Samples& samples, AddDay add) {
    // One file holds a key once.
    if (newest_.contains(series)) VEDETTE_CHECK(Write());
    SortAndResolve(samples, 0);
    const TimeRange accepted = AcceptedTimes(engine_.clock.Now(), engine_.options, {});
    const auto begin = std::ranges::lower_bound(samples.times, accepted.min.ms) - samples.times.begin();
    const auto end = std::ranges::upper_bound(samples.times, accepted.max.ms) - samples.times.begin();
    outcome_.too_old += static_cast<std::size_t>(begin);
    outcome_.too_new += samples.size() - static_cast<std::size_t>(end);
    for (auto at = begin; at < end;) {
      const std::int32_t day = DayOf(TimeMs(samples.times[static_cast<std::size_t>(at)]));
      const std::int64_t day_end = StartOfDay(day + 1).ms;
      const auto next =
          std::lower_bound(samples.times.begin() + at, samples.times.begin() + end, day_end) - samples.times.begin();
      const auto n = static_cast<std::size_t>(next - at);
      add(day, static_cast<std::size_t>(at), n);
      series_of_[day].push_back(series);
      outcome_.stored += n;
      at = next;
    }
    if (begin < end) {
      std::int64_t& newest = newest_.emplace(series, INT64_MIN).first->second;
      newest = std::max(newest, samples.times[static_cast<std::size_t>(end - 1)]);
      oldest_ = std::min(oldest_, samples.times[static_cast<std::size_t>(begin)]);
    }
    samples.clear();
    return writer_.bytes() < kFlushBytes ? Ok() : Write();
  }

  Status Write() {
    if (newest_.empty()) return Ok();
    VEDETTE_CHECK(engine_.guard.Admit());
    const std::lock_guard maintenance(engine_.maintenance_mutex);
    const ChangeLog::Change times_change(engine_.changes, TimeMs(oldest_));
    const std::shared_lock gate(engine_.commit_gate);  // no series leaves memory meanwhile
    rocksdb::WriteBatch batch;
    std::vector<HeadSeries*> undefined;
    DefinitionRecord record;
    VEDETTE_CHECK(Describe(batch, undefined, record));
    const SampleChanges::Change change(engine_.database->sample_changes(), writer_.stripes());
    const DayVersions::Change index_change = index_.Write(*engine_.database, batch);
    std::int64_t newest = INT64_MIN;
    for (const auto& [id, time] : newest_) newest = std::max(newest, time);
    const std::uint32_t seal = engine_.sealer.NewSeal(batch, newest);
    for (const std::int32_t day : writer_.days()) engine_.partitions.TouchPacked(day, batch);
    VEDETTE_CHECK(engine_.database->Write(batch, true));
    engine_.catalog.NoteDefined(undefined, std::move(record));
    writer_.Stamp(seal);
    VEDETTE_CHECK(writer_.Finish(batch));
    newest_.clear();
    oldest_ = INT64_MAX;
    series_of_.clear();
    return Ok();
  }

  /// Definitions and index rows, and what the head has to know about the disk.
  Status Describe(rocksdb::WriteBatch& batch, std::vector<HeadSeries*>& undefined, DefinitionRecord& record) {
    labels_.clear();
    undefined.clear();
    for (const auto& [id, newest] : newest_) {
      VEDETTE_TRY(const bool found, engine_.catalog.Load(id, engine_.clock.Now()));
      if (!found) return Fail(Code::kInternal, "series {} was forgotten", static_cast<std::uint64_t>(id));
      const std::shared_lock lock(engine_.head.table().mutex());
      HeadSeries& series = *engine_.head.table().Find(id);
      // Written again when a commit is about to write it as well: the same bytes.
      if (!series.stored) undefined.push_back(&series);
      engine_.head.NoteOnDisk(series, newest);
      labels_.emplace(id, engine_.head.table().LabelsOf(series));
    }
    record = engine_.catalog.PutDefinitions(undefined, batch);
    for (const auto& [day, ids] : series_of_) {
      for (const SeriesId id : ids) index_.Add(day, id, labels_.at(id));
    }
    return Ok();
  }

  Engine& engine_;
  ChunkWriter writer_;
  BulkOutcome outcome_;
  std::unordered_map<SeriesId, std::int64_t> newest_;
  std::int64_t oldest_ = INT64_MAX;
  std::map<std::int32_t, Postings> series_of_;
  std::unordered_map<SeriesId, Labels> labels_;  // what the index looks at while it is written
  DiskIndexBatch index_;
};

}  // namespace

std::unique_ptr<BulkWriter> NewRocksBulkWriter(Engine& engine) { return std::make_unique<RocksBulkWriter>(engine); }

}  // namespace vedette::storage
