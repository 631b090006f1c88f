// Looks label sets up by id in the blocks of the family `series`. Keeps the last block decoded: ids that are asked for
// in ascending order, or of one target, cost a search in it. One thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "storage/index/definitions.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

class DefinitionReader {
 public:
  /// `snapshot` may be null: the newest state at each read of a block.
  DefinitionReader(Database& database, const rocksdb::Snapshot* snapshot) : database_(database), snapshot_(snapshot) {}

  struct Found {
    const Definitions* block = nullptr;  // null: no series with this id; valid until the next call
    std::size_t at = 0;
  };
  /// Errors: kIo, kCorruption naming the block.
  Result<Found> Find(SeriesId id);
  /// The empty set for an unknown id.
  Result<Labels> Read(SeriesId id);

  /// The block that has or would have `id`: the last that does not start behind it. Null when there is none.
  Result<const Definitions*> BlockOf(SeriesId id);
  /// Where the block behind the one of the last BlockOf() starts: ids below belong into that one. UINT64_MAX: nowhere.
  std::uint64_t next_first() const { return next_first_; }

  /// The blocks have changed.
  void Forget() { loaded_ = false; }

 private:
  Status Load(SeriesId id);

  Database& database_;
  const rocksdb::Snapshot* const snapshot_;
  bool loaded_ = false;
  std::uint64_t first_ = 0, next_first_ = 0;  // the ids that belong into the block: [first_, next_first_)
  std::string bytes_;
  Definitions block_;
};

}  // namespace vedette::storage
