#include "storage/rocks/disk_index.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>

#include <rocksdb/write_batch.h>

#include "storage/index/postings_codec.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Adds the names of the series, or their values of `name`, to ascending texts.
void AddTexts(std::span<const SeriesEntry> series, std::optional<std::string_view> name,
              std::vector<std::string>& texts) {
  std::set<std::string_view> fresh;
  for (const SeriesEntry& entry : series) {
    for (const LabelView label : entry.labels) {
      if (!name) {
        fresh.insert(label.name);
      } else if (label.name == *name) {
        fresh.insert(label.value);
      }
    }
  }
  std::erase_if(fresh, [&](std::string_view text) { return std::ranges::binary_search(texts, text, std::less<>()); });
  if (fresh.empty()) return;
  std::vector<std::string> all;
  all.reserve(texts.size() + fresh.size());
  auto old = texts.begin();
  for (const std::string_view text : fresh) {
    while (old != texts.end() && *old < text) all.push_back(std::move(*old++));
    all.emplace_back(text);
  }
  all.insert(all.end(), std::make_move_iterator(old), std::make_move_iterator(texts.end()));
  texts = std::move(all);
}

}  // namespace

std::unique_ptr<rocksdb::Iterator> DiskIndex::NewIterator() const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  return database_.NewIterator(options, Family::kIndex);
}

Status DiskIndex::Damaged(std::string_view name, std::string_view value, const Error& error) const {
  return Fail(error.code, "index of {}, label {}={}: {}", DayText(day_), Quote(name), Quote(value), error.message);
}

Status DiskIndex::All(Postings& out) const { return WithLabel({}, {}, out); }

Result<DiskIndex::Bytes> DiskIndex::Row(std::string_view name, std::string_view value) const {
  std::string key = IndexKey(day_, name, value);
  if (const auto known = rows_.find(key); known != rows_.end()) return known->second;
  Bytes out;
  if (const auto cached = Cached(IndexCache::Kind::kRow, key)) {
    if (!cached->postings.empty()) out = Bytes(cached, &cached->postings);
  } else {
    auto bytes = database_.Get(Family::kIndex, key, snapshot_);
    if (!bytes) return Damaged(name, value, bytes.error()).error();
    if (*bytes) out = std::make_shared<const std::string>(**bytes);
    PutCached(IndexCache::Kind::kRow, key, {out ? *out : std::string(), {}, 0});
  }
  rows_.emplace(std::move(key), out);
  return out;
}

Status DiskIndex::WithLabel(std::string_view name, std::string_view value, Postings& out) const {
  VEDETTE_TRY(const Bytes row, Row(name, value));
  if (!row) return Ok();
  const Status decoded = DecodePostings(*row, out);
  return decoded ? Ok() : Damaged(name, value, decoded.error());
}

Result<std::size_t> DiskIndex::SeriesCount(std::string_view name, std::string_view value) const {
  VEDETTE_TRY(const Bytes row, Row(name, value));
  if (!row) return std::size_t{0};
  auto count = CountPostings(*row);
  if (!count) return Damaged(name, value, count.error()).error();
  return *count;
}

Status DiskIndex::KeepWithLabel(std::string_view name, std::string_view value, Postings& ids) const {
  VEDETTE_TRY(const Bytes row, Row(name, value));
  Postings kept;
  if (row) {
    const Status decoded = DecodePostingsWithin(*row, ids, kept);
    if (!decoded) return Damaged(name, value, decoded.error());
  }
  ids = std::move(kept);
  return Ok();
}

std::shared_ptr<const IndexCache::Entry> DiskIndex::Cached(IndexCache::Kind kind, std::string_view text) const {
  return cache_ ? cache_.cache->Find(IndexCache::Key(day_, *cache_.version, kind, text)) : nullptr;
}

std::shared_ptr<const IndexCache::Entry> DiskIndex::Current(IndexCache::Kind kind, std::string_view text,
                                                            const Update& update) const {
  if (!cache_) return nullptr;
  const std::string key = IndexCache::Key(day_, 0, kind, text);
  const auto entry = cache_.cache->Find(key);
  if (!entry || entry->version == *cache_.version) return entry;
  if (entry->version > *cache_.version || !cache_.added_since) return nullptr;
  const auto added = cache_.added_since(entry->version);
  if (!added) return nullptr;
  auto fresh = std::make_shared<IndexCache::Entry>(*entry);
  // What lies in memory is not damaged; should it be, it is made anew.
  if (!update(*fresh, *added)) return nullptr;
  fresh->version = *cache_.version;
  cache_.cache->Put(key, fresh);
  return fresh;
}

void DiskIndex::PutCached(IndexCache::Kind kind, std::string_view text, IndexCache::Entry entry) const {
  if (!cache_) return;
  entry.version = *cache_.version;
  const std::uint64_t version = kind == IndexCache::Kind::kRow ? entry.version : 0;
  cache_.cache->Put(IndexCache::Key(day_, version, kind, text),
                    std::make_shared<const IndexCache::Entry>(std::move(entry)));
}

std::shared_ptr<const std::string> DiskIndex::Recall(const Matcher& m) const {
  const auto entry = Current(IndexCache::Kind::kMatcher, m.ToString(),
                             [&](IndexCache::Entry& kept, std::span<const SeriesEntry> added) -> Status {
                               Postings found;
                               for (const SeriesEntry& series : added) {
                                 const std::string_view value = series.labels.Get(m.name());
                                 if (!value.empty() && m.Matches(value) != m.MatchesEmpty()) found.push_back(series.id);
                               }
                               std::string postings;
                               VEDETTE_CHECK(AppendMerged(kept.postings, found, postings));
                               kept.postings = std::move(postings);
                               return Ok();
                             });
  return entry ? Bytes(entry, &entry->postings) : nullptr;
}

void DiskIndex::Remember(const Matcher& m, std::string postings) const {
  PutCached(IndexCache::Kind::kMatcher, m.ToString(), {std::move(postings), {}, 0});
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

std::size_t DiskIndex::ValueCount(std::string_view name) const {
  // About is enough: also of an earlier version.
  const auto values = cache_ ? cache_.cache->Find(IndexCache::Key(day_, 0, IndexCache::Kind::kValues, name)) : nullptr;
  return values ? values->texts.size() : SIZE_MAX;
}

Status DiskIndex::VisitTexts(IndexCache::Kind kind, std::string_view text, const AcceptValue& visit,
                             const std::function<Status(const AcceptValue&)>& walk) const {
  const auto known = Current(kind, text, [&](IndexCache::Entry& kept, std::span<const SeriesEntry> added) {
    AddTexts(added, kind == IndexCache::Kind::kNames ? std::nullopt : std::optional(text), kept.texts);
    return Ok();
  });
  if (known) {
    for (const std::string& item : known->texts) {
      if (!visit(item)) break;
    }
    return Ok();
  }
  IndexCache::Entry list;
  std::size_t bytes = 0;
  bool whole = static_cast<bool>(cache_), stopped = false;
  VEDETTE_CHECK(walk([&](std::string_view item) {
    bytes += sizeof(std::string) + item.size();
    whole = whole && bytes <= cache_.cache->MaxEntryBytes();
    if (whole) list.texts.emplace_back(item);
    stopped = !visit(item);
    return !stopped;
  }));
  if (whole && !stopped) PutCached(kind, text, std::move(list));
  return Ok();
}

Status DiskIndex::VisitNames(const AcceptValue& visit) const {
  return VisitTexts(IndexCache::Kind::kNames, {}, visit, [&](const AcceptValue& each) { return WalkNames(each); });
}

Status DiskIndex::VisitValues(std::string_view name, const AcceptValue& visit) const {
  return VisitTexts(IndexCache::Kind::kValues, name, visit,
                    [&](const AcceptValue& each) { return WalkValues(name, each); });
}

Status DiskIndex::VisitValuesOf(std::string_view name, std::span<const SeriesId> ids, const AcceptValue& visit) const {
  const std::string start = IndexKey(day_, name, {});
  const auto at = NewIterator();
  Postings with;
  for (at->Seek(start); at->Valid() && ToView(at->key()).starts_with(start); at->Next()) {
    const std::string_view value = ToView(at->key()).substr(start.size());
    with.clear();
    const Status decoded = DecodePostingsWithin(ToView(at->value()), ids, with);
    if (!decoded) return Damaged(name, value, decoded.error());
    if (!with.empty() && !visit(value)) return Ok();
  }
  if (!at->status().ok()) return Damaged(name, {}, ToError(at->status(), "read"));
  return Ok();
}

Status DiskIndex::VisitRows(const VisitRow& visit) const {
  const std::string day = DayPrefix(day_);
  const auto at = NewIterator();
  for (at->Seek(IndexNameEnd(day_, {})); at->Valid() && ToView(at->key()).starts_with(day); at->Next()) {
    const auto parts = ParseIndexKey(ToView(at->key()));
    if (!parts) {
      return Fail(Code::kCorruption, "index of {}: key {} is damaged", DayText(day_), Quote(ToView(at->key())));
    }
    const Result<bool> more = visit(parts->name, parts->value, ToView(at->value()));
    if (!more) return Damaged(parts->name, parts->value, more.error());
    if (!*more) return Ok();
  }
  if (!at->status().ok()) return Damaged({}, {}, ToError(at->status(), "read"));
  return Ok();
}

Status DiskIndex::WalkNames(const AcceptValue& visit) const {
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

Status DiskIndex::WalkValues(std::string_view name, const AcceptValue& visit) const {
  const std::string start = IndexKey(day_, name, {});
  const auto at = NewIterator();
  for (at->Seek(start); at->Valid() && ToView(at->key()).starts_with(start); at->Next()) {
    if (!visit(ToView(at->key()).substr(start.size()))) return Ok();
  }
  if (!at->status().ok()) return Damaged(name, {}, ToError(at->status(), "read"));
  return Ok();
}

Status DiskIndex::VisitPairs(const Postings* within, const VisitPair& visit) const {
  Postings with;
  return VisitRows([&](std::string_view name, std::string_view value, std::string_view row) -> Result<bool> {
    if (within == nullptr) {
      VEDETTE_TRY(const std::size_t count, CountPostings(row));
      visit(name, value, count);
      return true;
    }
    with.clear();
    VEDETTE_CHECK(DecodePostingsWithin(row, *within, with));
    visit(name, value, with.size());
    return true;
  });
}

void DiskIndexBatch::Add(std::int32_t day, SeriesId id, const Labels& labels) {
  Day& entry = days_[day];
  entry.all.push_back(id);
  for (const LabelView label : labels) entry.by_label[label].push_back(id);
}

DayVersions::Change DiskIndexBatch::Write(const Database& database, rocksdb::WriteBatch& batch) {
  DayVersions::Added added;
  for (auto& [day, entry] : days_) {
    Normalize(entry.all);
    added.emplace(day, entry.all);
  }
  DayVersions::Change change(database.day_versions(), std::move(added));
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
  return change;
}

}  // namespace vedette::storage
