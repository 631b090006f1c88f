// Chunks of a seal round on their way to disk.
//
// A small round goes through the log like any write; a large one becomes a table file that RocksDB takes in as it is,
// so that its bytes are written once instead of to the log, to a table and by compaction. Maintenance thread.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "storage/chunk/flat_ints.h"
#include "storage/rocks/database.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {

class ChunkWriter {
 public:
  /// Rows larger than this gain little and make point reads slow.
  static constexpr std::size_t kMaxSealedSamples = 4096;

  /// From `table_bytes` of chunks on a round becomes a table file.
  ChunkWriter(Database& database, std::size_t table_bytes, Family family = Family::kChunks,
              std::size_t max_samples = kMaxSealedSamples)
      : database_(database), table_bytes_(table_bytes), family_(family), max_samples_(max_samples) {}

  /// Samples of one series that lie on one UTC day, in order, each time once. Encodes them at once.
  void Add(std::int32_t day, SeriesId series, std::uint32_t seal, std::span<const std::int64_t> times,
           std::span<const double> values);

  /// The same of native histograms.
  void AddHistograms(std::int32_t day, SeriesId series, std::uint32_t seal, std::span<const std::int64_t> times,
                     std::span<const Histogram> histograms);

  /// What was added since the last Finish().
  std::size_t chunks() const { return rows_.size(); }
  std::size_t bytes() const { return chunk_bytes_.size(); }
  const std::set<std::int32_t>& days() const { return days_; }
  /// What changes with it.
  const std::vector<SampleChanges::Stripe>& stripes() const { return stripes_; }

  /// Gives everything added this seal number.
  void Stamp(std::uint32_t seal);
  /// Either the chunks are in the database on return, durably, or they are in `batch`. What `batch` says about them is
  /// written afterwards: after a crash in between the samples are in the journal as well, which changes no answer.
  /// On an error the chunks are still there and Finish() may be called again.
  Status Finish(rocksdb::WriteBatch& batch);
  void Clear();

 private:
  IntEffort Effort() const;

  struct Row {
    std::array<char, kChunkKeyBytes> key{};
    std::size_t begin = 0, end = 0;  // in chunk_bytes_
  };
  std::string_view Key(const Row& row) const { return {row.key.data(), row.key.size()}; }
  std::string_view Value(const Row& row) const {
    return std::string_view(chunk_bytes_).substr(row.begin, row.end - row.begin);
  }

  Database& database_;
  const std::size_t table_bytes_;
  const Family family_;
  const std::size_t max_samples_;
  std::vector<Row> rows_;
  std::string chunk_bytes_;
  void Touch(std::int32_t day, SeriesId series);

  std::set<std::int32_t> days_;
  std::vector<SampleChanges::Stripe> stripes_;  // neighbours once
};

}  // namespace vedette::storage
