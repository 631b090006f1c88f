#include "storage/rocks/day_cardinality.h"

#include <algorithm>
#include <memory>
#include <shared_mutex>
#include <span>
#include <vector>

#include "storage/index/cardinality.h"
#include "storage/index/label_index.h"
#include "storage/index/united_source.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

std::vector<SeriesEntry> InMemory(const Engine& engine, TimeRange range) {
  const SeriesTable& table = engine.head.table();
  const std::shared_lock lock(table.mutex());
  std::vector<SeriesEntry> out;
  Postings all;
  (void)table.index().All(all);  // in memory: it cannot fail
  for (const SeriesId id : all) {
    const HeadSeries* series = table.Find(id);
    if (series != nullptr && engine.head.MayHave(*series, range, false)) out.push_back({id, table.LabelsOf(*series)});
  }
  return out;
}

/// Those of `found` that are not in `sealed` and have samples, which Head::MayHave() only supposed.
Status AddFresh(const Querier& querier, std::span<const SeriesEntry> found, const Postings& sealed, TimeRange range,
                LabelIndex& out) {
  Columns samples;
  HistogramColumns histograms;
  for (const SeriesEntry& entry : found) {
    if (std::ranges::binary_search(sealed, entry.id)) continue;
    samples.clear();
    histograms.clear();
    VEDETTE_CHECK(querier.ReadMixed(entry.id, range, samples, histograms));
    if (samples.size() + histograms.size() != 0) out.Add(entry.id, entry.labels);
  }
  return Ok();
}

}  // namespace

Result<StoreStats> CountDay(Engine& engine, std::int32_t day, const CardinalityQuery& query) {
  const TimeRange range{StartOfDay(day), StartOfDay(day + 1) - Millis(1)};
  // In this order: what is sealed meanwhile is found in memory and then seen to be on the disk.
  const auto querier = NewRocksQuerier(engine, range);
  const std::vector<SeriesEntry> found = InMemory(engine, range);
  rocksdb::DB& db = engine.database->db();
  const auto release = [&db](const rocksdb::Snapshot* snapshot) { db.ReleaseSnapshot(snapshot); };
  const std::unique_ptr<const rocksdb::Snapshot, decltype(release)> snapshot(db.GetSnapshot(), release);
  const DiskIndex disk(*engine.database, day, snapshot.get());
  LabelIndex unsealed;
  if (!found.empty()) {
    Postings sealed;
    VEDETTE_CHECK(disk.All(sealed));
    VEDETTE_CHECK(AddFresh(*querier, found, sealed, range, unsealed));
  }
  StoreStats stats;
  if (unsealed.series_count() == 0) {
    VEDETTE_CHECK(CountCardinality(disk, query, stats));
  } else {
    VEDETTE_CHECK(CountCardinality(UnitedSource(disk, unsealed), query, stats));
  }
  if (stats.head_series != 0) stats.head_range = range;
  return stats;
}

}  // namespace vedette::storage
