// Rows that bypass RocksDB's log and memtables: written in key order into table files, then taken into the database all
// at once. What is written often or much (chunks) is written once that way.
//
// Files lie in <path>/ingest until Ingest(); a crash leaves them there and the next start removes them. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rocks/database.h"

namespace rocksdb {
class SstFileWriter;
class WriteBatch;
}  // namespace rocksdb

namespace vedette::storage {

class TableWriter {
 public:
  /// Files are cut at about `max_file_bytes`.
  TableWriter(Database& database, Family family, std::uint64_t max_file_bytes = std::uint64_t{256} << 20);
  ~TableWriter();  // removes what was not ingested
  TableWriter(const TableWriter&) = delete;
  TableWriter& operator=(const TableWriter&) = delete;

  /// The new rows take the place of all older ones in [from, to), which they lie in. Before the first Put().
  void Replace(std::string from, std::string to);
  /// The next row starts a new file.
  void Cut() { cut_ = true; }
  /// Keys ascend.
  Status Put(std::string_view key, std::string_view value);
  /// Everything appears at one moment: a snapshot shows all of it or nothing. It is durable on return, and so is what
  /// was written to the log before. Nothing was put: what was to be replaced goes, by the log. Errors: as Put(); kIo
  /// and kCorruption when a file does not read back as it was written. Then nothing has appeared, but for rows that
  /// took the way through the log.
  Status Ingest();
  /// The same of several families of one database: all at one moment, so that what moves from one to another is never
  /// in neither.
  static Status IngestTogether(std::span<TableWriter* const> tables);

  std::uint64_t rows() const { return rows_; }
  /// Of keys and values, not compressed.
  std::uint64_t bytes() const { return bytes_; }
  /// Of the files, once Ingest() has returned.
  std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  Status OpenFile(std::string_view first_key);
  Status CloseFile(const std::string& end);
  Status DeleteReplaced();
  Status ReadBack() const;
  /// What is done when the database cannot ingest: new rows are written, and `deletes` gets the old ones.
  Status WriteThroughLog(rocksdb::WriteBatch& deletes);

  Database& database_;
  const Family family_;
  const std::uint64_t max_file_bytes_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
  std::vector<std::string> files_;
  bool cut_ = false;
  std::string replace_from_, replace_to_;  // of all files; empty: nothing is replaced
  std::string file_from_;                  // of the file under way
  std::uint64_t rows_ = 0, bytes_ = 0, file_bytes_ = 0;
};

}  // namespace vedette::storage
