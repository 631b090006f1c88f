#include "storage/rocks/repack.h"

#include <algorithm>

#include <rocksdb/write_batch.h>

#include "storage/chunk/chunk.h"
#include "storage/chunk/histogram_chunk.h"
#include "storage/chunk/merge.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Deletions of one batch.
constexpr int kDeleteBatch = 10'000;

}  // namespace

class DayRepacker::Cursor {
 public:
  Cursor(std::unique_ptr<rocksdb::Iterator> at, std::int32_t day) : at_(std::move(at)), prefix_(DayPrefix(day)) {
    at_->Seek(prefix_);
  }

  bool valid() const { return at_->Valid() && ToView(at_->key()).starts_with(prefix_); }
  /// Day and series of the row, while valid().
  std::string_view series_prefix() const { return ToView(at_->key()).substr(0, kChunkPrefixBytes); }
  rocksdb::Status status() const { return at_->status(); }

  /// Moves the rows of the series to `out`.
  Status Take(const std::string& series_prefix, std::vector<Row>& out) {
    for (; valid() && ToView(at_->key()).starts_with(series_prefix); at_->Next()) {
      if (at_->key().size() != kChunkKeyBytes) {
        return Fail(Code::kCorruption, "{}", DescribeChunkKey(ToView(at_->key())));
      }
      out.push_back({at_->key().ToString(), at_->value().ToString()});
    }
    return Ok();
  }

 private:
  std::unique_ptr<rocksdb::Iterator> at_;
  const std::string prefix_;
};

class DayRepacker::OldBundles {
 public:
  OldBundles(std::unique_ptr<rocksdb::Iterator> at, std::int32_t day) : at_(std::move(at)), day_(day) {}

  Status Start() { return Go(at_.Find(day_, SeriesId::kNone)); }
  bool valid() const { return valid_; }
  bool at_first_part() const { return part_ == 0; }
  std::string series_prefix() { return ChunkPrefix(day_, at_.bundle().parts()[part_].series); }
  std::string_view key() const { return at_.key(); }
  std::string_view value() const { return at_.value(); }
  bool Touched(const TombstoneSet& deleted) {
    return std::ranges::any_of(at_.bundle().parts(),
                               [&](const BundlePart& part) { return deleted.Touches(part.series); });
  }
  Status SkipBundle() { return Go(at_.Next()); }

  /// Appends what is left of the parts of the series, and moves on. `seal`: of the newest.
  Status Take(const std::string& series_prefix, const TombstoneSet& deleted, Columns& out, std::uint32_t& seal) {
    while (valid_ && this->series_prefix() == series_prefix) {
      const BundlePart& part = at_.bundle().parts()[part_];
      const std::size_t first = out.size();
      const Status decoded = at_.bundle().Decode(part_, out);
      if (!decoded) return Annotate(DescribeBundleKey(key()), decoded.error());
      deleted.Apply(part.series, part.seal, out, first);
      seal = std::max(seal, part.seal);
      if (++part_ == at_.bundle().parts().size()) VEDETTE_CHECK(SkipBundle());
    }
    return Ok();
  }

 private:
  Status Go(Result<bool> found) {
    if (!found) return std::move(found).error();
    valid_ = *found;
    part_ = 0;
    if (!valid_) return Ok();
    const std::span<const BundlePart> parts = at_.bundle().parts();
    if (parts.front().series <= last_) {
      return Fail(Code::kCorruption, "{} overlaps the one before", DescribeBundleKey(key()));
    }
    last_ = parts.back().series;
    return Ok();
  }

  BundleCursor at_;
  const std::int32_t day_;
  bool valid_ = false;
  std::size_t part_ = 0;
  SeriesId last_ = SeriesId::kNone;  // of the bundle
};

DayRepacker::DayRepacker(Database& database, std::int32_t day, const RepackOptions& options,
                         const rocksdb::Snapshot* snapshot, std::shared_ptr<const TombstoneSet> deleted)
    : database_(database), day_(day), options_(options), snapshot_(snapshot), deleted_(std::move(deleted)) {}

std::unique_ptr<rocksdb::Iterator> DayRepacker::NewIterator(Family family) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  options.total_order_seek = true;
  options.fill_cache = false;
  options.readahead_size = 1 << 20;
  return database_.NewIterator(options, family);
}

Status DayRepacker::Run(TableWriter& bundles, TableWriter& blocks, TierWriter& tiers) {
  bundles_ = &bundles;
  blocks_ = &blocks;
  OldBundles bundled(NewIterator(Family::kBundles), day_);
  VEDETTE_CHECK(bundled.Start());
  Cursor packed(NewIterator(Family::kBlocks), day_), loose(NewIterator(Family::kChunks), day_);
  std::vector<Row> packed_rows, loose_rows;
  while (bundled.valid() || packed.valid() || loose.valid()) {
    std::string others;  // the next series that has rows besides bundles
    if (packed.valid()) others = packed.series_prefix();
    if (loose.valid() && (others.empty() || loose.series_prefix() < others)) others = loose.series_prefix();
    // Tiers are made of the samples. A bundle that is not full is joined with its neighbours.
    if (bundled.valid() && bundled.at_first_part() && options_.tiers.empty() &&
        (others.empty() || bundled.key() < others) && bundled.value().size() >= options_.bundle_bytes / 2 &&
        !bundled.Touched(*deleted_)) {
      VEDETTE_CHECK(EndBundle());
      VEDETTE_CHECK(bundles.Put(bundled.key(), bundled.value()));
      VEDETTE_CHECK(bundled.SkipBundle());
      continue;
    }
    std::string series = others;
    if (bundled.valid() && (series.empty() || bundled.series_prefix() < series)) series = bundled.series_prefix();
    packed_rows.clear();
    loose_rows.clear();
    columns_.clear();
    seal_ = 0;
    VEDETTE_CHECK(bundled.Take(series, *deleted_, columns_, seal_));
    VEDETTE_CHECK(packed.Take(series, packed_rows));
    VEDETTE_CHECK(loose.Take(series, loose_rows));
    std::vector<Row> histograms;  // behind the floats in both
    for (std::vector<Row>* rows : {&packed_rows, &loose_rows}) {
      const auto first = std::ranges::find_if(*rows, [](const Row& row) { return IsHistogramKey(row.key); });
      histograms.insert(histograms.end(), std::make_move_iterator(first), std::make_move_iterator(rows->end()));
      rows->erase(first, rows->end());
    }
    const SeriesId id = ParseChunkKey(series + std::string(8, '\0'))->series;
    VEDETTE_CHECK(WriteSeries(id, packed_rows, loose_rows));
    if (!histograms.empty()) VEDETTE_CHECK(WriteHistograms(histograms));
    if (!options_.tiers.empty()) VEDETTE_CHECK(tiers.Add(id, seal_, !histograms.empty(), columns_));
  }
  for (const Cursor* cursor : {&packed, &loose}) {
    if (!cursor->status().ok()) return ToError(cursor->status(), "read of the chunks of " + DayText(day_));
  }
  return EndBundle();
}

Status DayRepacker::EndBundle() {
  if (bundle_.empty()) return Ok();
  const std::string key = BundleKey(day_, bundle_.last());
  return bundles_->Put(key, bundle_.Take());
}

/// Whether re-packing would write the same again.
bool DayRepacker::IsPacked(const std::vector<Row>& rows) const {
  std::size_t samples = 0;
  TimeMs last(INT64_MIN);
  for (const Row& row : rows) {
    const auto header = ReadChunkHeader(row.value);
    if (!header || header->range.min <= last) return false;
    last = header->range.max;
    samples += header->count;
  }
  return rows.size() <= (samples + options_.max_samples - 1) / options_.max_samples;
}

Status DayRepacker::WriteSeries(SeriesId series, std::vector<Row>& packed, std::vector<Row>& loose) {
  const bool deleted = deleted_->Touches(series);
  // Tiers are made of the samples.
  if (options_.tiers.empty() && columns_.size() == 0 && loose.empty() && packed.size() > kMaxSeriesParts && !deleted &&
      IsPacked(packed)) {
    for (const Row& row : packed) VEDETTE_CHECK(blocks_->Put(row.key, row.value));
    return Ok();
  }
  for (const std::vector<Row>* rows : {&packed, &loose}) {
    for (const Row& row : *rows) {
      const std::size_t first = columns_.size();
      const Status decoded = DecodeChunk(row.value, columns_);
      if (!decoded) return Annotate(DescribeChunkKey(row.key), decoded.error());
      const std::uint32_t own_seal = ParseChunkKey(row.key)->seal;
      if (deleted) deleted_->Apply(series, own_seal, columns_, first);
      seal_ = std::max(seal_, own_seal);
    }
  }
  SortAndResolve(columns_, 0);
  // Equal parts: a short rest would be coded worse than the others.
  const std::size_t parts = (columns_.size() + options_.max_samples - 1) / options_.max_samples;
  std::string chunk;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t begin = columns_.size() * part / parts, n = columns_.size() * (part + 1) / parts - begin;
    const auto times = std::span(columns_.times).subspan(begin, n);
    const auto values = std::span(columns_.values).subspan(begin, n);
    if (parts <= kMaxSeriesParts) {
      bundle_.Add(series, seal_, times, values);
      continue;
    }
    chunk.clear();
    EncodeChunk(times, values, chunk);
    VEDETTE_CHECK(blocks_->Put(EncodeChunkKey({day_, series, TimeMs(times.front()), seal_}), chunk));
  }
  return bundle_.bytes() >= options_.bundle_bytes || bundle_.parts() >= options_.bundle_parts ? EndBundle() : Ok();
}

Status DayRepacker::WriteHistograms(const std::vector<Row>& rows) {
  const SeriesId series = ParseChunkKey(rows.front().key)->series;
  if (rows.size() == 1 && !deleted_->Touches(series)) {
    return blocks_->Put(rows.front().key, rows.front().value);
  }
  HistogramColumns samples;
  std::uint32_t seal = 0;
  for (const Row& row : rows) {
    const std::size_t first = samples.size();
    const Status decoded = DecodeHistogramChunk(row.value, samples);
    if (!decoded) return Annotate(DescribeChunkKey(row.key), decoded.error());
    const std::uint32_t own_seal = ParseChunkKey(row.key)->seal;
    deleted_->Apply(series, own_seal, samples, first);
    seal = std::max(seal, own_seal);
  }
  seal_ = std::max(seal_, seal);
  SortAndResolve(samples, 0);
  std::string chunk;
  for (std::size_t at = 0; at < samples.size();) {
    const std::size_t n = FitHistograms(std::span(samples.histograms).subspan(at), options_.max_samples);
    chunk.clear();
    EncodeHistogramChunk(std::span(samples.times).subspan(at, n), std::span(samples.histograms).subspan(at, n), chunk);
    VEDETTE_CHECK(blocks_->Put(EncodeChunkKey({day_, series, TimeMs(samples.times[at]), seal, true}), chunk));
    at += n;
  }
  return Ok();
}

Status DayRepacker::DeleteLoose() {
  const std::string prefix = DayPrefix(day_);
  rocksdb::WriteBatch batch;
  const auto at = NewIterator(Family::kChunks);
  for (at->Seek(prefix); at->Valid() && ToView(at->key()).starts_with(prefix); at->Next()) {
    batch.Delete(database_.family(Family::kChunks), at->key());
    if (batch.Count() < kDeleteBatch) continue;
    VEDETTE_CHECK(database_.Write(batch, false));
    batch.Clear();
  }
  if (!at->status().ok()) return ToError(at->status(), "read of the chunks of " + DayText(day_));
  return database_.Write(batch, false);
}

}  // namespace vedette::storage
