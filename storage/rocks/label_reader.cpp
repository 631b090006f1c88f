#include "storage/rocks/label_reader.h"

#include <algorithm>
#include <shared_mutex>

#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Up to this distance to the next id a walk over the rows between is cheaper than a new search.
constexpr std::uint64_t kNearIds = 16;
/// Look-ups in memory under one lock.
constexpr std::size_t kLockedIds = 4096;

std::uint64_t Raw(SeriesId id) { return static_cast<std::uint64_t>(id); }

/// Definitions in the order of their ids.
class DefinitionWalk {
 public:
  DefinitionWalk(Database& database, const rocksdb::Snapshot* snapshot) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.total_order_seek = true;  // across prefixes: the filter must not be asked
    at_.reset(database.db().NewIterator(options, database.family(Family::kSeries)));
  }

  Result<Labels> Read(SeriesId id) {
    const std::string key = SeriesKey(id);
    if (near_ != SeriesId::kNone && Raw(id) - Raw(near_) <= kNearIds) {
      while (at_->Valid() && ToView(at_->key()) < key) at_->Next();
    } else {
      at_->Seek(key);
    }
    if (!at_->status().ok()) return ToError(at_->status(), "read of series");
    near_ = at_->Valid() ? id : SeriesId::kNone;
    if (!at_->Valid() || ToView(at_->key()) != key) return Labels();
    auto labels = DecodeLabels(ToView(at_->value()));
    if (!labels) return Annotate(fmt::format("definition of series {}", Raw(id)), std::move(labels).error());
    return labels;
  }

 private:
  std::unique_ptr<rocksdb::Iterator> at_;
  SeriesId near_ = SeriesId::kNone;  // the iterator stands at it or behind
};

}  // namespace

Result<std::vector<Labels>> ReadLabels(Engine& engine, std::span<const SeriesId> ids,
                                       const rocksdb::Snapshot* snapshot) {
  std::vector<Labels> out(ids.size());
  const SeriesTable& table = engine.head.table();
  for (std::size_t begin = 0; begin < ids.size(); begin += kLockedIds) {
    const std::shared_lock lock(table.mutex());
    const std::size_t end = std::min(ids.size(), begin + kLockedIds);
    for (std::size_t i = begin; i < end; ++i) {
      if (const HeadSeries* series = table.Find(ids[i])) out[i] = table.LabelsOf(*series);
    }
  }
  std::optional<DefinitionWalk> walk;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!out[i].empty()) continue;
    out[i] = engine.index_cache.FindLabels(ids[i]);
    if (!out[i].empty()) continue;
    if (!walk) walk.emplace(*engine.database, snapshot);
    VEDETTE_TRY(out[i], walk->Read(ids[i]));
    if (!out[i].empty()) engine.index_cache.PutLabels(ids[i], out[i]);
  }
  return out;
}

}  // namespace vedette::storage
