// Exemplars, start times and metadata in the family `facts`.
//
// They are rows of their own, written with the batch of the commit they came with and read with a querier's snapshot:
// nothing of them is held in memory but what keeps a scrape from writing the same again. All rows mean the same however
// often and in whatever order they are written, so re-sending and crashes change no answer.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/append_batch.h"
#include "storage/index/postings.h"
#include "storage/rocks/database.h"
#include "storage/rocks/fact_keys.h"

namespace vedette::storage {

class FactStore {
 public:
  explicit FactStore(Database& database) : database_(database) {}

  /// Counts the exemplars. Once, at a start.
  Status Recover();

  // Writing; any thread.
  /// What Put() has put into a batch, until it is written.
  struct Pending {
    std::vector<std::pair<SeriesId, std::uint64_t>> exemplars;
    std::vector<std::size_t> fresh;  // places of those among the facts
    std::vector<std::pair<SeriesId, StartTime>> starts;
    std::shared_lock<std::shared_mutex> infos;  // rows that metadata refers to are not dropped meanwhile
  };
  /// Adds what is new to `batch`. Errors: kIo, kCorruption.
  Result<Pending> Put(const BatchFacts& facts, rocksdb::WriteBatch& batch);
  void NoteWritten(Pending&& pending);

  // Reading. `snapshot`: null for the newest state.
  /// Ascending by time. Errors: kIo, kCorruption.
  Status ReadExemplars(const rocksdb::Snapshot* snapshot, TimeRange range,
                       const std::function<void(SeriesId, Exemplar)>& visit) const;
  /// Appends, ascending.
  Status ReadStarts(const rocksdb::Snapshot* snapshot, SeriesId series, std::vector<StartTime>& out) const;
  /// Target by target, then by family and time, until `visit` returns false.
  Status VisitMetadata(const rocksdb::Snapshot* snapshot, const MetadataQuery& query,
                       const std::function<bool(const MetadataEntry&)>& visit) const;

  // Maintenance.
  /// Drops exemplars before `oldest`, and the oldest ones beyond `most`.
  Status TrimExemplars(TimeMs oldest, std::size_t most);
  Status DeleteExemplars(const Postings& series, TimeRange range);
  /// Drops start times and metadata that ended before `oldest`; start times of series that are not `alive` as well.
  Status TrimHistory(TimeMs oldest, const Postings& alive);
  /// Many rows that came at once, the metadata of many targets, go to a table: a start would read them from the log
  /// one by one, which takes as long as everything else. At most once a minute: exemplars come all the time.
  Status Spill();

 private:
  void PutExemplar(const BatchFacts::ExemplarSample& sample, rocksdb::WriteBatch& batch, Pending& pending);
  Status PutStart(const BatchFacts::StartSample& sample, rocksdb::WriteBatch& batch, Pending& pending);
  Status PutMetadata(const BatchFacts::MetadataSample& sample, rocksdb::WriteBatch& batch);
  Status EndMetadata(std::uint64_t target, TimeMs time, rocksdb::WriteBatch& batch);
  /// The number of the row with this value, which is put into `batch` when there is none.
  Result<std::uint64_t> Number(FactTag tag, const std::string& value, rocksdb::WriteBatch& batch) const;
  std::unique_ptr<rocksdb::Iterator> NewIterator(const rocksdb::Snapshot* snapshot) const;
  Status TrimStarts(TimeMs oldest, const Postings& alive);

  Database& database_;
  std::atomic<std::uint64_t> exemplars_{0};  // about: repeated ones may count twice until the next trim
  std::shared_mutex infos_mutex_;            // exclusive while infos are dropped
  std::mutex mutex_;                         // the two below; each is emptied when it is large
  std::unordered_map<SeriesId, std::uint64_t> last_exemplar_;  // hash with its time
  std::unordered_map<SeriesId, StartTime> last_start_;
  std::optional<std::chrono::steady_clock::time_point> last_spill_;  // the maintenance thread's
};

/// Keeps the smaller value: the earliest sample of a start time.
std::shared_ptr<rocksdb::MergeOperator> NewEarliestMergeOperator();

}  // namespace vedette::storage
