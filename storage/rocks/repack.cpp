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

Status DayRepacker::Run(TableWriter& table, TierWriter& tiers) {
  Cursor packed(NewIterator(Family::kBlocks), day_), loose(NewIterator(Family::kChunks), day_);
  std::vector<Row> packed_rows, loose_rows;
  while (packed.valid() || loose.valid()) {
    std::string series;
    if (packed.valid()) series = packed.series_prefix();
    if (loose.valid() && (series.empty() || loose.series_prefix() < series)) series = loose.series_prefix();
    packed_rows.clear();
    loose_rows.clear();
    columns_.clear();
    seal_ = 0;
    VEDETTE_CHECK(packed.Take(series, packed_rows));
    VEDETTE_CHECK(loose.Take(series, loose_rows));
    std::vector<Row> histograms;  // behind the floats in both
    for (std::vector<Row>* rows : {&packed_rows, &loose_rows}) {
      const auto first = std::ranges::find_if(*rows, [](const Row& row) { return IsHistogramKey(row.key); });
      histograms.insert(histograms.end(), std::make_move_iterator(first), std::make_move_iterator(rows->end()));
      rows->erase(first, rows->end());
    }
    if (!packed_rows.empty() || !loose_rows.empty()) VEDETTE_CHECK(WriteSeries(packed_rows, loose_rows, table));
    if (!histograms.empty()) VEDETTE_CHECK(WriteHistograms(histograms, table));
    if (!options_.tiers.empty()) {
      VEDETTE_CHECK(
          tiers.Add(ParseChunkKey(series + std::string(8, '\0'))->series, seal_, !histograms.empty(), columns_));
    }
  }
  for (const Cursor* cursor : {&packed, &loose}) {
    if (!cursor->status().ok()) return ToError(cursor->status(), "read of the chunks of " + DayText(day_));
  }
  return Ok();
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

Status DayRepacker::WriteSeries(std::vector<Row>& packed, std::vector<Row>& loose, TableWriter& table) {
  const auto key_of = [](const std::vector<Row>& rows) { return *ParseChunkKey(rows.front().key); };
  const SeriesId series = key_of(packed.empty() ? loose : packed).series;
  const bool deleted = deleted_->Touches(series);
  // Tiers are made of the samples.
  if (options_.tiers.empty() && loose.empty() && !deleted && IsPacked(packed)) {
    for (const Row& row : packed) VEDETTE_CHECK(table.Put(row.key, row.value));
    return Ok();
  }
  std::uint32_t& seal = seal_;
  for (const std::vector<Row>* rows : {&packed, &loose}) {
    for (const Row& row : *rows) {
      const std::size_t first = columns_.size();
      const Status decoded = DecodeChunk(row.value, columns_);
      if (!decoded) return Annotate(DescribeChunkKey(row.key), decoded.error());
      const std::uint32_t own_seal = ParseChunkKey(row.key)->seal;
      if (deleted) deleted_->Apply(series, own_seal, columns_, first);
      seal = std::max(seal, own_seal);
    }
  }
  SortAndResolve(columns_, 0);
  samples_ += columns_.size();
  // Equal parts: a short rest would be coded worse than the others.
  const std::size_t parts = (columns_.size() + options_.max_samples - 1) / options_.max_samples;
  std::string chunk;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t begin = columns_.size() * part / parts, n = columns_.size() * (part + 1) / parts - begin;
    chunk.clear();
    EncodeChunk(std::span(columns_.times).subspan(begin, n), std::span(columns_.values).subspan(begin, n), chunk);
    const ChunkKey to{day_, series, TimeMs(columns_.times[begin]), seal};
    VEDETTE_CHECK(table.Put(EncodeChunkKey(to), chunk));
  }
  return Ok();
}

Status DayRepacker::WriteHistograms(const std::vector<Row>& rows, TableWriter& table) {
  const SeriesId series = ParseChunkKey(rows.front().key)->series;
  if (rows.size() == 1 && !deleted_->Touches(series)) {
    return table.Put(rows.front().key, rows.front().value);
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
  samples_ += samples.size();
  std::string chunk;
  for (std::size_t at = 0; at < samples.size();) {
    const std::size_t n = FitHistograms(std::span(samples.histograms).subspan(at), options_.max_samples);
    chunk.clear();
    EncodeHistogramChunk(std::span(samples.times).subspan(at, n), std::span(samples.histograms).subspan(at, n), chunk);
    VEDETTE_CHECK(table.Put(EncodeChunkKey({day_, series, TimeMs(samples.times[at]), seal, true}), chunk));
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
