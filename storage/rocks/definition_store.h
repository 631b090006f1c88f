// Series definitions on disk: how they get there and go again. Reading them is definition_reader.h.
//
// With the first commit that uses it a series is defined by a record, in the same batch; that is all a commit pays.
// Later the maintenance thread moves what the records hold into blocks of neighbouring ids, which a start reads at the
// speed of memory, and into rows by hash, by which a label set that is not in memory finds its id.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "storage/head/series_table.h"
#include "storage/index/definitions.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

/// A record that is in the database, and the series it defines.
struct DefinitionRecord {
  std::uint64_t number = 0;
  std::vector<SeriesId> ids;
};

class DefinitionStore {
 public:
  DefinitionStore(Database& database, const SeriesTable& table) : database_(database), table_(table) {}

  // At a start.
  /// Calls `take` with each record, in order, coded as Definitions. Numbers go on behind the last. Errors of `take` are
  /// said to be of the record.
  Status ReadRecords(const std::function<Status(std::uint64_t number, std::string_view bytes)>& take);
  /// One above the last id of all blocks; 1 when there is none.
  Result<std::uint64_t> NextId() const;

  /// Adds a record of these series, which are in memory, to the batch. Any thread.
  DefinitionRecord PutRecord(std::span<HeadSeries* const> series, rocksdb::WriteBatch& batch);

  // Maintenance thread.
  /// Writes the definitions of series in memory (ascending ids) to their blocks and drops records, all or nothing.
  Status Store(std::span<const SeriesId> ids, std::span<const DefinitionRecord> records);
  /// Deletes the definitions that `keep` refuses. `guard` is held while it is asked and until what it said is done, and
  /// `amend` may add to the batch of a deletion.
  Status Collect(const std::function<bool(SeriesId)>& keep, std::mutex& guard,
                 const std::function<void(rocksdb::WriteBatch&)>& amend);

 private:
  struct HashRow {
    std::uint64_t hash = 0;
    SeriesId id = SeriesId::kNone;
    auto operator<=>(const HashRow&) const = default;
  };
  Status PutBlocks(const Definitions* existing, std::span<const SeriesId> ids, rocksdb::WriteBatch& batch,
                   std::vector<HashRow>& hashes) const;
  Status PutHashes(std::vector<HashRow>& hashes, rocksdb::WriteBatch& batch);

  Database& database_;
  const SeriesTable& table_;
  std::atomic<std::uint64_t> next_record_{1};
};

}  // namespace vedette::storage
