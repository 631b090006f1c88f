#include "storage/rocks/table_writer.h"

#include <algorithm>
#include <shared_mutex>

#include <rocksdb/env.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/write_batch.h>

namespace vedette::storage {
namespace {

/// Of one batch, where rows take the way through the log.
constexpr std::size_t kBatchBytes = 2 << 20;
constexpr int kIngestAttempts = 3;

}  // namespace

TableWriter::TableWriter(Database& database, Family family, std::uint64_t max_file_bytes)
    : database_(database), family_(family), max_file_bytes_(max_file_bytes) {}

TableWriter::~TableWriter() {
  writer_.reset();
  // After a successful Ingest() they have moved, and this fails: so be it. A start removes what remains here.
  for (const std::string& file : files_) (void)database_.db().GetEnv()->DeleteFile(file);
}

void TableWriter::Replace(std::string from, std::string to) {
  replace_from_ = std::move(from);
  file_from_ = replace_from_;
  replace_to_ = std::move(to);
}

Status TableWriter::OpenFile(std::string_view first_key) {
  // A range that ends where the next one starts: together the files replace all of it.
  if (writer_ != nullptr) {
    VEDETTE_CHECK(CloseFile(std::string(first_key)));
    file_from_ = std::string(first_key);
  }
  files_.push_back(database_.NewTableFileName());
  rocksdb::Options options = database_.db().GetOptions(database_.family(family_));
  writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(options), options, database_.family(family_));
  const rocksdb::Status status = writer_->Open(files_.back());
  if (!status.ok()) return ToError(status, "cannot make " + files_.back());
  return Ok();
}

Status TableWriter::CloseFile(const std::string& end) {
  if (!replace_to_.empty()) {
    const rocksdb::Status status = writer_->DeleteRange(file_from_, end);
    if (!status.ok()) return ToError(status, "write of " + files_.back());
  }
  rocksdb::ExternalSstFileInfo info;
  const rocksdb::Status status = writer_->Finish(&info);
  if (!status.ok()) return ToError(status, "write of " + files_.back());
  file_bytes_ += info.file_size;
  writer_.reset();
  return Ok();
}

Status TableWriter::Put(std::string_view key, std::string_view value) {
  if (writer_ == nullptr || cut_ || writer_->FileSize() >= max_file_bytes_) VEDETTE_CHECK(OpenFile(key));
  cut_ = false;
  const rocksdb::Status status = writer_->Put(ToSlice(key), ToSlice(value));
  if (!status.ok()) return ToError(status, "write of " + files_.back());
  ++rows_;
  bytes_ += key.size() + value.size();
  return Ok();
}

Status TableWriter::Ingest() {
  TableWriter* const self = this;
  return IngestTogether(std::span(&self, 1));
}

Status TableWriter::IngestTogether(std::span<TableWriter* const> tables) {
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  // Sequence numbers stay in RocksDB's manifest: files need not be written to again.
  options.write_global_seqno = false;
  std::vector<rocksdb::IngestExternalFileArg> all;
  for (TableWriter* table : tables) {
    if (table->writer_ == nullptr) continue;
    VEDETTE_CHECK(table->CloseFile(table->replace_to_));
    VEDETTE_CHECK(table->ReadBack());
    rocksdb::IngestExternalFileArg& one = all.emplace_back();
    one.column_family = table->database_.family(table->family_);
    one.external_files = table->files_;
    one.options = options;
  }
  Database& database = tables.front()->database_;
  if (!all.empty() && database.can_ingest()) {
    // The files are durable at once, the log in a second: what they rely on, series definitions first of all, must not
    // be lost when they are there.
    VEDETTE_CHECK(database.Sync());
    const std::shared_lock no_snapshot(database.ingestion());
    rocksdb::Status status;
    // RocksDB flushes the memtable first if rows of it lie among the new ones, and says so when there are some again.
    for (int attempt = 0; attempt < kIngestAttempts; ++attempt) {
      status = database.db().IngestExternalFiles(all);
      if (!status.IsTryAgain()) break;
    }
    if (!status.ok()) return ToError(status, "ingestion of " + all.front().external_files.front());
  } else if (!all.empty()) {
    // Old rows go when all new ones are there.
    rocksdb::WriteBatch deletes;
    for (TableWriter* table : tables) VEDETTE_CHECK(table->WriteThroughLog(deletes));
    VEDETTE_CHECK(database.Write(deletes, true));
  }
  for (TableWriter* table : tables) {
    if (table->files_.empty()) VEDETTE_CHECK(table->DeleteReplaced());
  }
  return Ok();
}

/// What is left when there is nothing to put in the place of the old rows.
Status TableWriter::DeleteReplaced() {
  if (replace_to_.empty()) return Ok();
  // Mostly there is nothing, and a tombstone would be in the way of every read until it is compacted.
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> old = database_.NewIterator(options, family_);
  old->Seek(replace_from_);
  if (!old->status().ok()) return ToError(old->status(), "read of " + std::string(FamilyName(family_)));
  if (!old->Valid() || ToView(old->key()) >= replace_to_) return Ok();
  rocksdb::WriteBatch batch;
  batch.DeleteRange(database_.family(family_), replace_from_, replace_to_);
  return database_.Write(batch, false);
}

/// The journal of what is in the files is dropped next: the time to find out that a disk lies. It also keeps RocksDB
/// from meeting a bad file, which it takes in with wrong bounds or aborts on.
Status TableWriter::ReadBack() const {
  for (const std::string& file : files_) {
    rocksdb::SstFileReader reader(database_.db().GetOptions(database_.family(family_)));
    rocksdb::Status status = reader.Open(file);
    if (status.ok()) status = reader.VerifyChecksum();
    if (!status.ok()) return ToError(status, "table file does not read back as written: " + file);
  }
  return Ok();
}

Status TableWriter::WriteThroughLog(rocksdb::WriteBatch& deletes) {
  if (files_.empty()) return Ok();
  rocksdb::ColumnFamilyHandle* family = database_.family(family_);
  rocksdb::ReadOptions old_rows;
  old_rows.total_order_seek = true;
  old_rows.fill_cache = false;
  // Made before the first new row is written: it shows the old ones only.
  const std::unique_ptr<rocksdb::Iterator> old = database_.NewIterator(old_rows, family_);
  if (!replace_to_.empty()) old->Seek(replace_from_);
  rocksdb::WriteBatch puts;
  const auto write = [&](std::size_t from_bytes) -> Status {
    if (puts.Count() == 0 || puts.GetDataSize() < from_bytes) return Ok();
    VEDETTE_CHECK(database_.Write(puts, false));
    puts.Clear();
    return Ok();
  };
  const auto delete_old_before = [&](std::string_view key) {
    for (; old->Valid() && ToView(old->key()) < std::min<std::string_view>(key, replace_to_); old->Next()) {
      deletes.Delete(family, old->key());
    }
    if (old->Valid() && ToView(old->key()) == key) old->Next();  // overwritten
  };
  for (const std::string& file : files_) {
    rocksdb::SstFileReader reader(database_.db().GetOptions(family));
    if (const rocksdb::Status opened = reader.Open(file); !opened.ok()) return ToError(opened, "read of " + file);
    rocksdb::ReadOptions all;
    all.total_order_seek = true;
    const std::unique_ptr<rocksdb::Iterator> at(reader.NewIterator(all));
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      puts.Put(family, at->key(), at->value());
      if (!replace_to_.empty()) delete_old_before(ToView(at->key()));
      VEDETTE_CHECK(write(kBatchBytes));
    }
    if (!at->status().ok()) return ToError(at->status(), "read of " + file);
  }
  VEDETTE_CHECK(write(0));
  if (!replace_to_.empty()) delete_old_before(replace_to_);
  if (!old->status().ok()) return ToError(old->status(), "read of " + std::string(FamilyName(family_)));
  return Ok();
}

}  // namespace vedette::storage
