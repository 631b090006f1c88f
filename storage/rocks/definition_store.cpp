#include "storage/rocks/definition_store.h"

#include <algorithm>
#include <memory>
#include <shared_mutex>

#include <rocksdb/write_batch.h>

#include "core/labels_hash.h"
#include "storage/rocks/definition_reader.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/table_writer.h"

namespace vedette::storage {
namespace {

/// Series and bytes of a block: large enough that neighbours share their labels, small enough that reading one series
/// costs some ten microseconds.
constexpr std::size_t kBlockSeries = 512;
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
/// From so many rows on, a table file of their own costs less than their way through the log and a memtable, where each
/// would take five times its size until it is flushed.
constexpr std::size_t kIngestedRows = 4096;

std::unique_ptr<rocksdb::Iterator> OrderedIterator(Database& database) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;  // across prefixes: the filter must not be asked
  options.fill_cache = false;
  return database.NewIterator(options, Family::kSeries);
}

bool HasTag(const rocksdb::Iterator& at, char tag) { return at.Valid() && at.key().size() == 9 && at.key()[0] == tag; }

Error InBlock(std::string_view key, Error error) {
  return Annotate(fmt::format("block of series from {} on", Raw(ParseSeriesKey(key))), std::move(error));
}

}  // namespace

Status DefinitionStore::ReadRecords(const std::function<Status(std::uint64_t, std::string_view)>& take) {
  const auto at = OrderedIterator(database_);
  for (at->Seek(std::string(1, kSeriesRecordTag)); HasTag(*at, kSeriesRecordTag); at->Next()) {
    const std::uint64_t number = Raw(ParseSeriesKey(ToView(at->key())));
    const Status taken = take(number, ToView(at->value()));
    if (!taken) return Annotate(fmt::format("record {} of series definitions", number), taken.error());
    next_record_ = number + 1;
  }
  if (!at->status().ok()) return ToError(at->status(), "read of series");
  return Ok();
}

Result<std::uint64_t> DefinitionStore::NextId() const {
  DefinitionReader reader(database_, nullptr);
  VEDETTE_TRY(const Definitions* const last, reader.BlockOf(SeriesId(UINT64_MAX)));
  return last == nullptr ? 1 : Raw(last->ids().back()) + 1;
}

DefinitionRecord DefinitionStore::PutRecord(std::span<HeadSeries* const> series, rocksdb::WriteBatch& batch) {
  DefinitionRecord record;
  if (series.empty()) return record;
  record.number = next_record_++;
  for (const HeadSeries* one : series) record.ids.push_back(one->id);
  Normalize(record.ids);
  DefinitionsEncoder encoder;
  std::vector<LabelView> labels;
  const std::shared_lock lock(table_.mutex());
  for (const SeriesId id : record.ids) {
    table_.ViewLabels(*table_.Find(id), labels);
    encoder.Add(id, labels);
  }
  batch.Put(database_.family(Family::kSeries), SeriesRecordKey(record.number), encoder.Take());
  return record;
}

Status DefinitionStore::Store(std::span<const SeriesId> ids, std::span<const DefinitionRecord> records) {
  rocksdb::WriteBatch batch;
  std::vector<HashRow> hashes;
  DefinitionReader reader(database_, nullptr);
  for (std::size_t i = 0; i < ids.size();) {
    VEDETTE_TRY(const Definitions* block, reader.BlockOf(ids[i]));
    std::size_t end = i;
    while (end < ids.size() && Raw(ids[end]) < reader.next_first()) ++end;
    // Behind a full block begins a new one; otherwise the one that is there is written again.
    if (block != nullptr && block->size() >= kBlockSeries && ids[i] > block->ids().back()) block = nullptr;
    VEDETTE_CHECK(PutBlocks(block, ids.subspan(i, end - i), batch, hashes));
    i = end;
  }
  // Before the blocks: a row without a definition is passed over, a definition without its row would not be found.
  VEDETTE_CHECK(PutHashes(hashes, batch));
  for (const DefinitionRecord& record : records) {
    batch.Delete(database_.family(Family::kSeries), SeriesRecordKey(record.number));
  }
  return database_.Write(batch, false);
}

Status DefinitionStore::PutBlocks(const Definitions* existing, std::span<const SeriesId> ids,
                                  rocksdb::WriteBatch& batch, std::vector<HashRow>& hashes) const {
  DefinitionsEncoder encoder;
  std::vector<LabelView> labels;
  const auto put = [&] {
    const std::string key = SeriesBlockKey(encoder.first());
    batch.Put(database_.family(Family::kSeries), key, encoder.Take());
  };
  const std::size_t old = existing == nullptr ? 0 : existing->size();
  // Ids that come behind fill the block; others leave it and its new neighbours room for more of their kind.
  std::size_t full = kBlockSeries;
  if (old > 0 && ids.front() < existing->ids().back()) {
    const std::size_t blocks = (old + ids.size() + kBlockSeries - 1) / kBlockSeries;
    full = (old + ids.size() + blocks - 1) / blocks;
  }
  std::shared_lock lock(table_.mutex());
  for (std::size_t e = 0, n = 0; e < old || n < ids.size();) {
    SeriesId id;
    if (n == ids.size() || (e < old && existing->id(e) <= ids[n])) {
      id = existing->id(e);
      existing->ViewLabels(e++, labels);
      if (n < ids.size() && ids[n] == id) ++n;
    } else {
      id = ids[n++];
      const HeadSeries* series = table_.Find(id);
      if (series == nullptr) return Fail(Code::kInternal, "series {} left memory before it was on disk", Raw(id));
      table_.ViewLabels(*series, labels);
      hashes.push_back({HashLabels(labels), id});
    }
    encoder.Add(id, labels);
    if (encoder.size() < full && encoder.bytes() < kBlockBytes) continue;
    put();
    // The encoder views nothing now: others get their turn.
    lock.unlock();
    lock.lock();
  }
  if (!encoder.empty()) put();
  return Ok();
}

Status DefinitionStore::PutHashes(std::vector<HashRow>& hashes, rocksdb::WriteBatch& batch) {
  if (hashes.size() < kIngestedRows) {
    for (const HashRow& row : hashes) {
      batch.Put(database_.family(Family::kSeries), SeriesHashKey(row.hash, row.id), rocksdb::Slice());
    }
    return Ok();
  }
  std::ranges::sort(hashes);
  TableWriter writer(database_, Family::kSeries);
  for (const HashRow& row : hashes) VEDETTE_CHECK(writer.Put(SeriesHashKey(row.hash, row.id), {}));
  return writer.Ingest();
}

Status DefinitionStore::Collect(const std::function<bool(SeriesId)>& keep, std::mutex& guard,
                                const std::function<void(rocksdb::WriteBatch&)>& amend) {
  rocksdb::ColumnFamilyHandle* const family = database_.family(Family::kSeries);
  const auto at = OrderedIterator(database_);
  Definitions block;
  std::vector<LabelView> labels;
  for (at->Seek(std::string(1, kSeriesBlockTag)); HasTag(*at, kSeriesBlockTag); at->Next()) {
    const Status decoded = block.Decode(ToView(at->value()));
    if (!decoded) return InBlock(ToView(at->key()), decoded.error());
    const std::lock_guard lock(guard);
    rocksdb::WriteBatch batch;
    DefinitionsEncoder kept;
    for (std::size_t i = 0; i < block.size(); ++i) {
      block.ViewLabels(i, labels);
      if (keep(block.id(i))) {
        kept.Add(block.id(i), labels);
      } else {
        batch.Delete(family, SeriesHashKey(HashLabels(labels), block.id(i)));
      }
    }
    if (kept.size() == block.size()) continue;
    if (kept.empty() || kept.first() != block.id(0)) batch.Delete(family, at->key());
    if (!kept.empty()) {
      const std::string key = SeriesBlockKey(kept.first());
      batch.Put(family, key, kept.Take());
    }
    amend(batch);
    VEDETTE_CHECK(database_.Write(batch, false));
  }
  if (!at->status().ok()) return ToError(at->status(), "read of series");
  return Ok();
}

}  // namespace vedette::storage
