#include "storage/rocks/chunk_writer.h"

#include <algorithm>

#include <rocksdb/write_batch.h>

#include "storage/chunk/chunk.h"
#include "storage/rocks/table_writer.h"

namespace vedette::storage {
namespace {

/// Rows larger than this gain nothing and make point reads slow.
constexpr std::size_t kMaxSealedSamples = 4096;
/// A round of unusual size leaves no memory behind.
constexpr std::size_t kKeptBytes = 4 << 20;

}  // namespace

void ChunkWriter::Add(std::int32_t day, SeriesId series, std::uint32_t seal, std::span<const std::int64_t> times,
                      std::span<const double> values) {
  for (std::size_t at = 0; at < times.size(); at += kMaxSealedSamples) {
    const std::size_t n = std::min(kMaxSealedSamples, times.size() - at);
    Row& row = rows_.emplace_back();
    const std::string key = EncodeChunkKey({day, series, TimeMs(times[at]), seal});
    std::ranges::copy(key, row.key.begin());
    row.begin = chunk_bytes_.size();
    EncodeChunk(times.subspan(at, n), values.subspan(at, n), chunk_bytes_);
    row.end = chunk_bytes_.size();
  }
  if (!times.empty()) days_.insert(day);
}

Status ChunkWriter::Finish(rocksdb::WriteBatch& batch) {
  if (chunk_bytes_.size() < table_bytes_) {
    for (const Row& row : rows_) batch.Put(database_.family(Family::kChunks), ToSlice(Key(row)), ToSlice(Value(row)));
  } else {
    std::ranges::sort(rows_, {}, [this](const Row& row) { return Key(row); });
    TableWriter table(database_, Family::kChunks);
    for (const Row& row : rows_) VEDETTE_CHECK(table.Put(Key(row), Value(row)));
    VEDETTE_CHECK(table.Ingest());
  }
  Clear();
  return Ok();
}

void ChunkWriter::Clear() {
  rows_.clear();
  chunk_bytes_.clear();
  if (chunk_bytes_.capacity() > kKeptBytes) {
    chunk_bytes_.shrink_to_fit();
    rows_.shrink_to_fit();
  }
  days_.clear();
}

}  // namespace vedette::storage
