#include "storage/rocks/rocks_state.h"

#include <algorithm>

#include <rocksdb/write_batch.h>

#include "storage/coding.h"
#include "storage/rocks/state_record.h"

namespace vedette::storage {
namespace {

/// Before every table name. The row with only this byte tells up to which batch the history was cut.
constexpr char kHistoryTag = '\x01';
/// Of one page, when the subscriber names no number of batches.
constexpr std::size_t kPageBytes = 1 << 20;

std::string StateKey(std::string_view table, std::string_view key) {
  std::string out(table);
  out.push_back('\0');
  return out.append(key);
}

std::string HistoryKey(std::uint64_t sequence) {
  std::string out(1, kHistoryTag);
  PutBigEndian(out, sequence);
  return out;
}

std::string CutKey() { return std::string(1, kHistoryTag); }

/// The kept batches of one moment, oldest first.
class HistoryWalk {
 public:
  HistoryWalk(Database& database, const rocksdb::Snapshot* snapshot) : database_(database), snapshot_(snapshot) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    at_ = database.NewIterator(options, Family::kState);
  }

  /// Batches up to this one are not kept any more.
  Result<std::uint64_t> Cut() const {
    VEDETTE_TRY(const std::optional<std::string> bytes, database_.Get(Family::kState, CutKey(), snapshot_));
    if (!bytes) return std::uint64_t{0};
    if (bytes->size() != 8) return Fail(Code::kCorruption, "history of the state: the cut has {} bytes", bytes->size());
    return GetBigEndian<std::uint64_t>(*bytes);
  }
  /// The newest batch; `cut` when none is kept.
  std::uint64_t Last(std::uint64_t cut) {
    at_->SeekForPrev(HistoryKey(UINT64_MAX));
    return valid() ? std::max(sequence(), cut) : cut;
  }
  void Seek(std::uint64_t sequence) { at_->Seek(HistoryKey(sequence)); }
  void Next() { at_->Next(); }
  bool valid() const { return at_->Valid() && at_->key().size() == 9 && at_->key()[0] == kHistoryTag; }
  std::uint64_t sequence() const { return GetBigEndian<std::uint64_t>(ToView(at_->key()).substr(1)); }
  std::string_view record() const { return ToView(at_->value()); }
  Status status() const {
    if (at_->status().ok()) return Ok();
    return ToError(at_->status(), "read of the state's history");
  }

 private:
  Database& database_;
  const rocksdb::Snapshot* snapshot_;
  std::unique_ptr<rocksdb::Iterator> at_;
};

Status ScanRows(Database& database, const rocksdb::Snapshot* snapshot, std::string_view table, std::string_view prefix,
                const std::function<bool(std::string_view, std::string_view)>& row) {
  const std::string start = StateKey(table, prefix);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  const std::unique_ptr<rocksdb::Iterator> at = database.NewIterator(options, Family::kState);
  for (at->Seek(start); at->Valid() && ToView(at->key()).starts_with(start); at->Next()) {
    if (!row(ToView(at->key()).substr(table.size() + 1), ToView(at->value()))) break;
  }
  if (!at->status().ok()) return ToError(at->status(), "scan of table " + std::string(table));
  return Ok();
}

/// A snapshot that is given back.
class Moment {
 public:
  explicit Moment(Database& database) : database_(database), snapshot_(database.db().GetSnapshot()) {}
  ~Moment() { database_.db().ReleaseSnapshot(snapshot_); }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  Database& database_;
  const rocksdb::Snapshot* const snapshot_;
};

class RocksStateView final : public StateView {
 public:
  explicit RocksStateView(Database& database) : database_(database), moment_(database) {
    HistoryWalk walk(database, moment_.get());
    // A cut that cannot be read shows when the subscriber asks for changes.
    const auto cut = walk.Cut();
    sequence_ = walk.Last(cut ? *cut : 0);
  }
  std::uint64_t sequence() const override { return sequence_; }
  Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const override {
    return database_.Get(Family::kState, StateKey(table, key), moment_.get());
  }
  Status Scan(std::string_view table, std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& row) const override {
    return ScanRows(database_, moment_.get(), table, prefix, row);
  }

 private:
  Database& database_;
  const Moment moment_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

Status RocksState::Recover() {
  HistoryWalk walk(database_, nullptr);
  VEDETTE_TRY(const std::uint64_t cut, walk.Cut());
  std::uint64_t last = cut;
  for (walk.Seek(cut + 1); walk.valid(); walk.Next()) {
    last = walk.sequence();
    kept_.push_back({last, walk.record().size()});
    kept_bytes_ += walk.record().size();
  }
  VEDETTE_CHECK(walk.status());
  next_ = last + 1;
  last_ = last;
  return Ok();
}

Status RocksState::Write(const StateBatch& changes) {
  if (changes.empty()) return Ok();
  rocksdb::WriteBatch batch;
  rocksdb::ColumnFamilyHandle* family = database_.family(Family::kState);
  for (const StateBatch::Change& change : changes.changes()) {
    const std::string key = StateKey(change.table, change.key);
    if (change.value) {
      batch.Put(family, key, *change.value);
    } else {
      batch.Delete(family, key);
    }
  }
  const std::string record = EncodeStateChanges(changes.changes());

  const std::lock_guard lock(write_mutex_);
  // The number of a failed batch is not used again: it may be in the log all the same.
  const std::uint64_t sequence = next_++;
  std::size_t cut = 0;  // of kept_
  std::size_t bytes = kept_bytes_ + record.size();
  const bool keeps = record.size() <= limits_.bytes && limits_.batches > 0;
  if (!keeps) {
    cut = kept_.size();
  } else if (kept_.size() + 1 > limits_.batches || bytes > limits_.bytes) {
    // A quarter at once, so that range tombstones are few.
    const std::size_t batches_left = limits_.batches - limits_.batches / 4 - 1;
    for (; cut < kept_.size() && (kept_.size() - cut > batches_left || bytes > limits_.bytes - limits_.bytes / 4);
         ++cut) {
      bytes -= kept_[cut].bytes;
    }
  }
  if (cut > 0 || !keeps) {
    const std::uint64_t through = keeps ? kept_[cut - 1].sequence : sequence;
    batch.DeleteRange(family, HistoryKey(0), HistoryKey(through + 1));
    std::string number;
    PutBigEndian(number, through);
    batch.Put(family, CutKey(), number);
  }
  if (keeps) batch.Put(family, HistoryKey(sequence), record);
  VEDETTE_CHECK(database_.Write(batch, true));

  for (; cut > 0; --cut) {
    kept_bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
  if (keeps) {
    kept_.push_back({sequence, record.size()});
    kept_bytes_ += record.size();
  }
  const std::lock_guard last_lock(mutex_);
  last_ = sequence;
  written_.notify_all();
  return Ok();
}

Result<std::optional<std::string>> RocksState::Get(std::string_view table, std::string_view key) const {
  return database_.Get(Family::kState, StateKey(table, key));
}

Status RocksState::Scan(std::string_view table, std::string_view prefix,
                        const std::function<bool(std::string_view, std::string_view)>& row) const {
  return ScanRows(database_, nullptr, table, prefix, row);
}

Result<ChangePage> RocksState::Changes(std::string_view table, std::uint64_t after, std::size_t max_batches) const {
  // All from one moment: what is cut meanwhile cannot be missed.
  const Moment moment(database_);
  HistoryWalk walk(database_, moment.get());
  VEDETTE_TRY(const std::uint64_t cut, walk.Cut());
  const std::uint64_t last = walk.Last(cut);
  VEDETTE_CHECK(walk.status());
  ChangePage page;
  page.too_old = after < cut || after > last;
  if (page.too_old) return page;
  page.next = last;
  std::size_t bytes = 0;
  for (walk.Seek(after + 1); walk.valid(); walk.Next()) {
    auto changes = DecodeStateChanges(walk.record());
    if (!changes) return Annotate(fmt::format("batch {}", walk.sequence()), std::move(changes).error());
    if (!table.empty()) std::erase_if(*changes, [&](const auto& change) { return change.table != table; });
    if (changes->empty()) continue;
    bytes += walk.record().size();
    page.batches.push_back({walk.sequence(), *std::move(changes)});
    if (max_batches != 0 ? page.batches.size() < max_batches : bytes < kPageBytes) continue;
    page.next = walk.sequence();
    return page;
  }
  VEDETTE_CHECK(walk.status());
  return page;
}

std::unique_ptr<StateView> RocksState::NewView() const { return std::make_unique<RocksStateView>(database_); }

bool RocksState::AwaitChange(std::uint64_t after, const std::stop_token& stop, Millis timeout) const {
  std::unique_lock lock(mutex_);
  return written_.wait_for(lock, stop, timeout, [&] { return last_ > after; });
}

}  // namespace vedette::storage
