#include "storage/rocks/series_catalog.h"

#include <algorithm>
#include <memory>
#include <shared_mutex>

#include <rocksdb/write_batch.h>

#include "storage/index/postings_codec.h"
#include "storage/rocks/definition_stream.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

Error Annotated(SeriesId id, Error error) {
  return Annotate(fmt::format("definition of series {}", static_cast<std::uint64_t>(id)), std::move(error));
}

/// The labels of series of one decoded block or record as pairs of the table; each label is interned once.
class BlockPairs {
 public:
  BlockPairs(SeriesTable& table, const Definitions& block)
      : table_(table), block_(block), interned_(block.dictionary().size(), PairId::kNone) {}

  /// Good until the next call.
  std::span<const PairId> Of(std::size_t at) {
    pairs_.clear();
    for (const std::uint32_t place : block_.places(at)) {
      if (interned_[place] == PairId::kNone) interned_[place] = table_.Intern(block_.dictionary()[place]);
      pairs_.push_back(interned_[place]);
    }
    return pairs_;
  }

 private:
  SeriesTable& table_;
  const Definitions& block_;
  std::vector<PairId> interned_;
  std::vector<PairId> pairs_;
};

/// A series is made in a few microseconds, and many are made in a row: who waits for a turn stays awake that long, as
/// falling asleep and being woken costs more.
std::unique_lock<std::mutex> LockAwake(std::mutex& mutex) {
  constexpr int kTries = 200;
  for (int i = 0; i < kTries; ++i) {
    std::unique_lock lock(mutex, std::try_to_lock);
    if (lock.owns_lock()) return lock;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  return std::unique_lock(mutex);
}

}  // namespace

Status SeriesCatalog::Recover(std::int64_t sealed_max_time) {
  disk_only_max_time_ = sealed_max_time;
  recovered_max_time_ = sealed_max_time;
  VEDETTE_TRY(const std::uint64_t noted, database_.GetNumber(kMetaNextSeries));
  VEDETTE_TRY(const std::uint64_t behind_blocks, store_.NextId());
  next_id_ = std::max(noted, behind_blocks);
  all_in_memory_ = next_id_ <= 1;
  return Ok();
}

Status SeriesCatalog::LoadLabels(std::span<const SeriesId> ids) {
  std::deque<Record> records;  // where they lie is viewed
  VEDETTE_CHECK(store_.ReadRecords([&](std::uint64_t number, std::string_view bytes) {
    Record& record = records.emplace_back();
    record.number = number;
    record.bytes = bytes;
    return record.definitions.Decode(record.bytes);
  }));
  Postings in_records;
  for (const Record& record : records) {
    in_records.insert(in_records.end(), record.definitions.ids().begin(), record.definitions.ids().end());
  }
  Normalize(in_records);
  // Records are of the newest series: the index takes ids in ascending order.
  VEDETTE_CHECK(LoadFromBlocks(Subtract(ids, in_records)));
  for (const Record& record : records) TakeIn(record);
  return Ok();
}

void SeriesCatalog::TakeIn(const Record& record) {
  SeriesTable& table = head_.table();
  const Definitions& definitions = record.definitions;
  BlockPairs pairs(table, definitions);
  std::vector<LabelView> views;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    const SeriesId id = definitions.id(i);
    next_id_ = std::max(next_id_, static_cast<std::uint64_t>(id) + 1);
    HeadSeries* series = table.Find(id);
    if (series == nullptr) {
      // Its samples are sealed; it waits in memory for its block, then it may be evicted.
      series = &table.InsertBare(id);
      series->sealed_max_time = TimeBound(recovered_max_time_);
    }
    if (series->stored) continue;
    definitions.ViewLabels(i, views);
    table.SetLabels(*series, views, pairs.Of(i));
    series->stored = true;
  }
  waiting_.push_back({record.number, Postings(definitions.ids().begin(), definitions.ids().end())});
  waiting_series_ += definitions.size();
}

Status SeriesCatalog::LoadFromBlocks(std::span<const SeriesId> ids) {
  SeriesTable& table = head_.table();
  SeriesTable::BulkLabels bulk(table, ids.size());
  DefinitionStream stream(database_, ids);
  for (;;) {
    VEDETTE_TRY(const DefinitionStream::Block* const block, stream.Next());
    if (block == nullptr) break;
    std::optional<BlockPairs> pairs;
    for (const DefinitionStream::Series& one : block->series) {
      HeadSeries* const series = table.Find(one.id);
      if (one.at == Definitions::kNotThere) {
        VEDETTE_CHECK(ForgetNamed(one.id));
        continue;
      }
      if (!pairs) pairs.emplace(table, *block->definitions);
      bulk.Set(*series, pairs->Of(one.at), one.hash);
      series->stored = true;
    }
  }
  bulk.Finish();
  return Ok();
}

/// The journal may still name a series that was sealed, expired and forgotten; one with samples must be there.
Status SeriesCatalog::ForgetNamed(SeriesId id) {
  const HeadSeries& series = *head_.table().Find(id);
  if (!head_.IsClean(series)) {
    return Annotated(id, Fail(Code::kCorruption, "it is missing, but the journal has samples of it"));
  }
  head_.Leave(series);
  head_.table().Remove(std::span(&id, 1));
  return Ok();
}

/// A series whose newest sample on disk is not known.
HeadSeries& SeriesCatalog::Revive(SeriesId id, const Labels& labels, TimeMs now) {
  const std::unique_lock lock(head_.table().mutex());
  HeadSeries& series = head_.table().Insert(id, labels);
  series.stored = true;
  series.sealed_max_time = TimeBound(INT64_MAX);  // readers look
  series.Use(now);
  return series;
}

Result<HeadSeries*> SeriesCatalog::FindOnDisk(const Labels& labels) {
  if (all_in_memory_) return static_cast<HeadSeries*>(nullptr);
  if (hash_rows_ == nullptr) {
    rocksdb::ReadOptions options;
    options.prefix_same_as_start = true;
    hash_rows_ = database_.NewIterator(options, Family::kSeries);
  }
  rocksdb::Iterator* const at = hash_rows_.get();
  for (at->Seek(SeriesHashPrefix(labels.Hash())); at->Valid(); at->Next()) {
    const SeriesId id = ParseSeriesKey(ToView(at->key()));
    auto known = reader_.Read(id);
    if (!known) return Annotated(id, std::move(known).error());
    if (*known != labels) continue;  // another set with the same hash, or one whose block was not written any more
    return &Revive(id, labels, TimeMs(0));
  }
  const rocksdb::Status status = at->status();
  if (status.ok()) return static_cast<HeadSeries*>(nullptr);
  hash_rows_.reset();
  return ToError(status, "look-up of " + labels.ToString());
}

SeriesId SeriesCatalog::FindInMemory(const Labels& labels, TimeMs now) {
  const std::shared_lock lock(head_.table().mutex());
  HeadSeries* const series = head_.table().Find(labels);
  if (series == nullptr) return SeriesId::kNone;
  series->Use(now);
  return series->id;
}

Result<SeriesId> SeriesCatalog::FindOrCreate(const Labels& labels, TimeMs now, std::size_t max_series) {
  if (const SeriesId known = FindInMemory(labels, now); known != SeriesId::kNone) return known;
  SeriesTable& table = head_.table();
  const std::unique_lock guard = LockAwake(mutex_);
  {
    const std::shared_lock lock(table.mutex());
    if (const HeadSeries* series = table.Find(labels)) return series->id;
  }
  if (max_series != 0 && table.size() >= max_series) {
    return Fail(Code::kLimit, "series {} refused: storage.max_series or max_series_memory allow {}", labels.ToString(),
                max_series);
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
  auto labels = reader_.Read(id);
  if (!labels) return Annotated(id, std::move(labels).error());
  if (labels->empty()) return false;
  Revive(id, *labels, now);
  return true;
}

void SeriesCatalog::NoteDefined(std::span<HeadSeries* const> defined, DefinitionRecord record) {
  if (record.ids.empty()) return;
  for (HeadSeries* series : defined) series->stored.store(true, std::memory_order_release);
  const std::lock_guard lock(waiting_mutex_);
  waiting_series_ += record.ids.size();
  waiting_.push_back(std::move(record));
}

Status SeriesCatalog::StoreDefinitions(std::size_t least) {
  {
    const std::lock_guard guard(mutex_);
    hash_rows_.reset();
  }
  std::vector<DefinitionRecord> records;
  {
    const std::lock_guard lock(waiting_mutex_);
    if (waiting_series_ == 0 || waiting_series_ < least) return Ok();
    records.swap(waiting_);
    waiting_series_ = 0;
  }
  Postings ids;
  for (const DefinitionRecord& record : records) ids.insert(ids.end(), record.ids.begin(), record.ids.end());
  Normalize(ids);
  const Status stored = store_.Store(ids, records);
  if (stored) {
    const std::lock_guard guard(mutex_);
    reader_.Forget();
    return Ok();
  }
  const std::lock_guard lock(waiting_mutex_);
  waiting_series_ += ids.size();
  waiting_.insert(waiting_.end(), std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()));
  return stored;
}

Status SeriesCatalog::Evict(TimeMs now, Millis idle, std::size_t limit) {
  VEDETTE_CHECK(StoreDefinitions());
  const std::lock_guard guard(mutex_);
  SeriesTable& table = head_.table();
  std::vector<SeriesId> idle_series, undefined;
  std::int64_t newest = disk_only_max_time_;
  {
    const std::shared_lock lock(table.mutex());
    for (HeadSeries* series = table.After(SeriesId::kNone); series != nullptr && idle_series.size() < limit;
         series = table.After(series->id)) {
      if (now - series->last_use() < idle) continue;
      if (!head_.IsClean(*series)) continue;
      // A series that was named but never got a sample keeps its id all the same.
      if (!series->stored) undefined.push_back(series->id);
      idle_series.push_back(series->id);
      newest = std::max(newest, series->max_time.ms());  // nobody writes to it while no commit is on its way
    }
  }
  if (idle_series.empty()) return Ok();
  all_in_memory_ = false;
  hash_rows_.reset();
  if (!undefined.empty()) {
    VEDETTE_CHECK(store_.Store(undefined, {}));
    reader_.Forget();
  }
  const std::unique_lock lock(table.mutex());
  disk_only_max_time_ = newest;
  for (const SeriesId id : idle_series) head_.Leave(*table.Find(id));
  table.Remove(idle_series);
  evicted_.push_back({now, {}});
  EncodePostings(idle_series, evicted_.back().ids);  // the table is walked by id
  return Ok();
}

Status SeriesCatalog::EvictClean(std::span<const SeriesId> series, TimeMs now) {
  VEDETTE_CHECK(StoreDefinitions());
  const std::lock_guard guard(mutex_);
  SeriesTable& table = head_.table();
  std::vector<SeriesId> clean;
  const std::unique_lock lock(table.mutex());
  for (const SeriesId id : series) {
    const HeadSeries* found = table.Find(id);
    // Without a definition on disk a commit would not find it again.
    if (found == nullptr || !found->stored || !head_.IsClean(*found)) continue;
    clean.push_back(id);
    disk_only_max_time_ = std::max(disk_only_max_time_.load(), found->max_time.ms());
    head_.Leave(*found);
  }
  if (clean.empty()) return Ok();
  all_in_memory_ = false;
  hash_rows_.reset();
  table.Remove(clean);
  evicted_.push_back({now, {}});
  EncodePostings(clean, evicted_.back().ids);
  return Ok();
}

Status SeriesCatalog::Collect(std::span<const SeriesId> alive, TimeMs now, Millis grace) {
  while (!evicted_.empty() && evicted_.front().time + grace < now) evicted_.pop_front();
  Postings kept;
  for (const Evicted& round : evicted_) VEDETTE_CHECK(DecodePostings(round.ids, kept));
  Normalize(kept);
  const auto keep = [&](SeriesId id) {
    if (std::ranges::binary_search(alive, id) || std::ranges::binary_search(kept, id)) return true;
    const std::shared_lock lock(head_.table().mutex());
    return head_.table().Find(id) != nullptr;
  };
  return store_.Collect(keep, mutex_, [&](rocksdb::WriteBatch& batch) {
    // The highest id may be among the deleted: it must not be given again.
    database_.PutNumber(batch, kMetaNextSeries, next_id_);
    reader_.Forget();
  });
}

}  // namespace vedette::storage
