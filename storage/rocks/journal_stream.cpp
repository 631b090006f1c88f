#include "storage/rocks/journal_stream.h"

#include "storage/coding.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Fits the cache between the two threads, and is some hundred records.
constexpr std::size_t kBatchBytes = 256 << 10;
constexpr std::size_t kBatches = 8;

std::unique_ptr<rocksdb::Iterator> JournalFrom(Database& database, std::uint64_t watermark) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;        // read once
  options.readahead_size = 1 << 20;  // from front to end
  std::unique_ptr<rocksdb::Iterator> at = database.NewIterator(options, Family::kJournal);
  at->Seek(JournalKey(watermark, 1));
  return at;
}

}  // namespace

JournalStream::JournalStream(Database& database, std::uint64_t watermark)
    : at_(JournalFrom(database, watermark)),
      slots_(std::vector<Batch>(kBatches), [this](Batch& batch) { return Fill(batch); }) {}

JournalStream::~JournalStream() = default;

Result<bool> JournalStream::Fill(Batch& batch) {
  batch.bytes.clear();
  batch.records.clear();
  for (; at_->Valid() && batch.bytes.size() < kBatchBytes; at_->Next()) {
    const std::string_view key = ToView(at_->key());
    if (key.size() != 12) return Fail(Code::kCorruption, "journal: key of {} bytes instead of 12", key.size());
    Record& record = batch.records.emplace_back();
    record.commit = GetBigEndian<std::uint64_t>(key);
    record.number = GetBigEndian<std::uint32_t>(key.substr(8));
    record.begin = batch.bytes.size();
    batch.bytes.append(ToView(at_->value()));
    record.end = batch.bytes.size();
  }
  if (!at_->status().ok()) return ToError(at_->status(), "read of the journal");
  return !batch.records.empty();
}

}  // namespace vedette::storage
