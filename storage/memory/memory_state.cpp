#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "storage/memory/memory_storage.h"

namespace vedette::storage {
namespace {

using Rows = std::map<std::pair<std::string, std::string>, std::string>;

std::optional<std::string> Find(const Rows& rows, std::string_view table, std::string_view key) {
  const auto row = rows.find(std::pair(std::string(table), std::string(key)));
  return row == rows.end() ? std::nullopt : std::optional(row->second);
}

/// Copies: what is done with the rows may call the store.
std::vector<std::pair<std::string, std::string>> Collect(const Rows& rows, std::string_view table,
                                                         std::string_view prefix) {
  std::vector<std::pair<std::string, std::string>> found;
  for (auto at = rows.lower_bound(std::pair(std::string(table), std::string(prefix)));
       at != rows.end() && at->first.first == table && at->first.second.starts_with(prefix); ++at) {
    found.emplace_back(at->first.second, at->second);
  }
  return found;
}

using RowVisitor = std::function<bool(std::string_view, std::string_view)>;

Status Visit(const std::vector<std::pair<std::string, std::string>>& found, const RowVisitor& row) {
  for (const auto& [key, value] : found) {
    if (!row(key, value)) break;
  }
  return Ok();
}

std::size_t BytesOf(const StateBatch& batch) {
  std::size_t bytes = 0;
  for (const StateBatch::Change& change : batch.changes()) {
    bytes += change.table.size() + change.key.size() + (change.value ? change.value->size() : 0);
  }
  return bytes;
}

class MemoryStateView final : public StateView {
 public:
  MemoryStateView(Rows rows, std::uint64_t sequence) : rows_(std::move(rows)), sequence_(sequence) {}
  std::uint64_t sequence() const override { return sequence_; }
  Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const override {
    return Find(rows_, table, key);
  }
  Status Scan(std::string_view table, std::string_view prefix, const RowVisitor& row) const override {
    return Visit(Collect(rows_, table, prefix), row);
  }

 private:
  const Rows rows_;
  const std::uint64_t sequence_;
};

class MemoryStateStore final : public StateStore {
 public:
  explicit MemoryStateStore(const StateHistory& limits) : limits_(limits) {}

  Status Write(const StateBatch& batch) override {
    if (batch.empty()) return Ok();
    const std::lock_guard lock(mutex_);
    for (const StateBatch::Change& change : batch.changes()) {
      const std::pair key(change.table, change.key);
      if (change.value) {
        rows_[key] = *change.value;
      } else {
        rows_.erase(key);
      }
    }
    history_.push_back({{++last_, batch.changes()}, BytesOf(batch)});
    bytes_ += history_.back().bytes;
    while (history_.size() > limits_.batches || bytes_ > limits_.bytes) {
      forgotten_ = history_.front().batch.sequence;
      bytes_ -= history_.front().bytes;
      history_.pop_front();
    }
    written_.notify_all();
    return Ok();
  }

  Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    return Find(rows_, table, key);
  }

  Status Scan(std::string_view table, std::string_view prefix, const RowVisitor& row) const override {
    std::unique_lock lock(mutex_);
    const auto found = Collect(rows_, table, prefix);
    lock.unlock();
    return Visit(found, row);
  }

  Result<ChangePage> Changes(std::string_view table, std::uint64_t after, std::size_t max_batches) const override {
    const std::lock_guard lock(mutex_);
    ChangePage page;
    page.too_old = after < forgotten_ || after > last_;
    if (page.too_old) return page;
    page.next = last_;
    for (const Kept& kept : history_) {
      if (kept.batch.sequence <= after) continue;
      StateChanges changes{kept.batch.sequence, {}};
      for (const StateBatch::Change& change : kept.batch.changes) {
        if (table.empty() || change.table == table) changes.changes.push_back(change);
      }
      if (changes.changes.empty()) continue;
      page.batches.push_back(std::move(changes));
      if (page.batches.size() != max_batches) continue;
      page.next = kept.batch.sequence;
      break;
    }
    return page;
  }

  std::unique_ptr<StateView> NewView() const override {
    const std::lock_guard lock(mutex_);
    return std::make_unique<MemoryStateView>(rows_, last_);
  }

  bool AwaitChange(std::uint64_t after, const std::stop_token& stop, Millis timeout) const override {
    std::unique_lock lock(mutex_);
    return written_.wait_for(lock, stop, timeout, [&] { return last_ > after; });
  }

 private:
  struct Kept {
    StateChanges batch;
    std::size_t bytes = 0;
  };

  const StateHistory limits_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any written_;
  Rows rows_;
  std::deque<Kept> history_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0, forgotten_ = 0;
};

}  // namespace

std::unique_ptr<StateStore> NewMemoryStateStore(const StateHistory& history) {
  return std::make_unique<MemoryStateStore>(history);
}

}  // namespace vedette::storage
