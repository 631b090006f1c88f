#include "storage/rocks/label_reader.h"

#include <algorithm>
#include <shared_mutex>

#include "storage/rocks/definition_reader.h"

namespace vedette::storage {
namespace {

/// Look-ups in memory under one lock.
constexpr std::size_t kLockedIds = 4096;

Result<Labels> Read(DefinitionReader& reader, SeriesId id) {
  auto labels = reader.Read(id);
  if (labels) return labels;
  return Annotate(fmt::format("definition of series {}", static_cast<std::uint64_t>(id)), std::move(labels).error());
}

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
  DefinitionReader seen(*engine.database, snapshot), newest(*engine.database, nullptr);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!out[i].empty()) continue;
    out[i] = engine.index_cache.FindLabels(ids[i]);
    if (!out[i].empty()) continue;
    VEDETTE_TRY(out[i], Read(seen, ids[i]));
    // In memory when the snapshot was taken and evicted since: then its block is newer. Labels never change.
    if (out[i].empty()) {
      VEDETTE_TRY(out[i], Read(newest, ids[i]));
    }
    if (!out[i].empty()) engine.index_cache.PutLabels(ids[i], out[i]);
  }
  return out;
}

}  // namespace vedette::storage
