#include "storage/rocks/chunk_writer.h"

#include <algorithm>

#include <rocksdb/write_batch.h>

#include "storage/chunk/chunk.h"
#include "storage/chunk/histogram_chunk.h"
#include "storage/coding.h"
#include "storage/rocks/table_writer.h"

namespace vedette::storage {
namespace {

/// A round of unusual size leaves no memory behind.
constexpr std::size_t kKeptBytes = 4 << 20;

}  // namespace

/// Loose chunks are coded again when their day is re-packed. Until then they are few samples each, which bins gain
/// nothing on, and what most queries read.
IntEffort ChunkWriter::Effort() const {
  return family_ == Family::kChunks ? IntEffort::kPackedOnly : IntEffort::kSmallest;
}

void ChunkWriter::Add(std::int32_t day, SeriesId series, std::uint32_t seal, std::span<const std::int64_t> times,
                      std::span<const double> values) {
  for (std::size_t at = 0; at < times.size(); at += max_samples_) {
    const std::size_t n = std::min(max_samples_, times.size() - at);
    Row& row = rows_.emplace_back();
    const std::string key = EncodeChunkKey({day, series, TimeMs(times[at]), seal});
    std::ranges::copy(key, row.key.begin());
    row.begin = chunk_bytes_.size();
    EncodeChunk(times.subspan(at, n), values.subspan(at, n), chunk_bytes_, std::nullopt, Effort());
    row.end = chunk_bytes_.size();
  }
  if (!times.empty()) Touch(day, series);
}

void ChunkWriter::AddHistograms(std::int32_t day, SeriesId series, std::uint32_t seal,
                                std::span<const std::int64_t> times, std::span<const Histogram> histograms) {
  for (std::size_t at = 0; at < times.size();) {
    const std::size_t n = FitHistograms(histograms.subspan(at), max_samples_);
    Row& row = rows_.emplace_back();
    const std::string key = EncodeChunkKey({day, series, TimeMs(times[at]), seal, true});
    std::ranges::copy(key, row.key.begin());
    row.begin = chunk_bytes_.size();
    EncodeHistogramChunk(times.subspan(at, n), histograms.subspan(at, n), chunk_bytes_);
    row.end = chunk_bytes_.size();
    at += n;
  }
  if (!times.empty()) Touch(day, series);
}

void ChunkWriter::Touch(std::int32_t day, SeriesId series) {
  days_.insert(day);
  const SampleChanges::Stripe stripe = SampleChanges::StripeOf(day, series);
  if (stripes_.empty() || stripes_.back() != stripe) stripes_.push_back(stripe);
}

Status ChunkWriter::Finish(rocksdb::WriteBatch& batch) {
  if (chunk_bytes_.size() < table_bytes_) {
    for (const Row& row : rows_) batch.Put(database_.family(family_), ToSlice(Key(row)), ToSlice(Value(row)));
  } else {
    std::ranges::sort(rows_, {}, [this](const Row& row) { return Key(row); });
    TableWriter table(database_, family_);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      // A file of a day goes when the day goes.
      if (i > 0 && ParseDay(Key(rows_[i])) != ParseDay(Key(rows_[i - 1]))) table.Cut();
      VEDETTE_CHECK(table.Put(Key(rows_[i]), Value(rows_[i])));
    }
    VEDETTE_CHECK(table.Ingest());
  }
  Clear();
  return Ok();
}

void ChunkWriter::Stamp(std::uint32_t seal) {
  std::string bytes;
  PutBigEndian(bytes, seal);
  for (Row& row : rows_) std::ranges::copy(bytes, row.key.end() - static_cast<std::ptrdiff_t>(bytes.size()));
}

void ChunkWriter::Clear() {
  rows_.clear();
  chunk_bytes_.clear();
  if (chunk_bytes_.capacity() > kKeptBytes) {
    chunk_bytes_.shrink_to_fit();
    rows_.shrink_to_fit();
  }
  days_.clear();
  stripes_.clear();
}

}  // namespace vedette::storage
