#include "storage/rocks/deletion.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>

#include <rocksdb/write_batch.h>

#include "storage/chunk/chunk.h"
#include "storage/chunk/histogram_chunk.h"
#include "storage/chunk/merge.h"
#include "storage/index/postings_codec.h"
#include "storage/rocks/bundle_cursor.h"
#include "storage/rocks/definition_reader.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/tier_store.h"

namespace vedette::storage {
namespace {

/// Series of one day cleaned while sealing waits, and bundles written anew for them.
constexpr std::size_t kCleanStep = 256, kCleanBundles = 8;

class DayCleaner {
 public:
  DayCleaner(Engine& engine, const TombstoneSet& tombstones, std::int32_t day)
      : engine_(engine), database_(*engine.database), tombstones_(tombstones), day_(day) {}

  /// With the maintenance mutex held. Rows, index and nothing else change, all at once. Returns how many of the series,
  /// from the first on, are done.
  Result<std::size_t> Clean(std::span<const SeriesId> series) {
    rocksdb::WriteBatch batch;
    Postings gone;
    const DayVersions::Change index_change(database_.day_versions(), {day_});
    std::vector<SampleChanges::Stripe> stripes;
    for (const SeriesId id : series) stripes.push_back(SampleChanges::StripeOf(day_, id));
    const SampleChanges::Change change(database_.sample_changes(), std::move(stripes));
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    bundles_.emplace(database_.NewIterator(options, Family::kBundles));
    bundle_key_.clear();
    bundles_written_ = 0;
    std::size_t done = 0;
    for (; done < series.size() && bundles_written_ < kCleanBundles; ++done) {
      const SeriesId id = series[done];
      std::size_t left = 0;
      kept_.clear();
      kept_histograms_ = 0;
      VEDETTE_CHECK(CleanBundle(id, batch, left));
      for (const Family family : {Family::kBlocks, Family::kChunks}) VEDETTE_CHECK(CleanRows(family, id, batch, left));
      VEDETTE_CHECK(CleanTiers(id, batch, left));
      if (left == 0) gone.push_back(id);
    }
    VEDETTE_CHECK(WriteBundle(batch));
    VEDETTE_CHECK(LeaveIndex(gone, batch));
    VEDETTE_CHECK(database_.Write(batch, false));
    return done;
  }

 private:
  void Keep(const Columns& samples, std::size_t& left) {
    left += samples.size();
    kept_.times.insert(kept_.times.end(), samples.times.begin(), samples.times.end());
    kept_.values.insert(kept_.values.end(), samples.values.begin(), samples.values.end());
  }

  /// A bundle is written once for all its series that `series` names: when another one's turn comes.
  Status CleanBundle(SeriesId id, rocksdb::WriteBatch& batch, std::size_t& left) {
    if (!bundle_key_.empty() && id > last_bundled_) VEDETTE_CHECK(WriteBundle(batch));
    VEDETTE_TRY(const bool found, bundles_->Find(day_, id));
    if (!found) return Ok();
    bundle_key_ = bundles_->key();
    BundleReader& bundle = bundles_->bundle();
    last_bundled_ = bundle.parts().back().series;
    const auto [begin, end] = bundle.Find(id);
    for (std::size_t i = begin; i < end; ++i) {
      const BundlePart& part = bundle.parts()[i];
      samples_.clear();
      if (!tombstones_.Covers(id, part.seal, part.range)) {
        const Status decoded = bundle.Decode(i, samples_);
        if (!decoded) return Annotate(DescribeBundleKey(bundle_key_), decoded.error());
        tombstones_.Apply(id, part.seal, samples_, 0);
      }
      Keep(samples_, left);
      if (samples_.size() < part.count) replaced_.emplace(i, samples_);
    }
    return Ok();
  }

  Status WriteBundle(rocksdb::WriteBatch& batch) {
    if (!replaced_.empty()) {
      auto row = Rewrite(bundles_->bundle(), day_, replaced_);
      if (!row) return Annotate(DescribeBundleKey(bundle_key_), row.error());
      rocksdb::ColumnFamilyHandle* const family = database_.family(Family::kBundles);
      batch.Delete(family, bundle_key_);
      if (*row) batch.Put(family, (*row)->key, (*row)->value);
      ++bundles_written_;
    }
    replaced_.clear();
    bundle_key_.clear();
    return Ok();
  }

  /// Rows are rewritten one by one: what remains of each stays in its family and seal round.
  Status CleanRows(Family family, SeriesId id, rocksdb::WriteBatch& batch, std::size_t& left) {
    rocksdb::ReadOptions options;
    options.prefix_same_as_start = true;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> at = database_.NewIterator(options, family);
    for (at->Seek(ChunkPrefix(day_, id)); at->Valid(); at->Next()) {
      const auto key = ParseChunkKey(ToView(at->key()));
      if (key && key->histograms) {
        VEDETTE_CHECK(CleanHistograms(family, *key, ToView(at->value()), batch, left));
        continue;
      }
      const auto header = ReadChunkHeader(ToView(at->value()));
      if (!key || !header) return Fail(Code::kCorruption, "{} is damaged", DescribeChunkKey(ToView(at->key())));
      samples_.clear();
      if (!tombstones_.Covers(id, key->seal, header->range)) {
        const Status decoded = DecodeChunk(ToView(at->value()), samples_);
        if (!decoded) return Annotate(DescribeChunkKey(ToView(at->key())), decoded.error());
        tombstones_.Apply(id, key->seal, samples_, 0);
      }
      Keep(samples_, left);
      if (samples_.size() == header->count) continue;
      batch.Delete(database_.family(family), at->key());
      if (samples_.size() == 0) continue;
      std::string chunk;
      EncodeChunk(samples_.times, samples_.values, chunk);
      const ChunkKey moved{day_, id, TimeMs(samples_.times.front()), key->seal};
      batch.Put(database_.family(family), EncodeChunkKey(moved), chunk);
    }
    if (!at->status().ok()) {
      return ToError(at->status(),
                     fmt::format("read of series {} on {}", static_cast<std::uint64_t>(id), DayText(day_)));
    }
    return Ok();
  }

  /// Where the day has samples its tiers are made anew of them; where it has none, whole buckets go.
  Status CleanTiers(SeriesId id, rocksdb::WriteBatch& batch, std::size_t& left) {
    const auto places = engine_.partitions.places();
    if (!places->tiered.contains(day_)) return Ok();
    const bool has_raw = places->HasRaw(day_);
    SortAndResolve(kept_, 0);
    for (const TierOptions& tier : engine_.options.tiers) {
      const TierKey key{tier.step, day_, id};
      VEDETTE_TRY(std::optional<TierRow> row, ReadTierRow(database_, nullptr, key));
      if (!row) continue;
      if (has_raw) {
        row->buckets.clear();
        DownSample(kept_.times, kept_.values, tier.step, row->buckets);
        row->has_histograms = kept_histograms_ > 0;
      } else {
        ApplyTombstones(tombstones_, id, tier.step, *row);
        left += row->buckets.size();
      }
      if (row->buckets.empty() && !row->has_histograms) {
        batch.Delete(database_.family(Family::kTiers), EncodeTierKey(key));
      } else {
        batch.Put(database_.family(Family::kTiers), EncodeTierKey(key), EncodeTierRow(*row, tier.step));
      }
    }
    return Ok();
  }

  Status CleanHistograms(Family family, const ChunkKey& key, std::string_view chunk, rocksdb::WriteBatch& batch,
                         std::size_t& left) {
    HistogramColumns samples;
    const std::string row = EncodeChunkKey(key);
    const Status decoded = DecodeHistogramChunk(chunk, samples);
    if (!decoded) return Annotate(DescribeChunkKey(row), decoded.error());
    const std::size_t before = samples.size();
    tombstones_.Apply(key.series, key.seal, samples, 0);
    left += samples.size();
    kept_histograms_ += samples.size();
    if (samples.size() == before) return Ok();
    batch.Delete(database_.family(family), row);
    if (samples.size() == 0) return Ok();
    std::string rest;
    EncodeHistogramChunk(samples.times, samples.histograms, rest);
    const ChunkKey moved{day_, key.series, TimeMs(samples.times.front()), key.seal, true};
    batch.Put(database_.family(family), EncodeChunkKey(moved), rest);
    return Ok();
  }

  Status LeaveIndex(const Postings& gone, rocksdb::WriteBatch& batch) {
    if (gone.empty()) return Ok();
    std::map<std::pair<std::string, std::string>, Postings> rows;
    rows[{}] = gone;
    for (const SeriesId id : gone) {
      VEDETTE_TRY(const std::optional<Labels> labels, LabelsOf(id));
      if (!labels) continue;  // nothing in the index leads to it
      for (const LabelView label : *labels) {
        rows[{std::string(label.name), std::string(label.value)}].push_back(id);
      }
    }
    const DiskIndex index(database_, day_, nullptr);
    for (const auto& [label, ids] : rows) {
      Postings there;
      VEDETTE_CHECK(index.WithLabel(label.first, label.second, there));
      const Postings rest = Subtract(there, ids);
      if (rest.size() == there.size()) continue;
      const std::string key = IndexKey(day_, label.first, label.second);
      if (rest.empty()) {
        batch.Delete(database_.family(Family::kIndex), key);
      } else {
        std::string value;
        EncodePostings(rest, value);
        batch.Put(database_.family(Family::kIndex), key, value);
      }
    }
    return Ok();
  }

  /// Also makes the next chunk of a series in memory enter the index again.
  Result<std::optional<Labels>> LabelsOf(SeriesId id) {
    {
      const std::shared_lock lock(engine_.head.table().mutex());
      if (HeadSeries* series = engine_.head.table().Find(id)) {
        if (series->indexed_day == day_) series->indexed_day = kNoDay;
        return std::optional(engine_.head.table().LabelsOf(*series));
      }
    }
    VEDETTE_TRY(Labels labels, definitions_.Read(id));
    return labels.empty() ? std::optional<Labels>() : std::optional(std::move(labels));
  }

  Engine& engine_;
  Database& database_;
  const TombstoneSet& tombstones_;
  const std::int32_t day_;
  DefinitionReader definitions_{database_, nullptr};
  Columns samples_;
  // The bundle under way; no key: there is none.
  std::optional<BundleCursor> bundles_;
  std::string bundle_key_;
  SeriesId last_bundled_ = SeriesId::kNone;
  std::map<std::size_t, Columns> replaced_;
  std::size_t bundles_written_ = 0;
  // Of the series under way.
  Columns kept_;
  std::size_t kept_histograms_ = 0;
};

}  // namespace

Status DeleteSamples(Engine& engine, std::span<const Matcher> matchers, TimeRange range, TimeMs oldest) {
  Postings ids;
  {
    VEDETTE_TRY(const std::vector<SeriesEntry> found, NewRocksQuerier(engine, range)->Select(matchers));
    for (const SeriesEntry& entry : found) ids.push_back(entry.id);
  }
  Normalize(ids);
  if (ids.empty()) return Ok();
  const ChangeLog::Change change(engine.changes, range.min);
  VEDETTE_CHECK(engine.facts.DeleteExemplars(ids, range));
  VEDETTE_CHECK(engine.sealer.SealVisible(oldest));
  return engine.tombstones.Add({0, range, engine.sealer.last_seal(), std::move(ids)});
}

Status CleanTombstones(Engine& engine) {
  const std::shared_ptr<const TombstoneSet> tombstones = engine.tombstones.current();
  if (tombstones->empty()) return Ok();
  {
    const std::lock_guard lock(engine.maintenance_mutex);
    VEDETTE_CHECK(engine.catalog.StoreDefinitions());
  }
  const std::shared_ptr<const Partitions::Days> days = engine.partitions.days();  // sealing publishes others meanwhile
  for (const std::int32_t day : *days) {
    const Postings touched = tombstones->Touched({StartOfDay(day), StartOfDay(day) + Millis(kDayMs - 1)});
    DayCleaner cleaner(engine, *tombstones, day);
    for (std::size_t at = 0; at < touched.size();) {
      const std::lock_guard lock(engine.maintenance_mutex);
      VEDETTE_TRY(const std::size_t done,
                  cleaner.Clean(std::span(touched).subspan(at, std::min(kCleanStep, touched.size() - at))));
      at += done;
    }
  }
  const std::lock_guard lock(engine.maintenance_mutex);
  // What is not written to any more leaves memory: there it would still be listed.
  engine.head.DropRetired();
  // Samples that an older reader holds keep their series in memory: the tombstones stay, the rows are gone already.
  if (engine.head.has_retired()) return Ok();
  {
    const std::unique_lock gate(engine.commit_gate);
    VEDETTE_CHECK(engine.catalog.EvictClean(tombstones->Touched(TimeRange()), engine.clock.Now()));
  }
  return engine.tombstones.Remove(tombstones->all().back().number);
}

}  // namespace vedette::storage
