#include "storage/rocks/inspect.h"

#include "storage/chunk/chunk.h"
#include "storage/chunk/histogram_chunk.h"
#include "storage/index/definitions.h"
#include "storage/rocks/bundle_cursor.h"
#include "storage/rocks/database.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/partitions.h"
#include "storage/rocks/tier_store.h"
#include "storage/rocks/tombstones.h"

namespace vedette::storage {
namespace {

std::unique_ptr<rocksdb::Iterator> Ordered(Database& database, Family family) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  options.readahead_size = 1 << 20;
  return database.NewIterator(options, family);
}

Result<std::uint64_t> CountRows(Database& database, Family family, const std::string& prefix) {
  std::uint64_t rows = 0;
  const auto at = Ordered(database, family);
  for (at->Seek(prefix); at->Valid() && ToView(at->key()).starts_with(prefix); at->Next()) ++rows;
  if (!at->status().ok()) return ToError(at->status(), fmt::format("read of {}", FamilyName(family)));
  return rows;
}

Result<std::uint64_t> CountDefinitions(Database& database) {
  Definitions definitions;
  Postings ids;
  const auto at = Ordered(database, Family::kSeries);
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    if (at->key()[0] != kSeriesBlockTag && at->key()[0] != kSeriesRecordTag) continue;
    VEDETTE_CHECK(definitions.Decode(ToView(at->value())));
    ids.insert(ids.end(), definitions.ids().begin(), definitions.ids().end());
  }
  if (!at->status().ok()) return ToError(at->status(), "read of series");
  Normalize(ids);
  return ids.size();
}

Status CountChunks(Database& database, Family family, DayReport& report) {
  const std::string prefix = DayPrefix(report.day);
  const auto at = Ordered(database, family);
  for (at->Seek(prefix); at->Valid() && ToView(at->key()).starts_with(prefix); at->Next()) {
    ++(family == Family::kBlocks ? report.packed : report.loose);
    if (IsHistogramKey(ToView(at->key()))) {
      const auto header = ReadHistogramChunkHeader(ToView(at->value()));
      if (!header) return Annotate(DescribeChunkKey(ToView(at->key())), header.error());
      report.samples += header->count;
      report.histograms += header->count;
    } else {
      const auto header = ReadChunkHeader(ToView(at->value()));
      if (!header) return Annotate(DescribeChunkKey(ToView(at->key())), header.error());
      report.samples += header->count;
    }
    report.chunk_bytes += at->value().size();
  }
  if (!at->status().ok()) return ToError(at->status(), fmt::format("read of {}", FamilyName(family)));
  return Ok();
}

Status CountBundles(Database& database, DayReport& report) {
  BundleCursor at(Ordered(database, Family::kBundles));
  Result<bool> found = at.Find(report.day, SeriesId::kNone);
  for (; found && *found; found = at.Next()) {
    for (const BundlePart& part : at.bundle().parts()) {
      ++report.packed;
      report.samples += part.count;
    }
    ++report.bundles;
    report.chunk_bytes += at.value().size();
  }
  return found ? Ok() : Status(std::move(found).error());
}

}  // namespace

Result<StoreReport> InspectStore(const std::string& path) {
  StorageOptions options;
  options.path = path;
  VEDETTE_TRY(const std::unique_ptr<Database> database, Database::Open(options, nullptr, Access::kRead));
  StoreReport out;
  VEDETTE_TRY(out.format_version, database->GetNumber(kMetaVersion));
  VEDETTE_TRY(out.definitions, CountDefinitions(*database));
  VEDETTE_TRY(out.journal_records, CountRows(*database, Family::kJournal, ""));
  Tombstones tombstones(*database);
  VEDETTE_CHECK(tombstones.Recover());
  out.tombstones = tombstones.current()->all().size();
  std::vector<rocksdb::LiveFileMetaData> files;
  database->db().GetLiveFilesMetaData(&files);
  out.table_files = files.size();
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    out.family_bytes.emplace_back(FamilyName(family), database->Property(family, "rocksdb.live-sst-files-size"));
  }
  VEDETTE_TRY(const std::vector<Millis> steps, TierSteps(*database));
  Partitions partitions(*database);
  VEDETTE_CHECK(partitions.Recover());
  const auto days = partitions.days();
  for (const std::int32_t day : *days) {
    DayReport report{.day = day};
    Postings all;
    VEDETTE_CHECK(DiskIndex(*database, day, nullptr).All(all));
    report.series = all.size();
    VEDETTE_CHECK(CountBundles(*database, report));
    for (const Family family : {Family::kChunks, Family::kBlocks})
      VEDETTE_CHECK(CountChunks(*database, family, report));
    for (const Millis step : steps) {
      VEDETTE_TRY(const std::uint64_t rows, CountRows(*database, Family::kTiers, TierDayPrefix(step, day)));
      report.tier_rows += rows;
    }
    report.disk_bytes = DiskBytes(*database, day);
    out.days.push_back(report);
  }
  return out;
}

}  // namespace vedette::storage
