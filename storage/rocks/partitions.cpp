#include "storage/rocks/partitions.h"

#include <algorithm>

#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include "storage/chunk/chunk.h"
#include "storage/chunk/merge.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Bytes of one batch of re-packed chunks.
constexpr std::size_t kRepackBatchBytes = 2 << 20;

/// The chunks of one series and day while a day is walked through.
class SeriesRepacker {
 public:
  SeriesRepacker(Database& database, std::int32_t day, std::size_t max_samples)
      : database_(database), day_(day), max_samples_(max_samples) {}

  Status Add(std::string_view key, std::string_view value) {
    const auto parsed = ParseChunkKey(key);
    if (!parsed) return Fail(Code::kCorruption, "{} in day {}", DescribeChunkKey(key), DayText(day_));
    if (parsed->series != series_) VEDETTE_CHECK(Finish());
    series_ = parsed->series;
    const std::size_t before = samples_.size();
    const Status decoded = DecodeChunk(value, samples_);
    if (!decoded) return Annotate(DescribeChunkKey(key), decoded.error());
    in_order_ = in_order_ && (before == 0 || samples_.times[before - 1] < samples_.times[before]);
    keys_.emplace_back(key);
    seal_ = std::max(seal_, parsed->seal);
    return Ok();
  }

  /// Writes the series if that makes fewer chunks of it, or puts them in order.
  Status Finish() {
    const std::size_t wanted = (samples_.size() + max_samples_ - 1) / max_samples_;
    if (keys_.size() > wanted || !in_order_) Rewrite();
    samples_.clear();
    keys_.clear();
    in_order_ = true;
    seal_ = 0;
    if (batch_.GetDataSize() < kRepackBatchBytes) return Ok();
    return Flush();
  }

  Status Flush() {
    if (batch_.Count() == 0) return Ok();
    VEDETTE_CHECK(database_.Write(batch_, false));
    batch_.Clear();
    return Ok();
  }

 private:
  void Rewrite() {
    rocksdb::ColumnFamilyHandle* family = database_.family(Family::kChunks);
    SortAndResolve(samples_, 0);
    for (const std::string& key : keys_) batch_.Delete(family, key);
    for (std::size_t i = 0; i < samples_.size(); i += max_samples_) {
      const std::size_t n = std::min(max_samples_, samples_.size() - i);
      std::string chunk;
      EncodeChunk(std::span(samples_.times).subspan(i, n), std::span(samples_.values).subspan(i, n), chunk);
      // A key that was just deleted may be put again: the later entry of a batch wins.
      batch_.Put(family, EncodeChunkKey({day_, series_, TimeMs(samples_.times[i]), seal_}), chunk);
    }
  }

  Database& database_;
  const std::int32_t day_;
  const std::size_t max_samples_;
  SeriesId series_ = SeriesId::kNone;
  Columns samples_;
  std::vector<std::string> keys_;
  bool in_order_ = true;
  std::uint32_t seal_ = 0;
  rocksdb::WriteBatch batch_;
};

std::unique_ptr<rocksdb::Iterator> OrderedIterator(Database& database, Family family) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  return std::unique_ptr<rocksdb::Iterator>(database.db().NewIterator(options, database.family(family)));
}

}  // namespace

Status Partitions::Recover() {
  const auto at = OrderedIterator(database_, Family::kChunks);
  for (at->SeekToFirst(); at->Valid();) {
    if (at->key().size() < 4) return Fail(Code::kCorruption, "{}", DescribeChunkKey(ToView(at->key())));
    const std::int32_t day = ParseDay(ToView(at->key()));
    days_.insert(day);
    at->Seek(DayPrefix(day + 1));
  }
  if (!at->status().ok()) return ToError(at->status(), "read of chunks");
  const auto mark = OrderedIterator(database_, Family::kMeta);
  for (mark->Seek(ToSlice(kMetaUnpacked)); mark->Valid() && ToView(mark->key()).starts_with(kMetaUnpacked);
       mark->Next()) {
    const std::string_view day = ToView(mark->key()).substr(kMetaUnpacked.size());
    if (day.size() == 4) unpacked_.insert(ParseDay(day));
  }
  if (!mark->status().ok()) return ToError(mark->status(), "read of meta");
  Publish();
  return Ok();
}

std::shared_ptr<const Partitions::Days> Partitions::days() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

void Partitions::Publish() {
  auto days = std::make_shared<const Days>(days_.begin(), days_.end());
  const std::lock_guard lock(mutex_);
  published_ = std::move(days);
}

void Partitions::Touch(std::int32_t day, rocksdb::WriteBatch& batch) {
  // Published before the chunks are written: a reader that looks into a day too many finds nothing there.
  if (days_.insert(day).second) Publish();
  unpacked_.insert(day);
  batch.Put(database_.family(Family::kMeta), UnpackedKey(day), rocksdb::Slice());
}

Result<std::size_t> Partitions::DropBefore(std::int32_t day) {
  const auto end = days_.lower_bound(day);
  const auto count = static_cast<std::size_t>(std::distance(days_.begin(), end));
  if (count == 0) return count;
  const std::string from = DayPrefix(INT32_MIN), to = DayPrefix(day);
  rocksdb::WriteBatch batch;
  for (auto at = days_.begin(); at != end; ++at) batch.Delete(database_.family(Family::kMeta), UnpackedKey(*at));
  for (const Family family : {Family::kChunks, Family::kIndex}) {
    // Whole files go at once; the range tombstone covers what shares a file with later days.
    const rocksdb::Slice begin(from), limit(to);
    const rocksdb::Status status =
        rocksdb::DeleteFilesInRange(&database_.db(), database_.family(family), &begin, &limit, false);
    if (!status.ok()) return ToError(status, "drop of the days before " + DayText(day));
    batch.DeleteRange(database_.family(family), from, to);
  }
  VEDETTE_CHECK(database_.Write(batch, false));
  unpacked_.erase(unpacked_.begin(), unpacked_.lower_bound(day));
  days_.erase(days_.begin(), end);
  Publish();
  return count;
}

Result<Postings> Partitions::AllSeries() const {
  Postings out;
  for (const std::int32_t day : days_) VEDETTE_CHECK(DiskIndex(database_, day, nullptr).All(out));
  Normalize(out);
  return out;
}

Status Partitions::Repack(std::int32_t last, std::size_t max_samples) {
  while (!unpacked_.empty() && *unpacked_.begin() <= last) VEDETTE_CHECK(RepackDay(*unpacked_.begin(), max_samples));
  return Ok();
}

Status Partitions::RepackDay(std::int32_t day, std::size_t max_samples) {
  SeriesRepacker repacker(database_, day, max_samples);
  const std::string prefix = DayPrefix(day);
  const auto at = OrderedIterator(database_, Family::kChunks);
  for (at->Seek(prefix); at->Valid() && ToView(at->key()).starts_with(prefix); at->Next()) {
    VEDETTE_CHECK(repacker.Add(ToView(at->key()), ToView(at->value())));
  }
  if (!at->status().ok()) return ToError(at->status(), "read of the chunks of " + DayText(day));
  VEDETTE_CHECK(repacker.Finish());
  VEDETTE_CHECK(repacker.Flush());
  rocksdb::WriteBatch done;
  done.Delete(database_.family(Family::kMeta), UnpackedKey(day));
  VEDETTE_CHECK(database_.Write(done, false));
  unpacked_.erase(day);
  return Ok();
}

}  // namespace vedette::storage
