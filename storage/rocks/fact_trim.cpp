// What goes from the family `facts`: for its age, its number, or because it was deleted.
#include <algorithm>

#include <rocksdb/write_batch.h>

#include "storage/coding.h"
#include "storage/rocks/fact_store.h"

namespace vedette::storage {
namespace {

/// Rows deleted in one batch.
constexpr std::uint64_t kTrimBatch = 10'000;
/// Room above the bound, so that not every commit makes the next trim count.
constexpr std::uint64_t kSlackParts = 20;

/// One family of one target: which of its rows, ascending by time, go.
void PickOldMetadata(const std::vector<std::pair<MetadataKey, std::uint64_t>>& rows, TimeMs oldest,
                     std::vector<bool>& goes) {
  goes.assign(rows.size(), false);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool superseded = i + 1 < rows.size() && rows[i + 1].first.time <= oldest;
    const bool ended = i + 1 == rows.size() && rows[i].second == 0 && rows[i].first.time <= oldest;
    goes[i] = superseded || ended || i + kMaxInfoChanges < rows.size();
  }
}

}  // namespace

Status FactStore::TrimExemplars(TimeMs oldest, std::size_t most) {
  rocksdb::WriteBatch batch;
  const auto flush = [&](std::uint64_t least) -> Status {
    if (static_cast<std::uint64_t>(batch.Count()) < least) return Ok();
    VEDETTE_CHECK(database_.Write(batch, false));
    batch.Clear();
    return Ok();
  };
  const bool too_many = exemplars_ > most + most / kSlackParts;
  const auto at = NewIterator(nullptr);
  std::uint64_t count = 0;
  if (too_many) {
    for (at->Seek(ExemplarFrom(oldest)); at->Valid() && at->key()[0] == kExemplarTag; at->Next()) ++count;
    if (!at->status().ok()) return ToError(at->status(), "read of exemplars");
  }
  std::uint64_t surplus = count > most ? count - most : 0, dropped = 0;
  const char tag = kExemplarTag;
  for (at->Seek(rocksdb::Slice(&tag, 1)); at->Valid() && at->key()[0] == tag; at->Next()) {
    const auto key = ParseExemplarKey(ToView(at->key()));
    if (key && key->time >= oldest) {
      if (surplus == 0) break;
      --surplus;
    }
    batch.Delete(database_.family(Family::kFacts), at->key());
    ++dropped;
    VEDETTE_CHECK(flush(kTrimBatch));
  }
  if (!at->status().ok()) return ToError(at->status(), "read of exemplars");
  VEDETTE_CHECK(flush(1));
  if (too_many) {
    exemplars_ = std::min<std::uint64_t>(count, most);
  } else {
    exemplars_ -= std::min<std::uint64_t>(dropped, exemplars_);
  }
  return Ok();
}

Status FactStore::DeleteExemplars(const Postings& series, TimeRange range) {
  rocksdb::WriteBatch batch;
  const auto at = NewIterator(nullptr);
  for (at->Seek(ExemplarFrom(range.min)); at->Valid() && at->key()[0] == kExemplarTag; at->Next()) {
    const auto key = ParseExemplarKey(ToView(at->key()));
    if (!key) continue;
    if (key->time > range.max) break;
    if (std::ranges::binary_search(series, key->series)) batch.Delete(database_.family(Family::kFacts), at->key());
  }
  if (!at->status().ok()) return ToError(at->status(), "read of exemplars");
  if (batch.Count() == 0) return Ok();
  {
    const std::lock_guard lock(mutex_);
    for (const SeriesId id : series) last_exemplar_.erase(id);
  }
  return database_.Write(batch, true);
}

Status FactStore::TrimStarts(TimeMs oldest, const Postings& alive) {
  rocksdb::WriteBatch batch;
  const auto at = NewIterator(nullptr);
  std::string before;  // the row before, of the same series
  std::optional<StartKey> last;
  const char tag = kStartTag;
  for (at->Seek(rocksdb::Slice(&tag, 1)); at->Valid() && at->key()[0] == tag; at->Next()) {
    const auto key = ParseStartKey(ToView(at->key()));
    const auto first = ParseFactTime(ToView(at->value()));
    if (!key || !first) return DamagedFact(ToView(at->key()));
    if (!std::ranges::binary_search(alive, key->series) && *first < oldest) {
      batch.Delete(database_.family(Family::kFacts), at->key());
    } else if (last && last->series == key->series && *first <= oldest) {
      batch.Delete(database_.family(Family::kFacts), before);  // no sample that is left is before this one
    }
    last = key;
    before = at->key().ToString();
  }
  if (!at->status().ok()) return ToError(at->status(), "read of start times");
  {
    const std::lock_guard lock(mutex_);
    last_start_.clear();
  }
  return batch.Count() == 0 ? Ok() : database_.Write(batch, false);
}

Status FactStore::TrimHistory(TimeMs oldest, const Postings& alive) {
  VEDETTE_CHECK(TrimStarts(oldest, alive));
  const std::unique_lock infos(infos_mutex_);
  rocksdb::WriteBatch batch;
  std::vector<std::uint64_t> used_infos, used_targets;
  std::vector<std::pair<MetadataKey, std::uint64_t>> rows;  // 0: the target went
  std::vector<bool> goes;
  const auto family_done = [&] {
    PickOldMetadata(rows, oldest, goes);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (goes[i]) {
        batch.Delete(database_.family(Family::kFacts), EncodeMetadataKey(rows[i].first));
      } else {
        used_infos.push_back(rows[i].second);
        if (used_targets.empty() || used_targets.back() != rows[i].first.target) {
          used_targets.push_back(rows[i].first.target);
        }
      }
    }
    rows.clear();
  };
  const auto at = NewIterator(nullptr);
  char tag = kMetadataTag;
  for (at->Seek(rocksdb::Slice(&tag, 1)); at->Valid() && at->key()[0] == tag; at->Next()) {
    auto key = ParseMetadataKey(ToView(at->key()));
    if (!key) return DamagedFact(ToView(at->key()));
    if (!rows.empty() && (rows.back().first.target != key->target || rows.back().first.family != key->family)) {
      family_done();
    }
    rows.emplace_back(*std::move(key), at->value().size() == 8 ? GetBigEndian<std::uint64_t>(ToView(at->value())) : 0);
  }
  if (!at->status().ok()) return ToError(at->status(), "read of metadata");
  family_done();
  std::ranges::sort(used_infos);
  for (auto& [used, kind] : {std::pair(&used_infos, kInfoTag), std::pair(&used_targets, kTargetTag)}) {
    tag = kind;
    for (at->Seek(rocksdb::Slice(&tag, 1)); at->Valid() && at->key()[0] == tag; at->Next()) {
      const auto number = ParseNumberKey(kind, ToView(at->key()));
      if (number && std::ranges::binary_search(*used, *number)) continue;
      batch.Delete(database_.family(Family::kFacts), at->key());
    }
    if (!at->status().ok()) return ToError(at->status(), "read of metadata");
  }
  return batch.Count() == 0 ? Ok() : database_.Write(batch, false);
}

}  // namespace vedette::storage
