#include "storage/rocks/disk_index.h"

#include <cstdint>

#include <rocksdb/write_batch.h>

#include "storage/index/postings_codec.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {

std::unique_ptr<rocksdb::Iterator> DiskIndex::NewIterator() const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  return std::unique_ptr<rocksdb::Iterator>(
      const_cast<Database&>(database_).db().NewIterator(options, database_.family(Family::kIndex)));
}

Status DiskIndex::Damaged(std::string_view name, std::string_view value, const Error& error) const {
  return Fail(error.code, "index of {}, label {}={}: {}", DayText(day_), Quote(name), Quote(value), error.message);
}

Status DiskIndex::All(Postings& out) const { return WithLabel({}, {}, out); }

Status DiskIndex::WithLabel(std::string_view name, std::string_view value, Postings& out) const {
  auto bytes = database_.Get(Family::kIndex, IndexKey(day_, name, value), snapshot_);
  if (!bytes) return Damaged(name, value, bytes.error());
  if (!*bytes) return Ok();
  const Status decoded = DecodePostings(**bytes, out);
  return decoded ? Ok() : Damaged(name, value, decoded.error());
}

Status DiskIndex::WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                             Postings& out) const {
  const std::string start = IndexKey(day_, name, prefix);
  const std::size_t value_at = start.size() - prefix.size();
  const auto at = NewIterator();
  for (at->Seek(start); at->Valid() && ToView(at->key()).starts_with(start); at->Next()) {
    const std::string_view value = ToView(at->key()).substr(value_at);
    if (!accept(value)) continue;
    const Status decoded = DecodePostings(ToView(at->value()), out);
    if (!decoded) return Damaged(name, value, decoded.error());
  }
  if (!at->status().ok()) return Damaged(name, prefix, ToError(at->status(), "read"));
  return Ok();
}

std::size_t DiskIndex::ValueCount(std::string_view) const { return SIZE_MAX; }

Status DiskIndex::VisitNames(const AcceptValue& visit) const {
  const std::string day = DayPrefix(day_);
  const auto at = NewIterator();
  at->Seek(IndexNameEnd(day_, {}));  // behind the row of all series
  while (at->Valid() && ToView(at->key()).starts_with(day)) {
    const auto parts = ParseIndexKey(ToView(at->key()));
    if (!parts)
      return Fail(Code::kCorruption, "index of {}: key {} is damaged", DayText(day_), Quote(ToView(at->key())));
    if (!visit(parts->name)) return Ok();
    at->Seek(IndexNameEnd(day_, parts->name));
  }
  if (!at->status().ok()) return Damaged({}, {}, ToError(at->status(), "read"));
  return Ok();
}

Status DiskIndex::VisitValues(std::string_view name, const AcceptValue& visit) const {
  const std::string start = IndexKey(day_, name, {});
  const auto at = NewIterator();
  for (at->Seek(start); at->Valid() && ToView(at->key()).starts_with(start); at->Next()) {
    if (!visit(ToView(at->key()).substr(start.size()))) return Ok();
  }
  if (!at->status().ok()) return Damaged(name, {}, ToError(at->status(), "read"));
  return Ok();
}

void DiskIndexBatch::Add(std::int32_t day, SeriesId id, const Labels& labels) {
  Day& entry = days_[day];
  entry.all.push_back(id);
  for (const LabelView label : labels) entry.by_label[label].push_back(id);
}

void DiskIndexBatch::Write(const Database& database, rocksdb::WriteBatch& batch) {
  rocksdb::ColumnFamilyHandle* family = database.family(Family::kIndex);
  const auto merge = [&](const std::string& key, Postings& ids) {
    Normalize(ids);
    std::string value;
    EncodePostings(ids, value);
    batch.Merge(family, key, value);
  };
  for (auto& [day, entry] : days_) {
    merge(IndexKey(day, {}, {}), entry.all);
    for (auto& [label, ids] : entry.by_label) merge(IndexKey(day, label.name, label.value), ids);
  }
  days_.clear();
}

}  // namespace vedette::storage
