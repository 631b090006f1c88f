// The journal from front to end, read ahead of who replays it: RocksDB's part of a start has a thread of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rocks/database.h"
#include "storage/rocks/read_ahead.h"

namespace rocksdb {
class Iterator;
}

namespace vedette::storage {

class JournalStream {
 public:
  struct Record {
    std::uint64_t commit = 0;
    std::uint32_t number = 0;        // of the records of that commit
    std::size_t begin = 0, end = 0;  // in Batch::bytes
  };
  struct Batch {
    std::string bytes;
    std::vector<Record> records;
    std::string_view Bytes(const Record& record) const {
      return std::string_view(bytes).substr(record.begin, record.end - record.begin);
    }
  };

  /// Begins behind the records of `watermark`, which are covered by what is on disk.
  JournalStream(Database& database, std::uint64_t watermark);
  ~JournalStream();

  /// The next records in their order, good until the next call; null behind the last. Errors: kIo, kCorruption.
  Result<const Batch*> Next() { return slots_.Next(); }

 private:
  Result<bool> Fill(Batch& batch);

  const std::unique_ptr<rocksdb::Iterator> at_;
  ReadAhead<Batch> slots_;
};

}  // namespace vedette::storage
