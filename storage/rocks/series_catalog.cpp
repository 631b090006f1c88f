#include "storage/rocks/series_catalog.h"

#include <algorithm>
#include <shared_mutex>

#include <rocksdb/write_batch.h>

#include "storage/index/postings_codec.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Definitions deleted in one batch, with the catalog locked.
constexpr std::size_t kCollectBatch = 512;

Error Annotated(SeriesId id, Error error) {
  return Annotate(fmt::format("definition of series {}", static_cast<std::uint64_t>(id)), std::move(error));
}

std::unique_ptr<rocksdb::Iterator> OrderedIterator(Database& database) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;  // across prefixes: the filter must not be asked
  options.fill_cache = false;
  return std::unique_ptr<rocksdb::Iterator>(database.db().NewIterator(options, database.family(Family::kSeries)));
}

}  // namespace

Status SeriesCatalog::Recover(std::int64_t sealed_max_time) {
  disk_only_max_time_ = sealed_max_time;
  VEDETTE_TRY(next_id_, database_.GetNumber(kMetaNextSeries));
  const auto at = OrderedIterator(database_);
  at->SeekToLast();
  if (!at->status().ok()) return ToError(at->status(), "read of series");
  if (at->Valid() && at->key()[0] == kSeriesTag) {
    next_id_ = std::max(next_id_, static_cast<std::uint64_t>(ParseSeriesKey(ToView(at->key()))) + 1);
  }
  next_id_ = std::max<std::uint64_t>(next_id_, 1);
  return Ok();
}

Status SeriesCatalog::LoadLabels(std::span<const SeriesId> ids) {
  const std::unique_lock lock(head_.table().mutex());
  const auto at = OrderedIterator(database_);
  SeriesId previous = SeriesId::kNone;
  std::vector<LabelView> views;
  for (const SeriesId id : ids) {
    // Ids that the journal names together are mostly neighbours: a step is cheaper than a search.
    const bool neighbour = previous != SeriesId::kNone &&
                           static_cast<std::uint64_t>(id) == static_cast<std::uint64_t>(previous) + 1 && at->Valid();
    const std::string key = SeriesKey(id);
    if (neighbour) {
      at->Next();
    } else {
      at->Seek(key);
    }
    if (!at->Valid() || ToView(at->key()) != key) {
      if (!at->status().ok()) return ToError(at->status(), "read of series");
      // The journal may still name a series that was sealed, expired and forgotten; one with samples must be there.
      const HeadSeries& series = *head_.table().Find(id);
      if (!head_.IsClean(series)) {
        return Annotated(id, Fail(Code::kCorruption, "it is missing, but the journal has samples of it"));
      }
      head_.Leave(series);
      head_.table().Remove(std::span(&id, 1));
      previous = SeriesId::kNone;
      continue;
    }
    auto labels = DecodeLabels(ToView(at->value()));
    if (!labels) return Annotated(id, std::move(labels).error());
    HeadSeries* series = head_.table().Find(id);
    views.assign(labels->begin(), labels->end());
    head_.table().SetLabels(*series, views);
    series->stored = true;
    previous = id;
  }
  return Ok();
}

Result<std::optional<Labels>> SeriesCatalog::ReadLabels(SeriesId id, const rocksdb::Snapshot* snapshot) const {
  VEDETTE_TRY(const std::optional<std::string> bytes, database_.Get(Family::kSeries, SeriesKey(id), snapshot));
  if (!bytes) return std::optional<Labels>();
  auto labels = DecodeLabels(*bytes);
  if (!labels) return Annotated(id, std::move(labels).error());
  return std::optional(*std::move(labels));
}

Result<HeadSeries*> SeriesCatalog::FindOnDisk(const Labels& labels) {
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;
  const std::unique_ptr<rocksdb::Iterator> at(database_.db().NewIterator(options, database_.family(Family::kSeries)));
  for (at->Seek(SeriesHashPrefix(labels.Hash())); at->Valid(); at->Next()) {
    const SeriesId id = ParseSeriesKey(ToView(at->key()));
    VEDETTE_TRY(const std::optional<Labels> known, ReadLabels(id, nullptr));
    if (!known || *known != labels) continue;  // another set with the same hash
    const std::unique_lock lock(head_.table().mutex());
    HeadSeries& series = head_.table().Insert(id, labels);
    series.stored = true;
    series.sealed_max_time = TimeBound(INT64_MAX);  // unknown: readers look
    return &series;
  }
  if (!at->status().ok()) return ToError(at->status(), "look-up of " + labels.ToString());
  return static_cast<HeadSeries*>(nullptr);
}

Result<SeriesId> SeriesCatalog::FindOrCreate(const Labels& labels, TimeMs now, std::size_t max_series) {
  SeriesTable& table = head_.table();
  {
    const std::shared_lock lock(table.mutex());
    if (HeadSeries* series = table.Find(labels)) {
      series->Use(now);
      return series->id;
    }
  }
  const std::lock_guard guard(mutex_);
  {
    const std::shared_lock lock(table.mutex());
    if (const HeadSeries* series = table.Find(labels)) return series->id;
  }
  if (max_series != 0 && table.size() >= max_series) {
    return Fail(Code::kLimit, "series {} refused: storage.max_series is {}", labels.ToString(), max_series);
  }
  VEDETTE_TRY(HeadSeries * series, FindOnDisk(labels));
  if (series == nullptr) {
    const std::unique_lock lock(table.mutex());
    if (!table.Fits(labels)) return Fail(Code::kLimit, "series {} refused: no room for its labels", labels.ToString());
    series = &table.Insert(SeriesId(next_id_++), labels);
  }
  series->Use(now);
  return series->id;
}

Result<bool> SeriesCatalog::Load(SeriesId id, TimeMs now) {
  const std::lock_guard guard(mutex_);
  {
    const std::shared_lock lock(head_.table().mutex());
    if (head_.table().Find(id) != nullptr) return true;
  }
  VEDETTE_TRY(const std::optional<Labels> labels, ReadLabels(id, nullptr));
  if (!labels) return false;
  const std::unique_lock lock(head_.table().mutex());
  HeadSeries& series = head_.table().Insert(id, *labels);
  series.stored = true;
  series.sealed_max_time = TimeBound(INT64_MAX);
  series.Use(now);
  return true;
}

void SeriesCatalog::PutDefinitions(rocksdb::WriteBatch& batch, std::span<HeadSeries* const> undefined) const {
  if (undefined.empty()) return;
  rocksdb::ColumnFamilyHandle* family = database_.family(Family::kSeries);
  const std::shared_lock lock(head_.table().mutex());
  for (const HeadSeries* series : undefined) {
    const Labels labels = head_.table().LabelsOf(*series);
    batch.Put(family, SeriesKey(series->id), EncodeLabels(labels));
    batch.Put(family, SeriesHashKey(labels.Hash(), series->id), rocksdb::Slice());
  }
}

Status SeriesCatalog::Evict(TimeMs now, Millis idle, std::size_t limit) {
  const std::lock_guard guard(mutex_);
  SeriesTable& table = head_.table();
  std::vector<SeriesId> idle_series;
  std::vector<HeadSeries*> undefined;
  rocksdb::WriteBatch definitions;
  std::int64_t newest = disk_only_max_time_;
  {
    const std::shared_lock lock(table.mutex());
    for (HeadSeries* series = table.After(SeriesId::kNone); series != nullptr && idle_series.size() < limit;
         series = table.After(series->id)) {
      if (now - series->last_use() < idle) continue;
      if (!head_.IsClean(*series)) continue;
      // A series that was named but never got a sample keeps its id all the same.
      if (!series->stored) undefined.push_back(series);
      idle_series.push_back(series->id);
      newest = std::max(newest, series->max_time.ms());  // nobody writes to it while no commit is on its way
    }
  }
  if (idle_series.empty()) return Ok();
  PutDefinitions(definitions, undefined);
  if (definitions.Count() > 0) VEDETTE_CHECK(database_.Write(definitions, false));
  const std::unique_lock lock(table.mutex());
  disk_only_max_time_ = newest;
  for (const SeriesId id : idle_series) head_.Leave(*table.Find(id));
  table.Remove(idle_series);
  evicted_.push_back({now, {}});
  EncodePostings(idle_series, evicted_.back().ids);  // the table is walked by id
  return Ok();
}

Status SeriesCatalog::Collect(std::span<const SeriesId> alive, TimeMs now, Millis grace) {
  while (!evicted_.empty() && evicted_.front().time + grace < now) evicted_.pop_front();
  Postings kept;
  for (const Evicted& round : evicted_) VEDETTE_CHECK(DecodePostings(round.ids, kept));
  Normalize(kept);

  const auto at = OrderedIterator(database_);
  at->Seek(std::string(1, kSeriesTag));
  while (at->Valid()) {
    const std::lock_guard guard(mutex_);
    rocksdb::WriteBatch batch;
    for (std::size_t n = 0; at->Valid() && n < kCollectBatch; at->Next(), ++n) {
      const SeriesId id = ParseSeriesKey(ToView(at->key()));
      if (std::ranges::binary_search(alive, id) || std::ranges::binary_search(kept, id)) continue;
      {
        const std::shared_lock lock(head_.table().mutex());
        if (head_.table().Find(id) != nullptr) continue;
      }
      const auto labels = DecodeLabels(ToView(at->value()));
      if (!labels) return Annotated(id, labels.error());
      batch.Delete(database_.family(Family::kSeries), at->key());
      batch.Delete(database_.family(Family::kSeries), SeriesHashKey(labels->Hash(), id));
    }
    if (batch.Count() == 0) continue;
    // The highest id may be among the deleted: it must not be given again.
    database_.PutNumber(batch, kMetaNextSeries, next_id_);
    VEDETTE_CHECK(database_.Write(batch, false));
  }
  if (!at->status().ok()) return ToError(at->status(), "read of series");
  return Ok();
}

}  // namespace vedette::storage
